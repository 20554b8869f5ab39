internal import CKernels

/// Element-wise and reducing operations on float32 vectors, each on the calling thread.
public enum VectorMath {
    /// Σ x·y. Relative error against Σ|x·y|: at most (count/32 + 8) · 2⁻²⁴.
    public static func dot(_ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>, count: Int) -> Float {
        KernelTable.active.pointee.dot(x, y, count)
    }

    /// y += a·x.
    public static func accumulate(
        scaledBy a: Float,
        _ x: UnsafePointer<Float>,
        into y: UnsafeMutablePointer<Float>,
        count: Int
    ) {
        KernelTable.active.pointee.scaled_accumulate(a, x, y, count)
    }

    /// y += x.
    public static func add(_ x: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>, count: Int) {
        KernelTable.active.pointee.add(x, y, count)
    }

    /// x *= a.
    public static func scale(by a: Float, _ x: UnsafeMutablePointer<Float>, count: Int) {
        KernelTable.active.pointee.scale(a, x, count)
    }

    /// Largest element, −∞ for none; NaN is passed over.
    public static func maximum(_ x: UnsafePointer<Float>, count: Int) -> Float {
        KernelTable.active.pointee.maximum(x, count)
    }

    /// Largest magnitude, 0 for none; NaN is passed over.
    public static func absoluteMaximum(_ x: UnsafePointer<Float>, count: Int) -> Float {
        KernelTable.active.pointee.absolute_maximum(x, count)
    }

    /// Whether no element is NaN or infinite.
    public static func isFinite(_ x: UnsafePointer<Float>, count: Int) -> Bool {
        // As integers, of which the compiler makes vectors.
        var largest: UInt32 = 0
        for i in 0..<count { largest = max(largest, x[i].bitPattern & 0x7FFF_FFFF) }
        return largest < Float.infinity.bitPattern
    }

    /// x = exp(x − shift); returns the sum. The relative error of each element is at most 2⁻²²;
    /// results below 2⁻¹²⁶ are 0.
    @discardableResult
    public static func exponentialSum(_ x: UnsafeMutablePointer<Float>, count: Int, shift: Float) -> Float {
        KernelTable.active.pointee.exponential_sum(x, count, shift)
    }

    /// x = exp(x − max) / Σ exp(x − max). Elements of −∞ become 0; if all are −∞, so does the whole.
    public static func softmax(_ x: UnsafeMutablePointer<Float>, count: Int) {
        let largest = maximum(x, count: count)
        guard largest > -.infinity else {
            // Nothing to attend to. NaN among the elements must not pass for a zero.
            for i in 0..<max(0, count) where !x[i].isNaN { x[i] = 0 }
            return
        }
        let sum = exponentialSum(x, count: count, shift: largest)
        scale(by: 1 / sum, x, count: count)
    }

    /// y = x / √(mean(x²) + epsilon) · weight. `y` may be `x`.
    public static func rmsNorm(
        _ x: UnsafePointer<Float>,
        weight: UnsafePointer<Float>,
        epsilon: Float,
        into y: UnsafeMutablePointer<Float>,
        count: Int
    ) {
        KernelTable.active.pointee.rms_norm(x, weight, epsilon, y, count)
    }

    /// ``rmsNorm(_:weight:epsilon:into:count:)`` of each of `rows` rows of `count` elements, on all threads.
    public static func rmsNorm(
        rows: Int,
        _ x: UnsafePointer<Float>,
        weight: UnsafePointer<Float>,
        epsilon: Float,
        into y: UnsafeMutablePointer<Float>,
        count: Int
    ) {
        Parallel.forEachBlock(of: 32, in: rows) { block in
            for row in block {
                rmsNorm(x + row * count, weight: weight, epsilon: epsilon, into: y + row * count, count: count)
            }
        }
    }

    /// y = silu(gate)·up with silu(g) = g / (1 + exp(−g)). `y` may be `gate` or `up`. On all threads when long.
    public static func siluMultiply(
        gate: UnsafePointer<Float>,
        up: UnsafePointer<Float>,
        into y: UnsafeMutablePointer<Float>,
        count: Int
    ) {
        Parallel.forEachBlock(of: 1 << 14, in: count) { block in
            let first = block.lowerBound
            KernelTable.active.pointee.silu_multiply(gate + first, up + first, y + first, block.count)
        }
    }
}
