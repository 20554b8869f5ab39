import ArgumentParser
import Evaluation
import Foundation
import Quantization
import Reporting
import Statistics

struct ListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Print what can be named: schemes, metrics, statistics, figures.",
        discussion: """
            Examples:
              kvatlas list schemes
              kvatlas list metrics --json
            """
    )

    enum Subject: String, ExpressibleByArgument, CaseIterable {
        case schemes, metrics, statistics, figures
    }

    @Argument(help: "schemes, metrics, statistics or figures.")
    var subject: Subject

    @Flag(help: "As JSON, for programs.")
    var json = false

    func run() throws {
        switch subject {
        case .schemes: try printList(SchemeCatalogue.all) { Self.row($0) }
        case .metrics: try printList(MetricCatalogue.all) { [$0.id, $0.unit, $0.definition] }
        case .statistics:
            try printList(StatisticCatalogue.all.map { StatisticEntry($0) }) { [$0.id, $0.unit, $0.definition] }
        case .figures:
            try printList(FigureCatalogue.all.map { FigureEntry($0) }) {
                [$0.id, $0.tables.joined(separator: ", "), $0.summary]
            }
        }
    }

    private static func row(_ scheme: SchemeDescription) -> [String] {
        [scheme.id, scheme.summary, scheme.source.citation]
    }

    private func printList<Entry: Encodable>(_ entries: [Entry], row: (Entry) -> [String]) throws {
        if json {
            try printJSON(entries)
        } else {
            Terminal.printResult(TextColumns(entries.map(row)).text)
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
