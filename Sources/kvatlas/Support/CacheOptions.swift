import ArgumentParser
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

    /// - Throws: `UsageError` for a name that is none.
    func specification(_ name: String, command: String) throws -> CacheSpecification {
        try UsageError.wrap(command) {
            try CacheSpecification(parsing: name, order: order, prefill: prefill ?? .exact, accuracy: accuracy)
        }
    }
}
