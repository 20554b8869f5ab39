internal import CKernels

/// Softmax attention over a full-precision key/value cache, with grouped queries.
public enum Attention {
    /// How a cache stores its numbers.
    public enum Precision: Sendable {
        case float16
        case float32
    }

    /// Keys or values in memory; element (head, token, channel) lies at `head·headStride + token·tokenStride + channel`.
    ///
    /// `[kv_head, token, channel]` has headStride = capacity·channels and tokenStride = channels;
    /// `[token, kv_head, channel]` has headStride = channels and tokenStride = kvHeads·channels.
    public struct CacheView: @unchecked Sendable {
        // Unchecked: read only; whoever makes the view keeps the memory alive during the call.
        public let base: UnsafeRawPointer
        public let precision: Precision
        public let headStride: Int
        public let tokenStride: Int

        public init(float16 base: UnsafePointer<UInt16>, headStride: Int, tokenStride: Int) {
            self.init(
                base: UnsafeRawPointer(base),
                precision: .float16,
                headStride: headStride,
                tokenStride: tokenStride
            )
        }

        public init(float32 base: UnsafePointer<Float>, headStride: Int, tokenStride: Int) {
            self.init(
                base: UnsafeRawPointer(base),
                precision: .float32,
                headStride: headStride,
                tokenStride: tokenStride
            )
        }

        private init(base: UnsafeRawPointer, precision: Precision, headStride: Int, tokenStride: Int) {
            self.base = base
            self.precision = precision
            self.headStride = headStride
            self.tokenStride = tokenStride
        }

        func address(head: Int, token: Int) -> UnsafeRawPointer {
            base + (head * headStride + token * tokenStride) * (precision == .float16 ? 2 : 4)
        }
    }

    /// Numbers of query heads, key/value heads and channels of one head.
    public struct Shape: Sendable {
        public let heads: Int
        public let kvHeads: Int
        public let channels: Int

        /// - Precondition: `heads` is a multiple of `kvHeads`.
        public init(heads: Int, kvHeads: Int, channels: Int) {
            precondition(kvHeads > 0 && heads.isMultiple(of: kvHeads), "\(heads) heads over \(kvHeads) key/value heads")
            self.heads = heads
            self.kvHeads = kvHeads
            self.channels = channels
        }

        /// Query heads that share a key/value head.
        public var group: Int { heads / kvHeads }
        /// The usual factor on scores, 1/√channels.
        public var scale: Float { 1 / Float(channels).squareRoot() }
    }

    /// Which of some tokens a query at `position` sees, counted from the first of them: those up to its own, and with
    /// a window the last `window` of those.
    static func visible(position: Int, window: Int?, of tokens: Range<Int>) -> Range<Int> {
        let end = max(0, min(tokens.count, position + 1 - tokens.lowerBound))
        guard let window else { return 0..<end }
        return min(end, max(0, position + 1 - window - tokens.lowerBound))..<end
    }
}
