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
        Interruption.install()
        let folder = out == "-" ? nil : try TableFolder(out, files: names.map(TableFolder.file), overwrite: overwrite)
        let capture = try input.open()
        settings.layers = try input.layers(layers, command: "stats", of: capture)
        settings.tensors = try tensors.map { list in
            try UsageError.wrap("stats") { try parseList(list, of: CapturedTensor.allCases, what: "tensor") }
        }
        let bar = ProgressBar("structure", isQuiet: shared.quiet)
        let result = try StructureStudy.run(capture, settings: settings, progress: bar.update)
        bar.finish("\(capture.tokenCount) tokens")
        for warning in result.warnings { Terminal.printError("warning: \(warning)") }
        guard let folder else {
            for table in result.tables { Terminal.printResult(String(CSV.text(of: table).dropLast())) }
            return
        }
        for table in result.tables { try CSV.write(table, to: folder.path(TableFolder.file(table.name))) }
        try folder.document(result.tables)
        Terminal.printError("\(result.tables.count) tables written, their columns in \(TableFolder.readme)")
        Terminal.printResult(out)
    }
}
