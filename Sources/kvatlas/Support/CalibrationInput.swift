import Evaluation
import Experiments
import Quantization

/// Calibration files of a command line.
enum CalibrationInput {
    /// What several files hold together; `nil` of none.
    ///
    /// - Throws: `SchemeError.calibration` for files of different models; as `CalibrationFile.read`.
    static func read(_ list: String?) throws -> CalibrationSet? {
        var all: CalibrationSet?
        for path in list.map({ splitList($0) }) ?? [] {
            let set = try CalibrationFile.read(path)
            if all == nil { all = set } else { try all?.merge(set) }
        }
        return all
    }

    /// - Throws: `SchemeError.calibration` if it was learnt from other weights.
    static func check(_ set: CalibrationSet, isOf model: String, isQuiet: Bool) throws {
        let hashing = ProgressBar("checksum of \(fileName(model))", isQuiet: isQuiet)
        let sha256 = try ModelChecksum(path: model, progress: hashing.update).sha256
        hashing.finish(String(sha256.prefix(12)))
        guard sha256 != set.origin.weightsSHA256 else { return }
        throw SchemeError.calibration(
            scheme: set.arrays.keys.map { $0.schemeID }.min() ?? "none",
            problem: "it was learnt from '\(set.origin.modelName)', whose weights are others than '\(fileName(model))'"
        )
    }
}
