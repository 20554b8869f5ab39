import ArgumentParser
import Capture
import Evaluation
import Experiments
import Foundation
import Reporting
import TensorCore

struct CompareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare",
        abstract: "Put two captures, models or runs side by side and say what differs.",
        discussion: """
            Each side is a capture file or the folder of a run. Said are differing models, texts and settings, then \
            the statistics of each tensor by layer, whether the same channels are large, and of runs where the tables \
            of the structure study differ most, and the errors and quality of the schemes that both have. Layers are \
            held beside each other by number or, of models with other numbers of layers, by relative depth. Two \
            captures of the same tokens are compared element by element.

            What is printed is a summary. --out writes the tables compare-statistics, compare-channels, \
            compare-structure and compare-errors with a README of their columns to a folder; a FILE.csv takes one of \
            them, see --table.

            Examples:
              kvatlas compare prose.h5 code.h5
              kvatlas compare runs/smollm2 runs/qwen --out comparison
              kvatlas compare before.h5 after.h5 --fail-on-difference 0.001
            """
    )

    @OptionGroup var shared: SharedOptions

    @Argument(help: ArgumentHelp("A capture file or a run folder.", valueName: "a"), completion: .file())
    var first: String

    @Argument(help: ArgumentHelp("The other one.", valueName: "b"), completion: .file())
    var second: String

    @Option(help: ArgumentHelp("Where tables go: a folder, or a CSV file for one.", valueName: "folder|file.csv"))
    var out: String?

    enum TableName: String, ExpressibleByArgument, CaseIterable {
        case statistics = "compare-statistics"
        case channels = "compare-channels"
        case structure = "compare-structure"
        case errors = "compare-errors"
    }

    @Option(help: "The table that a CSV file takes.")
    var table: TableName = .statistics

    @Flag(help: "As JSON, for programs.")
    var json = false

    @Option(
        help: ArgumentHelp(
            "Exit with 1 if numbers differ by more than this share of the larger, or anything is in one only.",
            valueName: "tolerance"
        )
    )
    var failOnDifference: Double?

    @Flag(help: "Read captures that were cut short, up to their last whole token.")
    var allowIncomplete = false

    @Flag(help: "Replace the output if it exists.")
    var overwrite = false

    func validate() throws {
        if let failOnDifference, !(failOnDifference >= 0) {
            throw ValidationError("--fail-on-difference must be 0 or more, not \(failOnDifference)")
        }
    }

    func run() throws {
        try shared.apply()
        if let out { try refuseExisting(out, overwrite: overwrite) }
        Interruption.install()
        let bar = ProgressBar("compare", isQuiet: shared.quiet)
        let a = try subject(first) { try bar.update($0 / 3) }
        let b = try subject(second) { try bar.update((1 + $0) / 3) }
        let comparison = try Comparison(a, b) { try bar.update((2 + $0) / 3) }
        bar.finish()
        let summary = ComparisonSummary(comparison, alterations: try alterations(first) + alterations(second))
        for alteration in summary.alterations { Terminal.printError("warning: \(alteration)") }
        if json { try printJSON(summary) } else { Terminal.printResult(summary.text) }
        if let out { try write(comparison.tables, to: out) }
        guard let tolerance = failOnDifference, comparison.largestDifference > tolerance else { return }
        Terminal.printError(
            "error: \(comparison.largestDifferenceOf ?? "something") differs by "
                + "\(comparison.largestDifference), more than --fail-on-difference \(tolerance)"
        )
        throw ExitCode(1)
    }

    /// Files of a run that are not as it left them; none of a capture.
    private func alterations(_ path: String) throws -> [String] {
        var isFolder: ObjCBool = false
        let isThere = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
        guard isThere, isFolder.boolValue else { return [] }
        return try RunFolder.alterations(in: path).map { "\(path)/\($0.sentence)" }
    }

    private func subject(_ path: String, progress: (Double) throws -> Void) throws -> ComparisonSubject {
        var isFolder: ObjCBool = false
        if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue {
            return try ComparisonSubject(run: path, progress: progress)
        }
        let capture = try CaptureFile(path: path, allowIncomplete: allowIncomplete)
        return try ComparisonSubject(capture: capture, name: path, progress: progress)
    }

    private func write(_ tables: [Table], to out: String) throws {
        guard out.hasSuffix(".csv") else {
            for table in tables { try CSV.write(table, to: "\(out)/\(table.name).csv") }
            try TableDocumentation.write(tables, to: "\(out)/README.md")
            return Terminal.printResult(out)
        }
        guard let table = tables.first(where: { $0.name == self.table.rawValue }) else {
            throw UnknownNameError(what: "table", name: table.rawValue, allowed: tables.map { $0.name })
        }
        try CSV.write(table, to: out)
        Terminal.printResult(out)
    }
}

/// What `compare` says.
struct ComparisonSummary: Encodable {
    let a: String
    let b: String
    let identical: Bool
    let findings: [String]
    /// Files of the runs that were changed, removed or added since.
    let alterations: [String]
    let differences: [Comparison.FactDifference]
    let largestRelativeDifference: Double
    let largestRelativeDifferenceOf: String?
    /// Rows by column name, by table.
    let tables: [String: [[String: Cell]]]
    private let sideBySide: String?

    private enum CodingKeys: String, CodingKey {
        case a, b, identical, findings, alterations, differences
        case largestRelativeDifference, largestRelativeDifferenceOf, tables
    }

    struct Cell: Encodable {
        let value: Table.Value

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch value {
            case .string(let text): try container.encode(text)
            case .integer(let number): try container.encode(number)
            case .number(let number): try container.encode(number)
            case .missing: try container.encodeNil()
            }
        }
    }

    init(_ comparison: Comparison, alterations: [String]) {
        self.alterations = alterations
        a = comparison.a.name
        b = comparison.b.name
        identical = comparison.isIdentical
        findings = comparison.sentences
        differences = comparison.facts
        largestRelativeDifference = comparison.largestDifference
        largestRelativeDifferenceOf = comparison.largestDifferenceOf
        var tables: [String: [[String: Cell]]] = [:]
        for table in comparison.tables {
            tables[table.name] = table.rows.map { row in
                Dictionary(uniqueKeysWithValues: zip(table.columns, row).map { ($0.name, Cell(value: $1)) })
            }
        }
        self.tables = tables
        sideBySide = comparison.isIdentical ? nil : Self.sideBySide(comparison.tables)
    }

    /// Words first, then largest magnitude and spread of each tensor by layer, where they differ most.
    var text: String {
        let heading = TextColumns([["A", a], ["B", b]]).text
        return ([heading, findings.joined(separator: "\n")] + (sideBySide.map { [$0] } ?? []))
            .joined(separator: "\n\n")
    }

    /// Rows that are printed side by side; the table has all.
    private static let mostRows = 16

    /// One row a pair of layers of a tensor in which either of two statistics differs, those that differ most.
    private static func sideBySide(_ tables: [Table]) -> String? {
        guard let table = tables.first(where: { $0.name == "compare-statistics" }) else { return nil }
        let shown = ["absolute_maximum", "standard_deviation"]
        let sides = ["value_a", "value_b", "ratio"]
        let header = [
            "tensor", "layer_a", "layer_b", "maximum_a", "maximum_b", "ratio", "deviation_a", "deviation_b", "ratio",
        ]
        var places: [[String]] = []
        var cells: [[String]: [String]] = [:]
        var differing: [[String]: Double] = [:]
        for row in table.rowViews {
            guard let statistic = row.string("statistic"), let place = shown.firstIndex(of: statistic) else { continue }
            let layers = ["layer_a", "layer_b"].map { row.integer($0).map { "\($0)" } ?? "-" }
            let key = [row.string("tensor") ?? ""] + layers
            if cells[key] == nil { places.append(key) }
            for (index, side) in sides.enumerated() {
                let text = row.number(side).map { String(format: "%.4g", $0) } ?? "-"
                cells[key, default: [String](repeating: "-", count: 6)][place * sides.count + index] = text
            }
            let relative = row.number("relative_difference") ?? 0
            if relative != 0 { differing[key] = max(differing[key] ?? 0, relative) }
        }
        // Of equal ones, the first.
        let order = places.indices.filter { differing[places[$0]] != nil }
        let ranked = order.sorted { first, second in
            let (one, other) = (differing[places[first]] ?? 0, differing[places[second]] ?? 0)
            return one == other ? first < second : one > other
        }
        let rows = ranked.prefix(mostRows).sorted().map { places[$0] }
        guard !rows.isEmpty else { return nil }
        let text = TextColumns([header] + rows.map { $0 + (cells[$0] ?? []) }).text
        let rest = order.count - rows.count
        return rest > 0
            ? "\(text)\n\(rest) more pairs of layers, which differ less, are in the table \(table.name); --out writes it"
            : text
    }
}
