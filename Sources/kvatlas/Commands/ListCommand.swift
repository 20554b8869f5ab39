import ArgumentParser
import Benchmarks
import Evaluation
import Foundation
import Quantization
import Reporting
import Statistics

struct ListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Print what can be named: schemes, metrics, statistics, figures, benchmarks.",
        discussion: """
            Examples:
              kvatlas list schemes
              kvatlas list metrics --json
            """
    )

    enum Subject: String, ExpressibleByArgument, CaseIterable {
        case schemes, metrics, statistics, figures, benchmarks
    }

    @Argument(help: "schemes, metrics, statistics, figures or benchmarks.")
    var subject: Subject

    @Flag(help: "As JSON, for programs.")
    var json = false

    func run() throws {
        switch subject {
        case .schemes:
            try printList(
                SchemeCatalogue.all,
                header: ["id", "bits", "scale per", "group", "window", "summary"],
                footer: "ids are written \(SchemeCatalogue.grammar); pairs KEY/VALUE+window=N+sink=N"
            ) { Self.row($0) }
        case .metrics: try printList(MetricCatalogue.all) { [$0.id, $0.unit, $0.definition] }
        case .statistics:
            try printList(StatisticCatalogue.all.map { StatisticEntry($0) }) { [$0.id, $0.unit, $0.definition] }
        case .figures:
            try printList(FigureCatalogue.all.map { FigureEntry($0) }) {
                [$0.id, $0.tables.joined(separator: ", "), $0.summary]
            }
        case .benchmarks:
            try printList(BenchmarkCatalogue.all.map { BenchmarkEntry($0) }) { [$0.id, $0.summary] }
        }
    }

    private static func row(_ scheme: SchemeDescription) -> [String] {
        func both(_ key: String, _ value: String) -> String { key == value ? key : "\(key)/\(value)" }
        func axis(_ sharing: ScaleSharing?) -> String {
            switch sharing {
            case .perToken: "token"
            case .perChannel: "channel"
            case nil: "-"
            }
        }
        let group =
            switch scheme.groupSize {
            case .elements(let count): "\(count)"
            case .whole: "whole"
            case nil: "-"
            }
        return [
            scheme.id, both("\(Int(scheme.keyBits))", "\(Int(scheme.valueBits))"),
            both(axis(scheme.keySharing), axis(scheme.valueSharing)), group,
            scheme.window.isEmpty ? "-" : scheme.window, scheme.summary,
        ]
    }

    /// - Parameters:
    ///   - header: a row of column names; empty for none.
    ///   - footer: a line after the rows.
    private func printList<Entry: Encodable>(
        _ entries: [Entry],
        header: [String] = [],
        footer: String? = nil,
        row: (Entry) -> [String]
    ) throws {
        if json {
            try printJSON(entries)
        } else {
            let rows = (header.isEmpty ? [] : [header]) + entries.map(row)
            Terminal.printResult(TextColumns(rows).text + (footer.map { "\n" + $0 } ?? ""))
        }
    }

    private struct StatisticEntry: Encodable {
        let id, unit, definition: String
        let grains: [Grain]

        init(_ statistic: any Statistic) {
            id = statistic.id
            unit = statistic.unit
            definition = statistic.definition
            grains = Grain.allCases.filter { statistic.grains.contains($0) }
        }
    }

    private struct BenchmarkEntry: Encodable {
        let id, group, summary: String
        let rival: String?

        init(_ benchmark: KernelBenchmark) {
            id = benchmark.name
            group = benchmark.group
            summary = benchmark.summary
            rival = benchmark.rival
        }
    }

    private struct FigureEntry: Encodable {
        let id, summary: String
        let tables, parameters: [String]

        init(_ figure: any Figure.Type) {
            id = figure.id
            summary = figure.summary
            tables = figure.tables
            parameters = figure.parameters.map { $0.rawValue }
        }
    }
}
