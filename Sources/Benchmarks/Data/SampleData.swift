import Kernels
import TensorCore

/// The numbers that benchmarks work on: a short seeded pattern that fills any length by repetition.
///
/// No kernel's speed depends on the values, and drawing hundreds of megabytes would take longer than timing them.
enum SampleData {
    /// Standard normal; as many as 512 tokens of 128 channels.
    static let floats: [Float] = {
        var generator = SeededGenerator(seed: 3)
        return (0..<512 * 128).map { _ in Float(generator.nextGaussian()) }
    }()

    static let halves: [UInt16] = HalfConversion.toHalf(floats)

    /// Random blocks of a weight type whose scales are small finite numbers.
    static func weights(_ type: ElementType) -> [UInt8] {
        switch type {
        case .float32: return floats.withUnsafeBytes { Array($0) }
        case .float16: return halves.withUnsafeBytes { Array($0) }
        case .bfloat16: return HalfConversion.toBFloat(floats).withUnsafeBytes { Array($0) }
        default: break
        }
        var generator = SeededGenerator(seed: 4)
        let blocks = 512, size = type.bytesPerBlock
        var bytes = (0..<blocks * size).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
        // Where a block keeps its float16 numbers, as GGUF lays it out.
        let places: [Int] =
            switch type {
            case .q4_1, .q5_1, .q4K, .q5K: [0, 2]
            case .q2K: [size - 4, size - 2]
            case .q3K, .q6K: [size - 2]
            default: [0]
            }
        for block in 0..<blocks {
            for place in places {
                let half = HalfConversion.toHalf(Float(0.001 + 0.01 * generator.nextUniform()))
                bytes[block * size + place] = UInt8(truncatingIfNeeded: half)
                bytes[block * size + place + 1] = UInt8(truncatingIfNeeded: half >> 8)
            }
        }
        return bytes
    }
}
