import Plotting
import TensorCore

/// A report as one self-contained page that opens offline.
public enum HTMLReport {
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
        alterations(content.alterations, to: &page)
        contents(content, to: &page)
        summary(content, to: &page)
        if let table = content.tables["paper-table-2"] { PaperTableSection.write(table, to: &page) }
        figures(content, to: &page)
        ReportTables(content).write(to: &page)
        origin(content, to: &page)
        page.raw("</main>\n<script>\n\(ReportScript.text)</script>\n</body>\n</html>\n")
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

    /// Before anything else: numbers that somebody edited are not results.
    private static func alterations(_ alterations: [Alteration], to page: inout HTMLWriter) {
        guard !alterations.isEmpty else { return }
        page.raw("<div class=\"alarm\" role=\"alert\">")
        page.element("h2", "What is shown here is not what the run computed")
        page.raw("<ul>\n")
        for alteration in alterations { page.element("li", "\(alteration.sentence).") }
        page.raw("</ul>")
        page.element("p", "Its checksums say so. \(Alteration.remedy)")
        page.raw("</div>\n")
    }

    private static func summary(_ content: ReportContent, to page: inout HTMLWriter) {
        page.section("summary", "What this run shows")
        if content.verdicts.isEmpty, content.figures.isEmpty {
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
        structure(content, to: &page)
        findings(content.figures, to: &page)
        page.raw("</section>\n")
    }

    /// The structure study in sentences and one row a tensor.
    private static func structure(_ content: ReportContent, to page: inout HTMLWriter) {
        let findings = StructureFinding.all(content.tables)
        guard !findings.isEmpty else { return }
        page.element("h3", "The structure of the cache")
        page.raw("<ul class=\"findings\">\n")
        for finding in findings {
            page.raw("<li><strong>\(HTMLWriter.escaped(finding.topic)).</strong> ")
            page.text(finding.sentence)
            page.raw("</li>\n")
        }
        page.raw("</ul>\n")
        guard let overview = StructureOverview.table(content.tables) else { return }
        page.raw("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Structure by tensor\">")
        page.raw("<table class=\"paper\"><thead><tr>")
        for column in overview.columns {
            page.raw("<th scope=\"col\" title=\"\(HTMLWriter.escaped(column.meaning))\">")
            page.text(column.name.replacing("_", with: " "))
            page.raw("</th>")
        }
        page.raw("</tr></thead><tbody>\n")
        for row in overview.rows {
            page.raw("<tr>")
            page.element("th", Wording.plural(row[0].string ?? ""))
            for value in row.dropFirst() { page.number(value) }
            page.raw("</tr>\n")
        }
        page.raw("</tbody></table></div>\n")
    }

    /// The figures' titles are findings with their numbers.
    private static func findings(_ figures: [ReportContent.FigureEntry], to page: inout HTMLWriter) {
        guard !figures.isEmpty else { return }
        page.element("h3", "What the figures show")
        page.raw("<ul class=\"findings\">\n")
        var titles: Set<String> = []
        for figure in figures where titles.insert(figure.escapedTitle).inserted {
            page.raw("<li><a href=\"#figure-\(HTMLWriter.escaped(figure.id))\">\(figure.escapedTitle)</a></li>\n")
        }
        page.raw("</ul>\n")
    }

    private static func figures(_ content: ReportContent, to page: inout HTMLWriter) {
        page.section("figures", "Figures")
        for figure in content.figures {
            let id = HTMLWriter.escaped(figure.id)
            page.raw(
                "<figure id=\"figure-\(id)\"><div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"\(id)\">\n"
            )
            page.raw(figure.svg)
            page.raw("</div><figcaption><span class=\"swipe\">Swipe sideways to see all of it. </span>")
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
