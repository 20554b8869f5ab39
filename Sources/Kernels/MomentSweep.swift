internal import CKernels

/// One pass over a slab [tokens × channels] that gathers ``Moments`` for each channel, each token, or both, and
/// a histogram for each channel.
///
/// It reads the slab once from memory: `tokens · channels · 2` bytes of float16, twice that of float32. Counting
/// costs one store an element, which no vector instruction spares, and so takes several times as long as the sums.
public enum MomentSweep {
    /// Bins of a histogram: the upper 11 bits of a float16, that is, its sign, its exponent and five bits of
    /// mantissa. A float32 falls into the bin of the float16 next to it towards zero.
    public static let binCount = 2048

    /// Adds a slab of float16 bits.
    ///
    /// - Parameters:
    ///   - tokenStride: elements from a token to the next.
    ///   - channelMoments: one a channel, or empty to skip; each is added to about its own shift.
    ///   - tokenMoments: one a token, or empty to skip.
    ///   - counters: [channel][bin], or `nil` to skip. They wrap around after 65,535 tokens of one bin.
    /// - Precondition: each array is empty or of its axis's length.
    public static func add(
        half elements: UnsafePointer<UInt16>,
        tokens: Int,
        channels: Int,
        tokenStride: Int,
        channelMoments: inout [Moments],
        tokenMoments: inout [Moments],
        counters: UnsafeMutableBufferPointer<UInt16>? = nil
    ) {
        add(
            UnsafeRawPointer(elements),
            isHalf: true,
            tokens: tokens,
            channels: channels,
            tokenStride: tokenStride,
            channelMoments: &channelMoments,
            tokenMoments: &tokenMoments,
            counters: counters
        )
    }

    /// Adds a slab of float32.
    public static func add(
        float elements: UnsafePointer<Float>,
        tokens: Int,
        channels: Int,
        tokenStride: Int,
        channelMoments: inout [Moments],
        tokenMoments: inout [Moments],
        counters: UnsafeMutableBufferPointer<UInt16>? = nil
    ) {
        add(
            UnsafeRawPointer(elements),
            isHalf: false,
            tokens: tokens,
            channels: channels,
            tokenStride: tokenStride,
            channelMoments: &channelMoments,
            tokenMoments: &tokenMoments,
            counters: counters
        )
    }

    private static func add(
        _ elements: UnsafeRawPointer,
        isHalf: Bool,
        tokens: Int,
        channels: Int,
        tokenStride: Int,
        channelMoments: inout [Moments],
        tokenMoments: inout [Moments],
        counters: UnsafeMutableBufferPointer<UInt16>?
    ) {
        precondition(channelMoments.isEmpty || channelMoments.count == channels, "one accumulator a channel")
        precondition(tokenMoments.isEmpty || tokenMoments.count == tokens, "one accumulator a token")
        precondition(counters.map { $0.count == channels * binCount } ?? true, "\(binCount) counters a channel")
        withRecords(of: &channelMoments) { byChannel in
            withRecords(of: &tokenMoments) { byToken in
                var sweep = kva_moment_sweep(
                    elements: elements,
                    is_half: isHalf ? 1 : 0,
                    tokens: tokens,
                    channels: channels,
                    token_stride: tokenStride,
                    channel_moments: byChannel,
                    token_moments: byToken,
                    counters: counters?.baseAddress
                )
                KernelTable.active.pointee.moment_sweep(&sweep)
            }
        }
    }

    /// The kernels' view of the same memory; `nil` for none.
    private static func withRecords(
        of moments: inout [Moments],
        _ body: (UnsafeMutablePointer<kva_moments>?) -> Void
    ) {
        guard !moments.isEmpty else { return body(nil) }
        moments.withUnsafeMutableBytes { bytes in
            // The record is all that a `Moments` holds, hence of the same layout.
            body(bytes.baseAddress?.assumingMemoryBound(to: kva_moments.self))
        }
    }
}
