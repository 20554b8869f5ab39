import ArgumentParser
import Inference
import Kernels

extension PackedCacheFormat.Order: ExpressibleByArgument {}
extension PackedCacheFormat.Prefill: ExpressibleByArgument {}

extension Attention.Accuracy: ExpressibleByArgument, CaseIterable {
    public static let allCases: [Attention.Accuracy] = [.exact, .fast]

    public init?(argument: String) {
        guard let found = Self.allCases.first(where: { $0.defaultValueDescription == argument }) else { return nil }
        self = found
    }

    public var defaultValueDescription: String { self == .exact ? "exact" : "fast" }
    public static var allValueStrings: [String] { allCases.map { $0.defaultValueDescription } }
}

/// How packed caches work, whichever they are.
struct CacheOptions: ParsableArguments {
    @Option(
        help:
            "When a step packs what has left the window: after-attention (KIVI's code) or before-attention (its Algorithm 1)."
    )
    var order: PackedCacheFormat.Order = .afterAttention

    @Option(help: "What tokens that come together see of each other: exact, or in-place (what is left after packing).")
    var prefill: PackedCacheFormat.Prefill = .exact

    @Option(help: "Products with codes: fast (8- or 16-bit factors) or exact (as float32).")
    var accuracy: Attention.Accuracy = .fast

    /// - Throws: `UsageError` for a name that is none.
    func specification(_ name: String, command: String) throws -> CacheSpecification {
        try UsageError.wrap(command) {
            try CacheSpecification(parsing: name, order: order, prefill: prefill, accuracy: accuracy)
        }
    }
}
