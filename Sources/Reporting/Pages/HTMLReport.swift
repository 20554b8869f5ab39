import Plotting
import TensorCore

/// A report as one self-contained page that opens offline.
public enum HTMLReport {
    /// Rows that a table shows in the page; the CSV has them all.
    static let rowLimit = 1500
    /// Tables with a section of their own, in this order.
    private static let shown = [
        "per-token-vs-per-channel", "errors-by-layer", "statistics-layer", "outlier-stability",
    ]

    /// - Throws: ``ReportingError/unwritable(file:reason:)``.
    public static func write(content: ReportContent, to path: String) throws {
        try TextFile.write(html(content), to: path)
    }

    /// The page's text, the same for the same content.
    public static func html(_ content: ReportContent) -> String {
        var page = HTMLWriter()
        page.raw("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")
        page.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n")
        page.raw("<meta name=\"color-scheme\" content=\"light dark\">\n")
        page.element("title", "\(content.name) – KVAtlas report")
        page.raw("<style>\n\(ReportStyle.css)</style>\n</head>\n<body>\n<main>\n")
        page.element("h1", heading(content))
        page.element("p", content.context.sentence, class: "context")
        contents(content, to: &page)
        summary(content, to: &page)
        if let table = content.tables["paper-table-2"] { PaperTableSection.write(table, to: &page) }
        figures(content, to: &page)
        tables(content, to: &page)
        origin(content, to: &page)
        page.raw("</main>\n<script>\n\(ReportStyle.script)</script>\n</body>\n</html>\n")
        return page.text
    }

    private static func heading(_ content: ReportContent) -> String {
        content.context.model.isEmpty
            ? "The key/value cache, \(content.name)" : "The key/value cache of \(content.context.model)"
    }

    private static func contents(_ content: ReportContent, to page: inout HTMLWriter) {
        page.raw("<nav aria-label=\"Sections\">")
        var links = [("summary", "Summary")]
        if content.tables["paper-table-2"] != nil { links.append(("table-2", "Table 2")) }
        links += [("figures", "Figures"), ("tables", "Tables"), ("origin", "How it was made")]
        for (id, title) in links { page.link(title, "#\(id)") }
        page.raw("</nav>\n")
    }

    private static func summary(_ content: ReportContent, to page: inout HTMLWriter) {
        page.section("summary", "What this run shows")
        if content.verdicts.isEmpty {
            page.element("p", "The tables of this run hold nothing that the paper's claims can be judged by.")
        }
        if let queries = QueryPositions.sentence(content) { page.element("p", queries) }
        for verdict in content.verdicts {
            page.raw(
                "<div class=\"verdict \(verdict.outcome == .holds ? "yes" : verdict.outcome == .doesNotHold ? "no" : "partly")\">"
            )
            page.raw("<h3>")
            page.text(verdict.claim)
            page.element("span", verdict.outcome.rawValue, class: "outcome")
            page.raw("</h3>")
            page.element("p", verdict.sentence)
            page.raw("</div>\n")
        }
        page.raw("</section>\n")
    }

    private static func figures(_ content: ReportContent, to page: inout HTMLWriter) {
        page.section("figures", "Figures")
        for figure in content.figures {
            page.raw("<figure id=\"figure-\(HTMLWriter.escaped(figure.id))\"><div class=\"scroll\" tabindex=\"0\">\n")
            page.raw(figure.svg)
            page.raw("</div><figcaption>")
            page.link("\(figure.id).svg", figure.file)
            page.raw("</figcaption></figure>\n")
        }
        for missing in content.missingFigures {
            page.raw("<div class=\"note\">")
            page.element("p", "Not drawn: \(missing.id).")
            page.element("pre", missing.reason)
            page.raw("</div>\n")
        }
        page.raw("</section>\n")
    }

    private static func tables(_ content: ReportContent, to page: inout HTMLWriter) {
        page.section("tables", "Tables")
        page.element("p", "Press a column's name to sort by it; type to filter.")
        if let outliers = content.tables["outlier-channels"] {
            table(outliers, title: "Outlier channels", isOpen: true, to: &page)
        }
        for name in shown {
            if let wanted = content.tables[name] {
                table(wanted, title: title(name), isOpen: name == shown[0], to: &page)
            }
        }
        let rest = content.tables.keys.filter {
            $0 != "outlier-channels" && $0 != "paper-table-2" && !shown.contains($0)
        }
        for name in rest.sorted() {
            guard let other = content.tables[name], other.rows.count <= rowLimit else { continue }
            table(other, title: title(name), isOpen: false, to: &page)
        }
        page.element("h3", "All tables as CSV")
        page.raw("<ul class=\"files\">\n")
        for (name, table) in content.tables.sorted(by: { $0.key < $1.key }) {
            page.raw("<li>")
            page.link("\(name).csv", "tables/\(name).csv")
            page.text(
                ", \(NumberText.short(Double(table.rows.count), digits: 9)) rows"
                    + (table.meaning.isEmpty ? "" : ". \(table.meaning)")
            )
            page.raw("</li>\n")
        }
        page.raw("</ul>\n</section>\n")
    }

    private static func title(_ name: String) -> String {
        Wording.capitalized(name.replacing("-", with: " "))
    }

    private static func table(_ table: Table, title: String, isOpen: Bool, to page: inout HTMLWriter) {
        page.raw("<details\(isOpen ? " open" : "")><summary>")
        page.text("\(title) (\(NumberText.short(Double(table.rows.count), digits: 9)) rows)")
        page.raw("</summary>\n")
        if !table.meaning.isEmpty { page.element("p", table.meaning) }
        page.raw("<label class=\"filter\">Filter <input type=\"search\"></label>\n")
        page.raw("<div class=\"scroll tall\" tabindex=\"0\"><table class=\"sortable\"><thead><tr>")
        for column in table.columns {
            let unit = column.unit.isEmpty ? "" : " (\(column.unit))"
            page.raw(
                "<th\(column.kind == .string ? "" : " class=\"n\"") title=\"\(HTMLWriter.escaped(column.meaning))\"><button type=\"button\">"
            )
            page.text(column.name.replacing("_", with: " ") + unit)
            page.raw("</button></th>")
        }
        page.raw("</tr></thead><tbody>\n")
        for row in table.rows.prefix(rowLimit) {
            page.raw("<tr>")
            for value in row { page.cell(value) }
            page.raw("</tr>\n")
        }
        page.raw("</tbody></table></div>\n")
        page.csvLink(table.name, rows: table.rows.count, shown: min(rowLimit, table.rows.count))
        page.raw("</details>\n")
    }

    private static func origin(_ content: ReportContent, to page: inout HTMLWriter) {
        page.section("origin", "How it was made")
        if let provenance = content.provenance {
            page.element("h3", "Versions, checksums, machine")
            page.tree(provenance)
        }
        if let manifest = content.manifest {
            page.element("h3", "The manifest that ran, with every default")
            page.raw("<div class=\"scroll tall\" tabindex=\"0\">")
            page.element("pre", manifest)
            page.raw("</div>\n")
        }
        if content.provenance == nil, content.manifest == nil {
            page.element("p", "The run's folder holds neither a manifest nor its provenance.")
        }
        page.raw("</section>\n")
    }
}
