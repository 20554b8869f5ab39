internal import CKernels

/// One pass over a slab [tokens × channels] that gathers ``Moments`` for each channel, each token, or both.
public enum MomentSweep {
    /// Adds a slab of float16 bits.
    ///
    /// - Parameters:
    ///   - tokenStride: elements from a token to the next.
    ///   - channelMoments: one a channel, or empty to skip; each is added to about its own shift.
    ///   - tokenMoments: one a token, or empty to skip.
    /// - Precondition: each array is empty or of its axis's length.
    public static func add(
        half elements: UnsafePointer<UInt16>,
        tokens: Int,
        channels: Int,
        tokenStride: Int,
        channelMoments: inout [Moments],
        tokenMoments: inout [Moments]
    ) {
        add(
            UnsafeRawPointer(elements),
            isHalf: true,
            tokens: tokens,
            channels: channels,
            tokenStride: tokenStride,
            channelMoments: &channelMoments,
            tokenMoments: &tokenMoments
        )
    }

    /// Adds a slab of float32.
    public static func add(
        float elements: UnsafePointer<Float>,
        tokens: Int,
        channels: Int,
        tokenStride: Int,
        channelMoments: inout [Moments],
        tokenMoments: inout [Moments]
    ) {
        add(
            UnsafeRawPointer(elements),
            isHalf: false,
            tokens: tokens,
            channels: channels,
            tokenStride: tokenStride,
            channelMoments: &channelMoments,
            tokenMoments: &tokenMoments
        )
    }

    private static func add(
        _ elements: UnsafeRawPointer,
        isHalf: Bool,
        tokens: Int,
        channels: Int,
        tokenStride: Int,
        channelMoments: inout [Moments],
        tokenMoments: inout [Moments]
    ) {
        precondition(channelMoments.isEmpty || channelMoments.count == channels, "one accumulator a channel")
        precondition(tokenMoments.isEmpty || tokenMoments.count == tokens, "one accumulator a token")
        var byChannel = channelMoments.map { $0.record }, byToken = tokenMoments.map { $0.record }
        byChannel.withUnsafeMutableBufferPointer { byChannel in
            byToken.withUnsafeMutableBufferPointer { byToken in
                var sweep = kva_moment_sweep(
                    elements: elements,
                    is_half: isHalf ? 1 : 0,
                    tokens: tokens,
                    channels: channels,
                    token_stride: tokenStride,
                    channel_moments: byChannel.isEmpty ? nil : byChannel.baseAddress,
                    token_moments: byToken.isEmpty ? nil : byToken.baseAddress
                )
                KernelTable.active.pointee.moment_sweep(&sweep)
            }
        }
        for channel in channelMoments.indices { channelMoments[channel] = Moments(byChannel[channel]) }
        for token in tokenMoments.indices { tokenMoments[token] = Moments(byToken[token]) }
    }
}

extension Moments {
    fileprivate var record: kva_moments {
        kva_moments(
            power1: power1,
            power2: power2,
            power3: power3,
            power4: power4,
            sum_absolute: sumAbsolute,
            count: UInt64(count),
            nan_count: UInt64(nanCount),
            infinity_count: UInt64(infinityCount),
            minimum: minimum,
            maximum: maximum,
            shift: shift
        )
    }

    fileprivate init(_ record: kva_moments) {
        self.init(shift: record.shift)
        count = Int(record.count)
        nanCount = Int(record.nan_count)
        infinityCount = Int(record.infinity_count)
        minimum = record.minimum
        maximum = record.maximum
        sumAbsolute = record.sum_absolute
        power1 = record.power1
        power2 = record.power2
        power3 = record.power3
        power4 = record.power4
    }
}
