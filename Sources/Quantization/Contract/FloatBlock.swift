import Kernels
import TensorCore

/// Keys or values of one layer as float32 `[kv_head, token, channel]`, as the steps of a pipeline hand it on.
public struct FloatBlock: Sendable, Equatable {
    public let heads: Int
    public let tokens: Int
    public let channels: Int
    public var elements: [Float]

    /// - Precondition: `heads · tokens · channels` elements.
    public init(heads: Int, tokens: Int, channels: Int, elements: [Float]) {
        precondition(elements.count == heads * tokens * channels, "\(elements.count) elements for \(heads)×\(tokens)")
        self.heads = heads
        self.tokens = tokens
        self.channels = channels
        self.elements = elements
    }

    public init(_ block: KVBlock) {
        self.init(
            heads: block.heads,
            tokens: block.tokens,
            channels: block.channels,
            elements: HalfConversion.toFloat(block.bits)
        )
    }

    public init(zeros shape: BlockShape) {
        self.init(
            heads: shape.heads,
            tokens: shape.tokens,
            channels: shape.channels,
            elements: [Float](repeating: 0, count: shape.elementCount)
        )
    }

    public var shape: BlockShape { BlockShape(heads: heads, tokens: tokens, channels: channels) }
    /// Vectors of one token in one head.
    var vectors: Int { heads * tokens }

    var tensor: Tensor {
        Tensor(layout: .block(heads: heads, tokens: tokens, channels: channels), elements: elements)
    }

    /// Calls with the channels of each token of each head, to be changed in place.
    mutating func forEachVector(_ body: (Int, UnsafeMutableBufferPointer<Float>) throws -> Void) rethrows {
        let (count, channels) = (vectors, channels)
        guard channels > 0 else { return }
        try elements.withUnsafeMutableBufferPointer { buffer in
            for vector in 0..<count {
                try body(vector, .init(rebasing: buffer[vector * channels..<(vector + 1) * channels]))
            }
        }
    }

    /// `[kv_head, channel, token]` as a block whose channels are tokens, and back.
    func transposed() -> FloatBlock {
        var result = FloatBlock(heads: heads, tokens: channels, channels: tokens, elements: elements)
        let (heads, tokens, channels) = (heads, tokens, channels)
        elements.withUnsafeBufferPointer { source in
            result.elements.withUnsafeMutableBufferPointer { target in
                for head in 0..<heads {
                    let base = head * tokens * channels
                    for token in 0..<tokens {
                        for channel in 0..<channels {
                            target[base + channel * tokens + token] = source[base + token * channels + channel]
                        }
                    }
                }
            }
        }
        return result
    }
}

/// The sizes of a block.
public struct BlockShape: Sendable, Hashable {
    public let heads: Int
    public let tokens: Int
    public let channels: Int

    public init(heads: Int, tokens: Int, channels: Int) {
        self.heads = heads
        self.tokens = tokens
        self.channels = channels
    }

    public var elementCount: Int { heads * tokens * channels }
}
