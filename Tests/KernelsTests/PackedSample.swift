import CKernels
import Kernels
import TensorCore

/// Packed keys or values of one head with random codes, and what attention over them is in double precision.
final class PackedSample {
    enum Side: CaseIterable {
        case keys
        case values
    }

    let side: Side
    let bits: Int
    let channels: Int
    let groupSize: Int
    let tokens: Int
    let isSymmetric: Bool
    let isFloat: Bool
    let codes: Block<UInt8>
    let halves: Block<UInt16>
    let floats: Block<Float>

    /// - Parameter scales: what a scale is times; one factor for each reduced element in turn.
    init(
        _ side: Side,
        bits: Int,
        channels: Int,
        groupSize: Int,
        tokens: Int,
        isSymmetric: Bool = false,
        isFloat: Bool = false,
        outlierChannel: Int? = nil,
        seed: UInt64
    ) {
        (self.side, self.bits, self.channels, self.groupSize) = (side, bits, channels, groupSize)
        (self.tokens, self.isSymmetric, self.isFloat) = (tokens, isSymmetric, isFloat)
        var generator = SeededGenerator(seed: seed)
        let tiles = (tokens + 31) / 32
        let tileBytes =
            side == .keys ? kva_key_tile_bytes(channels, UInt32(bits)) : kva_value_tile_bytes(channels, UInt32(bits))
        codes = Block((0..<tiles * tileBytes).map { _ in UInt8(truncatingIfNeeded: generator.next() >> 11) })
        let symmetric: Int32 = isSymmetric ? 1 : 0
        let record = side == .keys ? kva_key_reduced(channels) : 32
        let records =
            side == .keys ? (tokens + groupSize - 1) / groupSize : tiles * kva_value_groups(channels, groupSize)
        let stride = side == .keys ? kva_key_group_stride(channels, symmetric) : 32 * (isSymmetric ? 1 : 2)
        let unit = 3 / Float((1 << bits) - 1)
        var metadata: [Float] = []
        for _ in 0..<records {
            for place in 0..<stride {
                let element = place % record
                let wide: Float = element == outlierChannel ? 40 : 1
                let present = side == .keys ? element < channels : true
                let value =
                    place < record
                    ? unit * Float(1 + 0.3 * generator.nextGaussian()).magnitude
                    : Float(-1.5 + 0.3 * generator.nextGaussian())
                metadata.append(present ? wide * value : 0)
            }
        }
        halves = Block(HalfConversion.toHalf(metadata))
        floats = Block(HalfConversion.toFloat(halves.values))
    }

    /// What the C functions are given.
    func packed(first: Int = 0, count: Int, queries: Int, digits: Int, envelope: UnsafePointer<Float>? = nil)
        -> kva_packed_side
    {
        kva_packed_side(
            codes: codes.base,
            metadata: isFloat ? UnsafeRawPointer(floats.base) : UnsafeRawPointer(halves.base),
            metadata_is_float: isFloat ? 1 : 0,
            is_symmetric: isSymmetric ? 1 : 0,
            bits: UInt32(bits),
            channels: channels,
            group_size: groupSize,
            first_token: first,
            tokens: count,
            group: queries,
            score_stride: count + 3,
            envelope: envelope,
            next_codes: nil,
            next_metadata: nil,
            digits: UInt32(digits)
        )
    }

    /// Largest scale of any record.
    var largestScale: Float {
        let record = side == .keys ? kva_key_reduced(channels) : 32
        let stride = isSymmetric ? record : 2 * record
        return floats.values.enumerated().filter { $0.offset % stride < record }.map { $0.element }.max() ?? 0
    }

    /// Scores (keys) or outputs (values) of one table, [query][token or channel].
    func result(
        _ kernels: UnsafePointer<kva_kernels>,
        first: Int = 0,
        count: Int,
        queries: Int,
        digits: Int,
        rows: [Float]
    ) -> [Float] {
        var side = packed(first: first, count: count, queries: queries, digits: digits)
        switch self.side {
        case .keys:
            var scores = [Float](repeating: .nan, count: queries * side.score_stride)
            kernels.pointee.packed_scores(&side, rows, &scores)
            return (0..<queries).flatMap { scores[$0 * side.score_stride..<$0 * side.score_stride + count] }
        case .values:
            var output = [Float](repeating: 0, count: queries * channels)
            kernels.pointee.packed_values(&side, rows, &output)
            return output
        }
    }

    /// Rows to multiply with: queries, or positive weights with stride `count + 3`.
    func rows(_ queries: Int, count: Int, seed: UInt64) -> [Float] {
        let gaussian = SampleKind.gaussian.values(queries * (side == .keys ? channels : count + 3), seed: seed)
        return side == .keys ? gaussian : gaussian.map { $0 * $0 }
    }
}

/// ‖a − b‖ / ‖b‖
func relativeError(_ a: [Float], _ b: [Float]) -> Double {
    let difference = zip(a, b).reduce(0.0) { $0 + (Double($1.0) - Double($1.1)) * (Double($1.0) - Double($1.1)) }
    let norm = b.reduce(0.0) { $0 + Double($1) * Double($1) }
    return norm == 0 ? difference.squareRoot() : (difference / norm).squareRoot()
}
