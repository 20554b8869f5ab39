import Capture
import Evaluation
import Foundation
import Inference
import Quantization

extension Runner {
    /// Captures the calibration texts, lets schemes learn from them, and keeps what they learnt.
    func calibrate(_ inputs: RunInputs, _ progress: (Double) throws -> Void) throws -> ([String], String) {
        guard let calibration = manifest.calibration else { return ([], "nothing to learn from") }
        let model = try openModel()
        var settings = CaptureJob.Settings()
        settings.maximumTokensPerText = calibration.maximumTokensPerText
        settings.tokensPerSequence = calibration.tokensPerSequence
        settings.layers = manifest.capture.layers
        let path = folder.path(RunFolder.calibrationCapture)
        // What was captured serves this stage alone.
        defer { try? FileManager.default.removeItem(atPath: path) }
        let summary = try CaptureJob(model: model, settings: settings).run(
            texts: inputs.calibrationTexts,
            to: path,
            overwrite: true,
            provenance: CaptureProvenance(
                command: command,
                weightsSHA256: inputs.model.sha256,
                modelName: manifest.model.name
            ),
            progress: { try progress(0.4 * $0) }
        )
        let set = try CalibrationStudy.run(
            try CaptureFile(path: path),
            schemes: manifest.calibratedSchemes,
            progress: { try progress(0.4 + 0.6 * $0) }
        )
        try CalibrationFile.write(
            set,
            to: folder.path(RunFolder.calibration),
            command: command.joined(separator: " ")
        )
        return ([RunFolder.calibration], "\(manifest.calibratedSchemes.count) schemes, \(summary.tokens) tokens")
    }

    func openCalibration() throws -> CalibrationSet? {
        guard manifest.calibrationSettings != nil else { return nil }
        return try CalibrationFile.read(folder.path(RunFolder.calibration))
    }
}

extension Manifest {
    var calibratedSchemes: [CacheScheme] { errors.schemes.filter { $0.needsCalibration } }

    /// What a calibration depends on beside model and texts; `nil` if no scheme needs one.
    var calibrationSettings: CalibrationSettings? {
        guard hasCapture, let calibration, !calibratedSchemes.isEmpty else { return nil }
        var sides: Set<String> = []
        for scheme in calibratedSchemes {
            for side in CacheSide.allCases where scheme.scheme(for: side).calibration == .required {
                sides.insert("\(side.rawValue) \(scheme.scheme(for: side).id)")
            }
        }
        return CalibrationSettings(
            schemes: sides.sorted(),
            layers: capture.layers.text,
            maximumTokens: calibration.maximumTokensPerText,
            tokensPerSequence: calibration.tokensPerSequence
        )
    }

    struct CalibrationSettings: Encodable {
        let schemes: [String]
        let layers: String
        let maximumTokens: Int?
        let tokensPerSequence: Int?
    }
}
