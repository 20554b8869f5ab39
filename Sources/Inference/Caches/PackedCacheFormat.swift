import Kernels
import Quantization

/// How a packed cache stores keys and values, and when.
public struct PackedCacheFormat: Sendable, Hashable {
    /// When what has left the window is packed.
    public enum Order: String, Sendable, CaseIterable, Codable {
        /// After attention has read it, as KIVI's code does: a token is exact in its own step.
        case afterAttention = "after-attention"
        /// Before, as the paper's Algorithm 1 does.
        case beforeAttention = "before-attention"
    }

    /// What a prompt, or any tokens that come together, sees of itself.
    public enum Prefill: String, Sendable, CaseIterable, Codable {
        /// Full precision; it is packed when attention is done.
        case exact
        /// What is left after packing.
        case inPlace = "in-place"
    }

    /// Bits and elements of a group of one side.
    public struct Side: Sendable, Hashable {
        public let bits: Int
        public let groupSize: Int
        public let sharing: ScaleSharing
    }

    public let key: Side
    public let value: Side
    public let window: WindowPolicy
    public var order = Order.afterAttention
    public var prefill = Prefill.exact
    public var accuracy = Attention.Accuracy.fast

    /// - Throws: `ModelError.invalidSetting` for a scheme that has no packed cache.
    public init(_ scheme: CacheScheme) throws {
        func unsupported(_ why: String) -> ModelError {
            // Named only if it would be taken; a calibration can be had.
            let isSimulated = (try? SimulatedScheme.check(scheme, isCalibrated: true)) != nil
            return .invalidSetting(
                name: "cache",
                value: "'\(scheme.id)'",
                expected: "a scheme with a packed cache (\(why))"
                    + (isSimulated ? ", or 'simulated:\(scheme.id)' to round-trip it in float32" : "")
            )
        }
        func side(_ scheme: any TensorScheme) throws -> Side {
            guard let scheme = scheme as? RoundToNearestScheme else {
                throw unsupported("round-to-nearest in groups")
            }
            guard case .elements(let groupSize) = scheme.parameters.groupSize else {
                throw unsupported("groups of a fixed size: new tokens would change a scale of all")
            }
            return Side(bits: scheme.parameters.bits, groupSize: groupSize, sharing: scheme.parameters.axis)
        }
        key = try side(scheme.key)
        value = try side(scheme.value)
        window = scheme.window
        guard value.sharing == .perToken else { throw unsupported("values per token") }
        guard window.sink == 0 else { throw unsupported("no sink") }
    }

    /// Tokens of a side that are packed once the cache holds so many.
    ///
    /// Keys per channel are packed in whole groups, so that a window keeps up to a group more.
    func packedTokens(of side: CacheSide, held: Int) -> Int {
        let outside = window.quantizedRange(of: side, tokens: held).upperBound
        let step = side == .key && key.sharing == .perChannel ? key.groupSize : 1
        return outside - outside % step
    }

    func packedFormat(_ side: CacheSide, channels: Int) -> PackedFormat {
        let own = side == .key ? key : value
        // Keys that are grouped per token are stored as values are.
        return PackedFormat(
            own.sharing == .perChannel ? .keys : .values,
            bits: own.bits,
            groupSize: min(own.groupSize, own.sharing == .perChannel ? own.groupSize : channels),
            channels: channels
        )
    }
}
