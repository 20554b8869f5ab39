import Plotting
import TensorCore

/// The paper's Table 2 beside ours, from table `paper-table-2`.
enum PaperTableSection {
    private static let numbers = [
        "per_token", "per_channel", "ratio", "paper_per_token", "paper_per_channel", "paper_ratio",
    ]

    static func write(_ table: Table, to page: inout HTMLWriter) {
        let columns = numbers.filter { table.index(of: $0) != nil }
        let settings = unique(table.rowViews.compactMap { setting($0, table) })
        page.section("table-2", "The paper's Table 2 beside this run")
        page.element(
            "p",
            "Averages over layers and heads\(settings.count == 1 ? " at \(settings[0])" : ""). The paper's model is "
                + "Llama-2-13B; its text, length and bit width are not stated, so compare ratios rather than digits."
        )
        page.raw("<div class=\"scroll\" tabindex=\"0\"><table class=\"paper\"><thead><tr><th></th>")
        let hasSettings = settings.count > 1
        let hasLayers = ["layers", "layers_same_direction"].allSatisfy { table.index(of: $0) != nil }
        let ours = columns.filter { !$0.hasPrefix("paper_") }.count
        if hasSettings { page.raw("<th></th>") }
        page.raw("<th colspan=\"\(ours)\" class=\"group\">this run</th>")
        page.raw("<th colspan=\"\(columns.count - ours)\" class=\"group\">the paper</th>")
        page.raw(hasLayers ? "<th></th></tr><tr><th></th>" : "</tr><tr><th></th>")
        if hasSettings { page.element("th", "setting") }
        for column in columns { page.element("th", column.replacing("paper_", with: "").replacing("_", with: " ")) }
        if hasLayers { page.element("th", "layers alike") }
        page.raw("</tr></thead><tbody>\n")
        for row in table.rowViews {
            page.raw("<tr>")
            page.element("th", rowName(row, table))
            if hasSettings { page.element("td", setting(row, table) ?? "–") }
            for column in columns { page.number(row[column], isStrong: column.hasSuffix("ratio")) }
            if hasLayers {
                let agreeing = row.integer("layers_same_direction").flatMap { count in
                    row.integer("layers").map { "\(count) of \($0)" }
                }
                page.element("td", agreeing ?? "–", class: "n")
            }
            page.raw("</tr>\n")
        }
        page.raw("</tbody></table></div>\n")
        page.csvLink("paper-table-2", rows: table.rows.count)
        page.raw("</section>\n")
    }

    /// `Keys: mean absolute relative error`.
    private static func rowName(_ row: Table.RowView, _ table: Table) -> String {
        let metric = row.string("metric") ?? ""
        let subject = table.index(of: "quantity") == nil ? nil : row.string("quantity")
        switch subject {
        case "K": return "Keys: \(Wording.metric(metric).lowercasedFirst)"
        case "V": return "Values: \(Wording.metric(metric).lowercasedFirst)"
        default: return Wording.metric(metric)
        }
    }

    /// `2 bits, groups of 32`.
    private static func setting(_ row: Table.RowView, _ table: Table) -> String? {
        guard table.index(of: "bits") != nil, let bits = row.number("bits") else { return nil }
        let group = table.index(of: "group_size") == nil ? nil : row.integer("group_size")
        return "\(NumberText.short(bits)) bits, " + (group.map { "groups of \($0)" } ?? "one group")
    }
}
