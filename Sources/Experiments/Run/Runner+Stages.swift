import Capture
import Evaluation
import Foundation
import Inference
import Reporting
import TensorCore

extension Runner {
    func stages(_ inputs: RunInputs) throws -> [Stage] {
        let fingerprints = try StageFingerprints(manifest, inputs)
        func stage(_ id: Stage.ID, _ body: @escaping Stage.Body) -> Stage {
            Stage(id: id, fingerprint: fingerprints[id], body: body)
        }
        let all = [
            stage(.capture) { try self.capture(inputs, $0) },
            stage(.calibration) { try self.calibrate(inputs, $0) },
            stage(.statistics) { progress in
                let file = try self.openCapture()
                let settings = self.manifest.statistics, path = self.folder.path(RunFolder.statistics)
                let archive = try StatisticsArchive(
                    of: file,
                    layers: settings.layers?.sorted() ?? file.layersPresent,
                    at: path
                )
                let tables = try StatisticsStudy.run(file, settings: settings, archive: archive, progress: progress)
                let outputs = try self.folder.write(tables)
                try archive.finish(tables)
                return (outputs + [RunFolder.statistics], "\(tables.count) tables")
            },
            stage(.magnitude) { progress in
                let file = try self.openCapture()
                let table = try MagnitudeStudy.run(file, settings: self.manifest.magnitude, progress: progress)
                return (try self.folder.write([table]), "\(table.rows.count) cells")
            },
            stage(.structure) { progress in
                guard let settings = self.manifest.structure else { return ([], "nothing asked for") }
                let file = try self.openCapture()
                let result = try StructureStudy.run(file, settings: settings, progress: progress)
                let outputs = try self.folder.write(result.tables)
                for warning in result.warnings { self.observer.warn(warning) }
                return (outputs, "\(result.tables.count) tables")
            },
            stage(.errors) { progress in
                let file = try self.openCapture()
                let result = try ErrorStudy.run(
                    file,
                    settings: self.manifest.errors,
                    calibration: try self.openCalibration(),
                    progress: progress
                )
                let outputs = try self.folder.write(result.tables)
                for warning in result.warnings { self.observer.warn(warning) }
                return (outputs, "\(result.schemes.count) schemes, \(result.errors.rows.count) rows")
            },
            stage(.quality) { try self.quality(inputs, $0) },
            stage(.decode) { try self.decode(inputs, $0) },
            stage(.report) { try self.report(inputs, $0) },
        ]
        let ids = fingerprints.all.map { $0.id }
        return all.filter { ids.contains($0.id) }
    }

    func openModel() throws -> LanguageModel {
        let model = try LanguageModel(path: manifest.model.path)
        if let notice = model.configuration.notice { observer.warn("\(manifest.model.path): \(notice)") }
        return model
    }

    private func openCapture() throws -> CaptureFile { try CaptureFile(path: folder.path(RunFolder.capture)) }

    private func capture(_ inputs: RunInputs, _ progress: (Double) throws -> Void) throws -> ([String], String) {
        let model = try openModel()
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

    private func report(_ inputs: RunInputs, _ progress: (Double) throws -> Void) throws -> ([String], String) {
        let resolved = try manifest.resolvedYAML()
        try AtomicFile.write(resolved, to: folder.path(RunFolder.manifest))
        try writeProvenance(inputs, isFinished: true)
        try Report.write(requests: manifest.figures, runDirectory: folder.url.path)
        try progress(0.1)
        let content = try Report.write(runDirectory: folder.url.path)
        for figure in content.missingFigures { observer.warn("figure \(figure.id) is missing: \(figure.reason)") }
        let outputs = [RunFolder.manifest, RunFolder.report] + content.figures.map(\.file)
        return (outputs, "\(content.figures.count) figures")
    }

    /// - Parameter isFinished: false before the first stage.
    func writeProvenance(_ inputs: RunInputs, isFinished: Bool) throws {
        let stamps = Stage.ID.allCases.compactMap { id in
            StageStamp.read(id, in: folder.url).flatMap { Provenance.Stage(id, $0) }
        }
        let texts = zip(manifest.texts, inputs.texts).map {
            Provenance.File(name: $0.name, path: $0.path, byteCount: $1.bytes.count, sha256: $1.sha256)
        }
        let provenance = Provenance(
            command: command,
            manifestSHA256: SHA256.hash(try manifest.resolvedYAML()),
            started: started.ISO8601Format(),
            finished: isFinished ? Date().ISO8601Format() : nil,
            model: inputs.model,
            texts: texts,
            figureContext: FigureContext(
                model: inputs.model.name,
                text: texts.map(\.name).joined(separator: ", "),
                tokens: tokenCount()
            ),
            stages: stamps
        )
        try provenance.write(in: folder.url)
    }

    /// Tokens captured; from the last provenance when the capture was not kept.
    private func tokenCount() -> Int? {
        if let file = try? openCapture() { return file.tokenCount }
        return Provenance.read(in: folder.url)?.figureContext.tokens
    }
}
