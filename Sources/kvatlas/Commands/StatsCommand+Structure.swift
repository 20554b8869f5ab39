import ArgumentParser
import Capture
import Evaluation
import Foundation
import Inference
import Reporting
import TensorCore

/// `kvatlas stats --analyses`: the tables of the structure study, one CSV file each.
extension StatsCommand {
    /// `all`, or names of `kvatlas list analyses`.
    static func analyses(_ list: String) throws -> [StructureAnalysis] {
        if list.trimmingCharacters(in: .whitespaces) == "all" { return StructureAnalysis.allCases }
        return try UsageError.wrap("stats") {
            try parseList(list, of: StructureAnalysis.allCases, what: "analysis")
        }
    }

    func runStructure(_ list: String) throws {
        var settings = StructureStudySettings(analyses: try Self.analyses(list))
        let names = settings.analyses.flatMap { $0.tables }
        guard out != "-" || names.count == 1 else {
            let problem = "\(names.count) tables do not fit stdout: --out takes a folder for them"
            throw UsageError(command: "stats", underlying: ValidationError(problem))
        }
        for name in names where out != "-" {
            try refuseExisting(Self.path(name, in: out), overwrite: overwrite)
        }
        Interruption.install()
        let capture = try input.open()
        settings.layers = try input.layers(layers, command: "stats", of: capture)
        settings.tensors = try tensors.map { list in
            try UsageError.wrap("stats") { try parseList(list, of: CapturedTensor.allCases, what: "tensor") }
        }
        let bar = ProgressBar("structure", isQuiet: shared.quiet)
        let result = try StructureStudy.run(capture, settings: settings, progress: bar.update)
        bar.finish("\(capture.tokenCount) tokens")
        for warning in result.warnings { Terminal.printError("warning: \(warning)") }
        if out == "-" {
            for table in result.tables { Terminal.printResult(String(CSV.text(of: table).dropLast())) }
            return
        }
        let readme = URL(fileURLWithPath: out).appendingPathComponent("README.md").path
        var documented = FileManager.default.fileExists(atPath: readme) ? try TableDocumentation.read(readme) : [:]
        for table in result.tables {
            try CSV.write(table, to: Self.path(table.name, in: out))
            documented[table.name] = TableDocumentation(table)
        }
        try TableDocumentation.write(
            documented.values.sorted { $0.name < $1.name }.map {
                Table(name: $0.name, meaning: $0.meaning, columns: $0.columns)
            },
            to: readme
        )
        Terminal.printError("\(result.tables.count) tables written, their columns in README.md")
        Terminal.printResult(out)
    }

    private static func path(_ table: String, in folder: String) -> String {
        URL(fileURLWithPath: folder).appendingPathComponent("\(table).csv").path
    }
}
