import Capture
import Evaluation
import Foundation
import Inference
import Reporting
import TensorCore

extension Runner {
    func stages(_ inputs: Inputs) throws -> [Stage] {
        let texts = zip(manifest.texts, inputs.texts).flatMap { [$0.name, $1.sha256] }
        let capture = try fingerprint(.capture, [inputs.model.sha256, inputs.model.name] + texts, manifest.capture)
        let statistics = try fingerprint(.statistics, [capture], manifest.statistics)
        let magnitude = try fingerprint(.magnitude, [capture], manifest.magnitude)
        let errors = try fingerprint(.errors, [capture], manifest.errors)
        let report = try fingerprint(.report, [statistics, magnitude, errors, manifest.description], manifest.figures)
        return [
            Stage(id: .capture, fingerprint: capture) { try self.capture(inputs, $0) },
            Stage(id: .statistics, fingerprint: statistics) { progress in
                let file = try self.openCapture()
                let tables = try StatisticsStudy.run(file, settings: self.manifest.statistics, progress: progress)
                return (try tables.map { try self.folder.write($0) }, "\(tables.count) tables")
            },
            Stage(id: .magnitude, fingerprint: magnitude) { progress in
                let file = try self.openCapture()
                let table = try MagnitudeStudy.run(file, settings: self.manifest.magnitude, progress: progress)
                return ([try self.folder.write(table)], "\(table.rows.count) cells")
            },
            Stage(id: .errors, fingerprint: errors) { progress in
                let file = try self.openCapture()
                let result = try ErrorStudy.run(file, settings: self.manifest.errors, progress: progress)
                let outputs = try result.tables.map { try self.folder.write($0) }
                return (outputs, "\(self.manifest.errors.schemes.count) schemes, \(result.errors.rows.count) rows")
            },
            Stage(id: .report, fingerprint: report) { try self.report(inputs, $0) },
        ]
    }

    private func fingerprint(_ id: Stage.ID, _ inputs: [String], _ settings: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let own = String(decoding: try encoder.encode(settings), as: UTF8.self)
        let parts = ["\(id.rawValue) \(StageStamp.formatVersion) \(ToolVersion.current)", own] + inputs
        return SHA256.hash(parts.joined(separator: "\n"))
    }

    private func openCapture() throws -> CaptureFile { try CaptureFile(path: folder.path(RunFolder.capture)) }

    private func capture(_ inputs: Inputs, _ progress: (Double) throws -> Void) throws -> ([String], String) {
        let model = try LanguageModel(path: manifest.model.path)
        let summary = try CaptureJob(model: model, settings: manifest.capture).run(
            texts: inputs.texts,
            to: folder.path(RunFolder.capture),
            overwrite: true,
            provenance: CaptureProvenance(
                command: command,
                weightsSHA256: inputs.model.sha256,
                modelName: manifest.model.name
            ),
            progress: progress
        )
        if summary.overflowedValues > 0 {
            observer.warn(
                "\(summary.overflowedValues) values beyond float16's range are stored as infinity; "
                    + "capture.element_type: f32 keeps them"
            )
        }
        let rate = Int((Double(summary.tokens) / summary.secondsOfInference).rounded())
        return ([RunFolder.capture], "\(summary.tokens) tokens, \(rate) tokens/s")
    }

    private func report(_ inputs: Inputs, _ progress: (Double) throws -> Void) throws -> ([String], String) {
        let resolved = try manifest.resolvedYAML()
        try AtomicFile.write(resolved, to: folder.path(RunFolder.manifest))
        try writeProvenance(inputs, manifestSHA256: SHA256.hash(resolved))
        try Report.write(requests: manifest.figures, runDirectory: folder.url.path)
        try TableDocumentation.write(
            Report.tables(in: folder.path(RunFolder.tables)).values.sorted { $0.name < $1.name },
            to: folder.path("\(RunFolder.tables)/README.md")
        )
        try progress(0.1)
        let content = try Report.write(runDirectory: folder.url.path)
        for figure in content.missingFigures { observer.warn("figure \(figure.id) is missing: \(figure.reason)") }
        let outputs = [RunFolder.manifest, RunFolder.report] + content.figures.map(\.file)
        return (outputs, "\(content.figures.count) figures")
    }

    private func writeProvenance(_ inputs: Inputs, manifestSHA256: String) throws {
        let stamps = Stage.ID.allCases.compactMap { id in
            StageStamp.read(id, in: folder.url).map { stamp in
                Provenance.Stage(
                    id: id.rawValue,
                    fingerprint: stamp.fingerprint,
                    seconds: stamp.seconds,
                    finished: stamp.finished,
                    outputs: stamp.outputs
                )
            }
        }
        let texts = zip(manifest.texts, inputs.texts).map {
            Provenance.File(name: $0.name, path: $0.path, byteCount: $1.bytes.count, sha256: $1.sha256)
        }
        let provenance = Provenance(
            command: command,
            manifestSHA256: manifestSHA256,
            model: inputs.model,
            texts: texts,
            figureContext: FigureContext(
                model: inputs.model.name,
                text: texts.map(\.name).joined(separator: ", "),
                tokens: try tokenCount()
            ),
            stages: stamps
        )
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try AtomicFile.write(try encoder.encode(provenance), to: folder.path(RunFolder.provenance))
    }

    /// Tokens captured; from the last provenance when the capture was not kept.
    private func tokenCount() throws -> Int? {
        if let file = try? openCapture() { return file.tokenCount }
        guard let data = FileManager.default.contents(atPath: folder.path(RunFolder.provenance)) else { return nil }
        return try JSONDecoder().decode(Provenance.self, from: data).figureContext.tokens
    }
}
