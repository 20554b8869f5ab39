internal import CKernels

/// How many elements of each channel are at least so large, for two thresholds at once.
public enum MagnitudeCount {
    /// Thresholds counted at a time.
    public static let thresholdCount = Int(KVA_MAGNITUDES)

    /// Adds the elements of a slab [token × channel] with threshold ≤ |x| < ∞.
    ///
    /// - Parameters:
    ///   - elements: float16 bits, or float32 unless `isHalf`.
    ///   - tokenStride: elements from a token to the next.
    ///   - thresholds: from 2⁻²⁴ to 65,504.
    ///   - counts: [channel][threshold].
    /// - Complexity: O(elements), vectorised for float16.
    public static func add(
        _ elements: UnsafeRawPointer,
        isHalf: Bool,
        tokens: Int,
        channels: Int,
        tokenStride: Int,
        thresholds: (Float, Float),
        counts: UnsafeMutablePointer<UInt32>
    ) {
        var count = kva_magnitude_count(
            elements: elements,
            is_half: isHalf ? 1 : 0,
            tokens: tokens,
            channels: channels,
            token_stride: tokenStride,
            thresholds: thresholds,
            counts: counts
        )
        KernelTable.active.pointee.count_magnitudes(&count)
    }
}
