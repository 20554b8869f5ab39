import Plotting
import TensorCore

/// A table as LaTeX: booktabs rules, plain aligned columns, caption and label.
///
/// Needs the packages booktabs, graphicx and, for tables over ``pageRows`` rows, longtable.
struct LatexTable {
    /// Rows that fit on a page; longer tables break over pages.
    static let pageRows = 40
    /// Characters that fit on a line of an A4 page at `\small`.
    private static let lineWidth = 88
    /// The same at `\scriptsize`.
    private static let widestLine = 124

    let table: Table
    let context: FigureContext
    /// For labels: `tab:study-errors` of the run `study`.
    let runName: String
    /// What the caption says of edits; `nil` for an unchanged table.
    let alteration: Alteration?

    private struct Column {
        let header: [String]
        let isNumber: Bool
        /// Text or an integer: what tells a row rather than what was measured.
        let isName: Bool
        let cells: [String]

        /// Characters, mathematics counted roughly.
        var width: Int { max(header.map(\.count).max() ?? 0, cells.map { LatexTable.width($0) }.max() ?? 0) }
    }

    /// The fragment, to be `\input`; columns that do not fit side by side follow in further parts, each with the
    /// columns that tell its rows.
    var text: String {
        let (columns, constants) = columns()
        let parts = Self.parts(columns)
        return parts.enumerated().map { index, part in
            let place = parts.count > 1 ? "Part \(index + 1) of \(parts.count)." : nil
            return self.part(
                part,
                caption:
                    "\\caption{\(caption(constants, place))}\n\\label{tab:\(label)\(index > 0 ? "-\(index + 1)" : "")}"
            )
        }.joined()
    }

    private func part(_ columns: [Column], caption: String) -> String {
        let width = Self.width(columns)
        let size = width <= Self.lineWidth ? "\\small" : width <= 110 ? "\\footnotesize" : "\\scriptsize"
        let head = Self.row(columns.map { Self.headerCell($0.header, isNumber: $0.isNumber) })
        let rows = table.rows.indices.map { row in Self.row(columns.map { $0.cells[row] }) }.joined()
        let alignment = columns.map { $0.isNumber ? "r" : "l" }.joined()
        let origin = "% Made by 'kvatlas export latex' from tables/\(table.name).csv; needs \\usepackage{booktabs"
        if table.rows.count > Self.pageRows {
            return """
                \(origin),longtable}
                \\begingroup\(size)\\setlength{\\tabcolsep}{4pt}
                \\setlength{\\LTcapwidth}{\\linewidth}
                \\begin{longtable}{\(alignment)}
                \(caption) \\\\
                \\toprule
                \(head)\\midrule
                \\endfirsthead
                \\toprule
                \(head)\\midrule
                \\endhead
                \\bottomrule
                \\endfoot
                \(rows)\\end{longtable}
                \\endgroup

                """
        }
        // Only what is wider than the page is made smaller.
        return """
            \(origin),graphicx}
            \\begin{table}
            \\centering\(size)\\setlength{\\tabcolsep}{4pt}
            \(caption)
            \\resizebox{\\ifdim\\width>\\linewidth\\linewidth\\else\\width\\fi}{!}{%
            \\begin{tabular}{\(alignment)}
            \\toprule
            \(head)\\midrule
            \(rows)\\bottomrule
            \\end{tabular}}
            \\end{table}

            """
    }

    private var label: String {
        String("\(runName)-\(table.name)".map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" })
    }

    private func caption(_ constants: [String], _ place: String?) -> String {
        var sentences = [table.meaning, place ?? "", context.sentence].filter { !$0.isEmpty }
            .map { $0.hasSuffix(".") ? $0 : $0 + "." }
        if !constants.isEmpty { sentences.append("In all rows: \(constants.joined(separator: ", ")).") }
        if let alteration { sentences.append("This table \(alteration.problem).") }
        return LatexText.escaped(sentences.joined(separator: " "))
    }

    private static func width(_ columns: [Column]) -> Int { columns.reduce(0) { $0 + $1.width + 2 } }

    /// Columns that fit side by side; those that tell the rows apart stand in each part.
    private static func parts(_ columns: [Column]) -> [[Column]] {
        guard width(columns) > widestLine else { return [columns] }
        let (names, others) = rowNames(columns)
        var parts: [[Column]] = []
        var current: [Column] = []
        for column in others {
            if !current.isEmpty, width(names + current + [column]) > widestLine {
                parts.append(names + current)
                current = []
            }
            current.append(column)
        }
        return current.isEmpty ? parts + (parts.isEmpty ? [columns] : []) : parts + [names + current]
    }

    /// The columns before the first number with decimals, which say what a row is of, and of the others those texts and
    /// integers without which two rows would look alike; then what was measured.
    private static func rowNames(_ columns: [Column]) -> (names: [Column], others: [Column]) {
        func distinct(_ names: [Column]) -> Int {
            Set((columns.first?.cells.indices ?? 0..<0).map { row in names.map { $0.cells[row] } }).count
        }
        let leading = columns.prefix { $0.isName }.count
        var names = Array(columns[..<leading]), others = Array(columns[leading...])
        let goal = distinct(columns.filter(\.isName))
        while distinct(names) < goal {
            let gains = others.map { $0.isName ? distinct(names + [$0]) : 0 }
            guard let best = gains.max(), let index = gains.firstIndex(of: best) else { break }
            names.append(others.remove(at: index))
        }
        return (names, others)
    }

    /// The columns, without those that have one value in all rows, which are told in words.
    private func columns() -> ([Column], constants: [String]) {
        var columns: [Column] = []
        var constants: [String] = []
        for (index, column) in table.columns.enumerated() {
            let values = table.rows.map { $0[index] }
            let name = column.name.replacing("_", with: " ")
            if values.count > 1, let first = values.first, values.allSatisfy({ $0 == first }) {
                let unit = shownUnit(column).map { " \($0)" } ?? ""
                if let text = Self.inWords(first) { constants.append("\(name) \(text)\(unit)") }
                continue
            }
            let numbers = LatexNumbers(values.compactMap { $0.number })
            let cells = values.map { value -> String in
                switch value {
                case .string(let text): LatexText.escaped(text)
                case .integer(let integer): integer < 0 ? "$-$\(integer.magnitude)" : "\(integer)"
                case .number(let number): numbers.text(number)
                case .missing: "--"
                }
            }
            let room = max(9, cells.map { Self.width($0) }.max() ?? 0)
            let header = name + (shownUnit(column).map { " (\($0))" } ?? "")
            columns.append(
                Column(
                    header: Self.broken(header, width: room),
                    isNumber: column.kind != .string,
                    isName: column.kind != .number,
                    cells: cells
                )
            )
        }
        return (columns, constants)
    }

    /// The unit, unless the name says it: `bits`, `layers`.
    private func shownUnit(_ column: Table.Column) -> String? {
        column.unit.isEmpty || column.name.contains(column.unit) ? nil : column.unit
    }

    private static func inWords(_ value: Table.Value) -> String? {
        switch value {
        case .string(let text): text
        case .integer(let integer): "\(integer)"
        case .number(let number): NumberText.short(number, digits: 4)
        case .missing: nil
        }
    }

    /// Words on as many lines as keep each within the width, where words allow it.
    private static func broken(_ text: String, width: Int) -> [String] {
        var lines: [String] = []
        for word in text.split(separator: " ") {
            if let last = lines.last, last.count + 1 + word.count <= width {
                lines[lines.count - 1] = last + " " + word
            } else {
                lines.append(String(word))
            }
        }
        return lines
    }

    private static func headerCell(_ lines: [String], isNumber: Bool) -> String {
        let escaped = lines.map { LatexText.escaped($0) }
        guard escaped.count > 1 else { return escaped.first ?? "" }
        return "\\begin{tabular}[b]{@{}\(isNumber ? "r" : "l")@{}}" + escaped.joined(separator: "\\\\")
            + "\\end{tabular}"
    }

    /// A line of cells; brackets at its start would be read as an option of the line break before it.
    private static func row(_ cells: [String]) -> String {
        cells.map { $0.hasPrefix("[") || $0.hasPrefix("*") ? "{}" + $0 : $0 }.joined(separator: " & ") + " \\\\\n"
    }

    /// About how many characters wide a cell is in print.
    fileprivate static func width(_ cell: String) -> Int {
        var count = 0
        var isCommand = false
        for letter in cell {
            if letter == "\\" {
                isCommand = true
                count += 1
            } else if isCommand, letter.isLetter {
                continue
            } else {
                isCommand = false
                if !"${}^".contains(letter) { count += 1 }
            }
        }
        return count
    }
}
