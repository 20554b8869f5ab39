extension Deviation {
    /// Elements whose sums are kept in float32 lanes before they are added in float64: few enough
    /// that the rounding of the lanes stays below 1e-5 of the sum.
    private static let blockLength = 512

    /// Compares `count` neighbours.
    ///
    /// - Parameter floor: references of at most this magnitude count as zero: they have no relative error.
    /// - Complexity: O(`count`), eight elements at a time.
    package mutating func compare(
        reference: UnsafePointer<Float>,
        approximation: UnsafePointer<Float>,
        count: Int,
        floor: Float = 0
    ) {
        var start = 0
        while start < count {
            let length = min(Self.blockLength, count - start)
            compareBlock(reference + start, approximation + start, count: length, floor: floor)
            start += length
        }
    }

    private mutating func compareBlock(
        _ reference: UnsafePointer<Float>,
        _ approximation: UnsafePointer<Float>,
        count: Int,
        floor: Float
    ) {
        var relative = SIMD8<Float>.zero
        var error = SIMD8<Float>.zero
        var energy = SIMD8<Float>.zero
        var zeros = SIMD8<Int32>.zero
        var nonfinite = SIMD8<Int32>.zero
        let vectors = count / 8
        for vector in 0..<vectors {
            let x = UnsafeRawPointer(reference + 8 * vector).loadUnaligned(as: SIMD8<Float>.self)
            let y = UnsafeRawPointer(approximation + 8 * vector).loadUnaligned(as: SIMD8<Float>.self)
            Self.accumulate(x, y, floor, &relative, &error, &energy, &zeros, &nonfinite)
        }
        // The tail is compared with itself outside its places, which adds nothing but zero references.
        let tail = count - 8 * vectors
        if tail > 0 {
            var x = SIMD8<Float>.zero
            var y = SIMD8<Float>.zero
            for place in 0..<tail {
                x[place] = reference[8 * vectors + place]
                y[place] = approximation[8 * vectors + place]
            }
            Self.accumulate(x, y, floor, &relative, &error, &energy, &zeros, &nonfinite)
        }
        let padding = tail > 0 ? 8 - tail : 0
        let lost = Int(nonfinite.wrappedSum())
        elements += count - lost
        zeroReferences += Int(zeros.wrappedSum()) - padding
        nonfiniteReferences += lost
        relativeSum += Self.sum(relative)
        squaredError += Self.sum(error)
        squaredReference += Self.sum(energy)
    }

    @inline(__always)
    private static func accumulate(
        _ x: SIMD8<Float>,
        _ y: SIMD8<Float>,
        _ floor: Float,
        _ relative: inout SIMD8<Float>,
        _ error: inout SIMD8<Float>,
        _ energy: inout SIMD8<Float>,
        _ zeros: inout SIMD8<Int32>,
        _ nonfinite: inout SIMD8<Int32>
    ) {
        let magnitude = SIMD8<Float>(bitPattern: SIMD8<UInt32>(bitPattern: x) & 0x7FFF_FFFF)
        let isZero = magnitude .<= floor
        let isLost = .!(magnitude .<= Float.greatestFiniteMagnitude)
        let difference = (y - x).replacing(with: 0, where: isLost)
        let distance = SIMD8<Float>(bitPattern: SIMD8<UInt32>(bitPattern: difference) & 0x7FFF_FFFF)
        let finite = x.replacing(with: 0, where: isLost)
        relative += (distance / magnitude).replacing(with: 0, where: isZero .| isLost)
        error += difference * difference
        energy += finite * finite
        // A mask's true lanes are −1.
        zeros &-= SIMD8<Int32>.zero.replacing(with: -1, where: isZero)
        nonfinite &-= SIMD8<Int32>.zero.replacing(with: -1, where: isLost)
    }

    private static func sum(_ lanes: SIMD8<Float>) -> Double {
        var total = 0.0
        for lane in 0..<8 { total += Double(lanes[lane]) }
        return total
    }
}

extension SIMD8<Float> {
    fileprivate init(bitPattern bits: SIMD8<UInt32>) { self = unsafeBitCast(bits, to: SIMD8<Float>.self) }
}

extension SIMD8<UInt32> {
    fileprivate init(bitPattern values: SIMD8<Float>) { self = unsafeBitCast(values, to: SIMD8<UInt32>.self) }
}
