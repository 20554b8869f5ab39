import Kernels
import TensorCore

/// Keys or values of one layer as float16 bits `[kv_head, token, channel]`, row-major.
public struct KVBlock: Sendable, Equatable {
    public let heads: Int
    public let tokens: Int
    public let channels: Int
    /// IEEE binary16 bit patterns.
    public let bits: [UInt16]

    public var elementCount: Int { bits.count }

    /// - Precondition: `heads · tokens · channels` bit patterns.
    public init(heads: Int, tokens: Int, channels: Int, bits: [UInt16]) {
        precondition(
            heads >= 0 && tokens >= 0 && channels >= 0 && bits.count == heads * tokens * channels,
            "\(bits.count) elements for [kv_head \(heads), token \(tokens), channel \(channels)]"
        )
        self.heads = heads
        self.tokens = tokens
        self.channels = channels
        self.bits = bits
    }

    /// Values `[kv_head, token, channel]`, rounded to float16, ties to even.
    public init(heads: Int, tokens: Int, channels: Int, values: [Float]) {
        self.init(heads: heads, tokens: tokens, channels: channels, bits: HalfConversion.toHalf(values))
    }

    /// Bits `[token, kv_head, channel]`, the order of a capture file.
    ///
    /// - Precondition: `tokens · heads · channels` bit patterns.
    public init(tokenMajor source: [UInt16], tokens: Int, heads: Int, channels: Int) {
        precondition(source.count == heads * tokens * channels, "\(source.count) elements for \(tokens) tokens")
        let bits = [UInt16](unsafeUninitializedCapacity: source.count) { target, filled in
            source.withUnsafeBufferPointer { source in
                guard let from = source.baseAddress, let into = target.baseAddress else { return }
                for token in 0..<tokens {
                    for head in 0..<heads {
                        (into + (head * tokens + token) * channels)
                            .initialize(from: from + (token * heads + head) * channels, count: channels)
                    }
                }
            }
            filled = source.count
        }
        self.init(heads: heads, tokens: tokens, channels: channels, bits: bits)
    }

    /// A copy of the given tokens of every head.
    ///
    /// - Precondition: the range lies inside the block.
    public func tokens(_ range: Range<Int>) -> KVBlock {
        precondition(range.lowerBound >= 0 && range.upperBound <= tokens, "tokens \(range) of \(tokens)")
        if range.count == tokens { return self }
        var selected: [UInt16] = []
        selected.reserveCapacity(heads * range.count * channels)
        for head in 0..<heads {
            let start = (head * tokens + range.lowerBound) * channels
            selected.append(contentsOf: bits[start..<start + range.count * channels])
        }
        return KVBlock(heads: heads, tokens: range.count, channels: channels, bits: selected)
    }

    /// The same values in float32.
    public func decoded() -> Tensor {
        Tensor(
            layout: .block(heads: heads, tokens: tokens, channels: channels),
            elements: HalfConversion.toFloat(bits)
        )
    }
}
