import Plotting
import TensorCore

/// The paper's Table 2 beside ours, from table `paper-table-2`.
enum PaperTableSection {
    private static let numbers = [
        "per_token", "per_channel", "ratio", "paper_per_token", "paper_per_channel", "paper_ratio",
    ]

    /// The first setting of the table stands open; other bit widths and groups are folded away.
    static func write(_ table: Table, to page: inout HTMLWriter) {
        let settings = unique(table.rowViews.compactMap { setting($0, table) })
        let first = settings.first ?? ""
        page.section("table-2", "The paper's Table 2 beside this run")
        page.element(
            "p",
            "Averages over layers and heads\(first.isEmpty ? "" : " at \(first)"). The paper's model is "
                + "Llama-2-13B; its text, length and bit width are not stated, so compare ratios rather than digits. "
                + "Its numbers stand beside the element-wise reading at 2 bits and groups of 32 only: other settings "
                + "and norms are other quantities. Element-wise errors are dominated by elements near zero; norms are not."
        )
        if !table.meaning.isEmpty { page.element("p", table.meaning) }
        rows(table.rowViews.filter { (setting($0, table) ?? first) == first }, of: table, to: &page)
        for other in settings.dropFirst() {
            page.raw("<details><summary>")
            page.text("The same at \(other)")
            page.raw("</summary>\n")
            rows(table.rowViews.filter { setting($0, table) == other }, of: table, to: &page)
            page.raw("</details>\n")
        }
        page.csvLink("paper-table-2")
        page.raw("</section>\n")
    }

    private static func rows(_ rows: [Table.RowView], of table: Table, to page: inout HTMLWriter) {
        let columns = numbers.filter { table.index(of: $0) != nil }
        let hasLayers = ["layers", "layers_same_direction"].allSatisfy { table.index(of: $0) != nil }
        let ours = columns.filter { !$0.hasPrefix("paper_") }.count
        page.raw("<div class=\"scroll\" tabindex=\"0\"><table class=\"paper\"><thead><tr><th></th>")
        page.raw("<th colspan=\"\(ours)\" class=\"group\">this run</th>")
        page.raw("<th colspan=\"\(columns.count - ours)\" class=\"group\">the paper</th>")
        page.raw(hasLayers ? "<th></th></tr><tr><th></th>" : "</tr><tr><th></th>")
        for column in columns { page.element("th", column.replacing("paper_", with: "").replacing("_", with: " ")) }
        if hasLayers { page.element("th", "layers alike") }
        page.raw("</tr></thead><tbody>\n")
        for row in rows {
            page.raw("<tr>")
            page.element("th", rowName(row, table))
            let hasPaper = isComparable(row, table)
            for column in columns {
                let isLeftOut = column.hasPrefix("paper_") && !hasPaper
                page.number(isLeftOut ? .missing : row[column], isStrong: column.hasSuffix("ratio"))
            }
            if hasLayers {
                let agreeing = row.integer("layers_same_direction").flatMap { count in
                    row.integer("layers").map { "\(count) of \($0)" }
                }
                page.element("td", agreeing ?? "–", class: "n")
            }
            page.raw("</tr>\n")
        }
        page.raw("</tbody></table></div>\n")
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

    /// Whether a row is the quantity that the paper reports, as far as the paper says; rows without bits are
    /// no quantization error.
    private static func isComparable(_ row: Table.RowView, _ table: Table) -> Bool {
        func has(_ column: String) -> Bool { table.index(of: column) != nil }
        guard has("bits"), let bits = row.number("bits") else { return true }
        guard bits == 2, has("group_size"), row.integer("group_size") == 32 else { return false }
        guard has("reading"), let reading = row.string("reading") else {
            return !(row.string("metric") ?? "").contains("frobenius")
        }
        return reading.hasPrefix("element-wise")
    }

    /// `2 bits, groups of 32`.
    private static func setting(_ row: Table.RowView, _ table: Table) -> String? {
        guard table.index(of: "bits") != nil, let bits = row.number("bits") else { return nil }
        let group = table.index(of: "group_size") == nil ? nil : row.integer("group_size")
        return "\(NumberText.short(bits)) bits, " + (group.map { "groups of \($0)" } ?? "one group")
    }
}
