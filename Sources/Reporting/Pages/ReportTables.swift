import Plotting
import TensorCore

/// The tables of a report: the first rows as HTML, all rows as data for the script that sorts and filters them.
struct ReportTables {
    /// Rows that are HTML; a page without scripting shows these.
    static let rowsShown = 200
    /// Cells of all tables that a page carries beyond those, about 3 MB of text.
    static let cellLimit = 400_000
    /// Tables that stand first, in this order; the first two are open.
    private static let first = [
        "outlier-channels", "per-token-vs-per-channel", "quality", "decode", "errors-by-layer", "statistics-layer",
        "outlier-stability", "transform-effects", "locality", "cross-layer", "spectrum-summary",
    ]
    private static let openCount = 2

    private let content: ReportContent
    private let names: [String]
    /// Tables that are carried whole, so that sorting and filtering see every row.
    private let whole: Set<String>

    init(_ content: ReportContent) {
        self.content = content
        // The paper's table has a section of its own.
        let names = content.tables.keys.filter { $0 != "paper-table-2" }
        let leading = Self.first.filter { names.contains($0) }
        self.names = leading + names.filter { !Self.first.contains($0) }.sorted()
        var whole: Set<String> = []
        var cells = 0
        // Small ones first: the largest table must not push all others out.
        let bySize = names.map { ($0, content.tables[$0].map { $0.rows.count * $0.columns.count } ?? 0) }
            .sorted { ($0.1, $0.0) < ($1.1, $1.0) }
        for (name, size) in bySize where cells + size <= Self.cellLimit {
            cells += size
            whole.insert(name)
        }
        self.whole = whole
    }

    func write(to page: inout HTMLWriter) {
        page.section("tables", "Tables")
        page.raw(
            "<p>Press a column’s name to sort by it. Filter by words, or by columns: "
                + "<code>layer=3 tensor=key</code>, <code>ratio&gt;2</code>.</p>\n"
        )
        for (index, name) in names.enumerated() {
            guard let table = content.tables[name] else { continue }
            write(table, isOpen: index < Self.openCount, to: &page)
        }
        files(to: &page)
        page.raw("</section>\n")
    }

    private func files(to page: inout HTMLWriter) {
        page.element("h3", "All tables as CSV")
        page.raw("<ul class=\"files\">\n")
        for (name, table) in content.tables.sorted(by: { $0.key < $1.key }) {
            page.raw("<li>")
            page.link("\(name).csv", "tables/\(name).csv")
            page.text(
                ", \(Self.count(table.rows.count)) rows" + (table.meaning.isEmpty ? "" : ". \(table.meaning)")
            )
            page.raw("</li>\n")
        }
        page.raw("</ul>\n")
    }

    private func write(_ table: Table, isOpen: Bool, to page: inout HTMLWriter) {
        let title = Wording.capitalized(table.name.replacing("-", with: " "))
        page.raw("<details\(isOpen ? " open" : "")><summary>")
        let part = isCut(table) ? "the first \(Self.rowsShown) of " : ""
        page.text("\(title) (\(part)\(Self.count(table.rows.count)) rows)")
        page.raw("</summary>\n")
        if let alteration = content.alterations.first(where: { $0.file == "tables/\(table.name).csv" }) {
            page.element("p", "This table \(alteration.problem).", class: "altered")
        }
        if !table.meaning.isEmpty { page.element("p", table.meaning) }
        if isCut(table) { partial(table, to: &page) }
        if table.rows.isEmpty {
            page.element("p", "It has no rows.")
        } else {
            rows(table, title: title, to: &page)
        }
        page.csvLink(table.name, note: note(table))
        page.raw("</details>\n")
    }

    private func rows(_ table: Table, title: String, to page: inout HTMLWriter) {
        page.raw("<div class=\"filter\"><label>Filter <input type=\"search\" autocomplete=\"off\"></label>")
        page.raw("<output></output></div>\n")
        page.raw("<div class=\"scroll tall\" tabindex=\"0\" role=\"region\" aria-label=\"")
        page.text(title)
        page.raw("\"><table class=\"sortable\"><thead><tr>")
        for column in table.columns {
            let unit = column.unit.isEmpty ? "" : " (\(column.unit))"
            page.raw("<th scope=\"col\"\(column.kind == .string ? "" : " class=\"n\"") title=\"")
            page.text(column.meaning)
            page.raw("\"><button type=\"button\">")
            page.text(column.name.replacing("_", with: " ") + unit)
            page.raw("</button></th>")
        }
        page.raw("</tr></thead><tbody>\n")
        for row in table.rows.prefix(Self.rowsShown) {
            page.raw("<tr>")
            for value in row { page.cell(value) }
            page.raw("</tr>\n")
        }
        page.raw("</tbody></table></div>\n")
        if table.rows.count > Self.rowsShown, whole.contains(table.name) {
            page.raw("<script type=\"application/json\">\(TableData.json(table))</script>\n")
        }
    }

    /// Whether the page has only a part of the table, with or without scripting.
    private func isCut(_ table: Table) -> Bool {
        table.rows.count > Self.rowsShown && !whole.contains(table.name)
    }

    /// Says before the rows that most of them are elsewhere, and sums all of them up.
    private func partial(_ table: Table, to page: inout HTMLWriter) {
        page.raw("<p class=\"altered\">")
        page.text(
            "Only the first \(Self.rowsShown) of \(Self.count(table.rows.count)) rows are here, and only they are sorted and "
                + "filtered: the page would be too large with all of them. All are in "
        )
        page.link("tables/\(table.name).csv", "tables/\(table.name).csv")
        page.text(".")
        page.raw("</p>\n")
        let numbers = TableSummary(table)
        guard !numbers.rows.isEmpty else { return }
        page.element("p", "Every column of numbers over all rows:")
        page.raw("<div class=\"scroll\" tabindex=\"0\"><table><thead><tr><th>column</th>")
        for name in TableSummary.names { page.element("th", name, class: "n") }
        page.raw("</tr></thead><tbody>\n")
        for row in numbers.rows {
            page.raw("<tr>")
            page.element("th", row.column.replacing("_", with: " "))
            for value in row.values {
                if case .integer(let count) = value {
                    page.element("td", Self.count(count), class: "n")
                } else {
                    page.number(value)
                }
            }
            page.raw("</tr>\n")
        }
        page.raw("</tbody></table></div>\n<p>The first rows:</p>\n")
    }

    /// What a page does not show of a table.
    private func note(_ table: Table) -> String? {
        guard table.rows.count > Self.rowsShown else { return nil }
        let part = "the first \(Self.rowsShown) of \(Self.count(table.rows.count)) rows"
        return whole.contains(table.name)
            ? "Without scripting this shows \(part); all are in "
            : "This shows, sorts and filters \(part); all are in "
    }

    private static func count(_ number: Int) -> String { NumberText.short(Double(number), digits: 9) }
}
