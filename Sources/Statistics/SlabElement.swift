import Kernels

/// How elements lie in a slab: as float16 bits or as float32.
protocol SlabElement: BitwiseCopyable, Sendable {
    var float: Float { get }

    /// `count` neighbours as float32.
    static func floats(_ first: UnsafePointer<Self>, count: Int) -> [Float]

    /// Appends `count` neighbours as float16 bits that fall into the same bins of a sketch.
    static func appendHalves(_ first: UnsafePointer<Self>, count: Int, to halves: inout [UInt16])

    /// Sums of powers for each channel and each token of a block, about the shifts already in the moments, and bins
    /// counted in [channel][bin]; what is empty or `nil` is left out.
    static func sweep(
        _ block: UnsafePointer<Self>,
        tokens: Int,
        channels: Int,
        stride: Int,
        channelMoments: inout [Moments],
        tokenMoments: inout [Moments],
        counters: UnsafeMutableBufferPointer<UInt16>?
    )
}

extension SlabElement {
    /// Sums of powers for each channel of a block, about the shifts already in `channelMoments`.
    static func sweep(
        _ block: UnsafePointer<Self>,
        tokens: Int,
        channels: Int,
        stride: Int,
        channelMoments: inout [Moments]
    ) {
        var none: [Moments] = []
        sweep(
            block,
            tokens: tokens,
            channels: channels,
            stride: stride,
            channelMoments: &channelMoments,
            tokenMoments: &none,
            counters: nil
        )
    }

    /// Sums of powers for each token of a block, about the shifts already in `tokenMoments`.
    static func sweep(
        _ block: UnsafePointer<Self>,
        tokens: Int,
        channels: Int,
        stride: Int,
        tokenMoments: inout [Moments]
    ) {
        var none: [Moments] = []
        sweep(
            block,
            tokens: tokens,
            channels: channels,
            stride: stride,
            channelMoments: &none,
            tokenMoments: &tokenMoments,
            counters: nil
        )
    }
}

extension UInt16: SlabElement {
    var float: Float { Float(Float16(bitPattern: self)) }

    static func appendHalves(_ first: UnsafePointer<UInt16>, count: Int, to halves: inout [UInt16]) {
        halves.append(contentsOf: UnsafeBufferPointer(start: first, count: count))
    }

    static func floats(_ first: UnsafePointer<UInt16>, count: Int) -> [Float] {
        [Float](unsafeUninitializedCapacity: count) { floats, initialized in
            guard let target = floats.baseAddress else { return }
            HalfConversion.toFloat(first, target, count: count)
            initialized = count
        }
    }

    static func sweep(
        _ block: UnsafePointer<UInt16>,
        tokens: Int,
        channels: Int,
        stride: Int,
        channelMoments: inout [Moments],
        tokenMoments: inout [Moments],
        counters: UnsafeMutableBufferPointer<UInt16>?
    ) {
        MomentSweep.add(
            half: block,
            tokens: tokens,
            channels: channels,
            tokenStride: stride,
            channelMoments: &channelMoments,
            tokenMoments: &tokenMoments,
            counters: counters
        )
    }
}

extension Float: SlabElement {
    var float: Float { self }

    static func appendHalves(_ first: UnsafePointer<Float>, count: Int, to halves: inout [UInt16]) {
        halves.append(
            contentsOf: UnsafeBufferPointer(start: first, count: count).lazy.map { UInt16(QuantileSketch.bin($0) << 5) }
        )
    }

    static func floats(_ first: UnsafePointer<Float>, count: Int) -> [Float] {
        Array(UnsafeBufferPointer(start: first, count: count))
    }

    static func sweep(
        _ block: UnsafePointer<Float>,
        tokens: Int,
        channels: Int,
        stride: Int,
        channelMoments: inout [Moments],
        tokenMoments: inout [Moments],
        counters: UnsafeMutableBufferPointer<UInt16>?
    ) {
        MomentSweep.add(
            float: block,
            tokens: tokens,
            channels: channels,
            tokenStride: stride,
            channelMoments: &channelMoments,
            tokenMoments: &tokenMoments,
            counters: counters
        )
    }
}

extension UnsafePointer where Pointee: SlabElement {
    /// The first finite of `count` elements, or 0: a value for power sums to be taken about.
    func firstFinite(count: Int, stride: Int) -> Float {
        for index in 0..<count {
            let value = self[index * stride].float
            if value.isFinite { return value }
        }
        return 0
    }
}

/// The median of five values, or `nil` if one of them is not finite.
@inline(__always)
func median(_ a: Float, _ b: Float, _ c: Float, _ d: Float, _ e: Float) -> Float? {
    // Of four values, neither the least nor the largest can be the median of five.
    let low = max(min(a, b), min(c, d))
    let high = min(max(a, b), max(c, d))
    let middle = max(min(low, high), min(max(low, high), e))
    // NaN and infinity times 0 are NaN.
    return a * 0 + b * 0 + c * 0 + d * 0 + e * 0 == 0 ? middle : nil
}
