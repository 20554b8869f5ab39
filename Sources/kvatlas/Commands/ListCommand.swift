import ArgumentParser
import Benchmarks
import Evaluation
import Foundation
import Inference
import ModelFormats
import Quantization
import Reporting
import Statistics
import TensorCore

struct ListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract:
            "Print what there is: schemes, stages, metrics, statistics, analyses, figures, benchmarks, architectures.",
        discussion: """
            Examples:
              kvatlas list schemes
              kvatlas list schemes --evidence capture.h5 --calibration calibration.h5
              kvatlas list metrics --json
              kvatlas list statistics --by channel
              kvatlas list analyses --table attention-sinks
            """
    )

    enum Subject: String, ExpressibleByArgument, CaseIterable {
        case schemes, stages, metrics, statistics, analyses, figures, benchmarks, architectures
    }

    @Argument(help: "schemes, stages, metrics, statistics, analyses, figures, benchmarks or architectures.")
    var subject: Subject

    @Flag(help: "As JSON, for programs.")
    var json = false

    @Option(
        help: ArgumentHelp("With schemes: their errors on this capture beside them.", valueName: "capture.h5"),
        completion: .file(extensions: ["h5"])
    )
    var evidence: String?

    @Option(
        help: ArgumentHelp("With --evidence: a file of 'kvatlas calibrate --scheme all'.", valueName: "file.h5"),
        completion: .file(extensions: ["h5"])
    )
    var calibration: String?

    @Option(help: ArgumentHelp("With statistics: the columns of this grain's table.", valueName: "grain"))
    var by: Grain?

    @Option(
        help: ArgumentHelp("With analyses: the columns of this table.", valueName: "name"),
        completion: .list(StructureTables.all.map(\.name))
    )
    var table: String?

    @Flag(name: .shortAndLong, help: "No progress on stderr.")
    var quiet = false

    func validate() throws {
        if evidence != nil, subject != .schemes { throw ValidationError("--evidence is of schemes") }
        if by != nil, subject != .statistics { throw ValidationError("--by is of statistics") }
        if table != nil, subject != .analyses { throw ValidationError("--table is of analyses") }
        if calibration != nil, evidence == nil { throw ValidationError("--calibration goes with --evidence") }
    }

    func run() throws {
        switch subject {
        case .schemes:
            if let evidence { return try printEvidence(evidence) }
            try printList(
                SchemeCatalogue.all,
                header: ["id", "bits", "scale per", "group", "window", "learns", "keys", "paper", "summary"],
                footer: "ids are written \(SchemeCatalogue.grammar); pairs KEY/VALUE+window=N+sink=N; "
                    + "'kvatlas list stages' prints the steps of pipelines"
            ) { Self.row($0) }
        case .stages:
            try printList(PipelineCatalogue.grammar.map { StageEntry(id: $0.term, summary: $0.summary) }) {
                [$0.id, $0.summary]
            }
        case .metrics: try printList(MetricCatalogue.all) { [$0.id, $0.unit, $0.definition] }
        case .statistics:
            if let by { return try printColumns(of: StatisticsTable.empty(by)) }
            try printList(StatisticCatalogue.all.map { StatisticEntry($0) }) { [$0.id, $0.unit, $0.definition] }
        case .analyses:
            if let table {
                guard let found = StructureTables.all.first(where: { $0.name == table }) else {
                    let known = StructureTables.all.map(\.name)
                    throw UsageError(
                        command: "list",
                        underlying: UnknownNameError(what: "table", name: table, allowed: known)
                    )
                }
                return try printColumns(of: found)
            }
            try printList(StructureAnalysis.allCases.map { AnalysisEntry($0) }) {
                [$0.id, $0.tables.joined(separator: ", "), $0.summary]
            }
        case .figures:
            try printList(FigureCatalogue.every.map { FigureEntry($0) }) {
                [$0.id, $0.tables.joined(separator: ", "), $0.summary]
            }
        case .benchmarks:
            try printList(BenchmarkCatalogue.all.map { BenchmarkEntry($0) }) { [$0.id, $0.summary] }
        case .architectures:
            let all = ArchitectureCatalogue.all.map { ArchitectureEntry($0) }
            if json { return try printJSON(all) }
            // A block each: in columns, lines would have some 300 letters.
            let blocks = all.map { entry in
                let rows = [
                    ["  models", entry.models.joined(separator: ", ")],
                    ["  formats", entry.formats.joined(separator: ", ")],
                    ["  refused", entry.refused.isEmpty ? "–" : entry.refused.joined(separator: "; ")],
                ]
                return "\(entry.id)  \(entry.summary)\n\(TextColumns(rows).text)"
            }
            let common = ArchitectureCatalogue.refusedByAll.map { "\n  " + $0 }.joined()
            Terminal.printResult(blocks.joined(separator: "\n\n") + "\n\nall of them refuse" + common)
        }
    }

    /// Every column of a table in its order, the place of a row included.
    private func printColumns(of table: Table) throws {
        let columns = table.columns.map {
            ColumnEntry(name: $0.name, kind: $0.kind.rawValue, unit: $0.unit, meaning: $0.meaning)
        }
        try printList(columns) { [$0.name, $0.kind, $0.unit, $0.meaning] }
    }

    private struct ColumnEntry: Encodable {
        let name, kind, unit, meaning: String
    }

    private static func row(_ scheme: SchemeDescription) -> [String] {
        func both(_ key: String, _ value: String) -> String { key == value ? key : "\(key)/\(value)" }
        func bits(_ count: Double) -> String {
            count == count.rounded() ? "\(Int(count))" : String(format: "%.2g", count)
        }
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
            scheme.id, both(bits(scheme.keyBits), bits(scheme.valueBits)),
            both(axis(scheme.keySharing), axis(scheme.valueSharing)), group,
            scheme.window.isEmpty ? "-" : scheme.window, scheme.calibration == .required ? "yes" : "-",
            scheme.ropeSide.rawValue, Self.paper(scheme.source), scheme.summary,
        ]
    }

    /// First author or title, and the year: `Liu et al. 2024`.
    private static func paper(_ source: PaperSource) -> String {
        let first = source.citation.prefix { $0 != "," && $0 != ":" }
        let year = source.citation.matches(of: #/\b(19|20)\d\d\b/#).last.map { " \($0.output.0)" } ?? ""
        return source.citation.hasPrefix("none") ? "-" : first + (first.contains(year.dropFirst()) ? "" : year)
    }

    private struct StageEntry: Encodable {
        let id, summary: String
    }

    /// - Parameters:
    ///   - header: a row of column names; empty for none.
    ///   - footer: a line after the rows.
    func printList<Entry: Encodable>(
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

    private struct AnalysisEntry: Encodable {
        let id, summary: String
        let tables: [String]

        init(_ analysis: StructureAnalysis) {
            id = analysis.rawValue
            summary = analysis.summary
            tables = analysis.tables
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

    private struct ArchitectureEntry: Encodable {
        let id, summary: String
        let models, formats, huggingFaceTypes, refused: [String]
        let refusedByAll = ArchitectureCatalogue.refusedByAll

        init(_ architecture: any Architecture.Type) {
            id = architecture.id
            summary = architecture.summary
            models = architecture.models
            huggingFaceTypes = architecture.huggingFaceTypes
            let types = huggingFaceTypes.joined(separator: ", ")
            formats = ModelSource.Format.allCases.map {
                $0 == .huggingFace ? "\($0.rawValue) (\(types))" : $0.rawValue
            }
            refused = architecture.refused
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
