import ArgumentParser
import Evaluation
import Inference
import Kernels

extension PackedCacheFormat.Order: ExpressibleByArgument {}
extension PackedCacheFormat.Prefill: ExpressibleByArgument {}

extension Attention.Accuracy: ExpressibleByArgument {}

/// How packed caches work, whichever they are.
struct CacheOptions: ParsableArguments {
    @Option(
        help:
            "When a step packs what has left the window: after-attention (KIVI's code) or before-attention (its Algorithm 1)."
    )
    var order: PackedCacheFormat.Order = .afterAttention

    @Option(
        help:
            "What tokens that come together see of each other: exact (default), or in-place (what is left after packing)."
    )
    var prefill: PackedCacheFormat.Prefill?

    @Option(help: "Products with codes: fast (8- or 16-bit factors) or exact (as float32).")
    var accuracy: Attention.Accuracy = .fast

    @Option(
        help: ArgumentHelp(
            "What simulated caches' schemes have learnt of the model; files of 'kvatlas calibrate' with commas between.",
            valueName: "file.h5"
        ),
        completion: .file(extensions: ["h5"])
    )
    var calibration: String?

    /// - Parameters:
    ///   - names: with commas between.
    ///   - model: whose calibrations they must be; `nil` for one without a file.
    /// - Throws: `UsageError` for a name that is none, `SchemeError.calibration` for another model's calibration.
    func specifications(
        _ names: String,
        model: String?,
        shared: SharedOptions,
        command: String
    ) throws -> [CacheSpecification] {
        let learnt = try CalibrationInput.read(calibration)
        let found = try UsageError.wrap(command) {
            try splitList(names).map {
                try CacheSpecification(
                    parsing: $0,
                    order: order,
                    prefill: prefill ?? .exact,
                    accuracy: accuracy,
                    learnt: learnt.map { set in { set.learnt(of: $0) } }
                )
            }
        }
        if let learnt, let model { try CalibrationInput.check(learnt, isOf: model, isQuiet: shared.quiet) }
        return found
    }
}
