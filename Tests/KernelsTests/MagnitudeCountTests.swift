import CKernels
import Kernels
import TensorCore
import Testing

@Suite struct MagnitudeCountTests {
    private let thresholds: (Float, Float) = (6, 100)

    private func count<Element>(
        _ kernels: UnsafePointer<kva_kernels>,
        _ elements: [Element],
        tokens: Int,
        channels: Int,
        stride: Int
    ) -> [UInt32] {
        var counts = [UInt32](repeating: 0, count: channels * 2)
        elements.withUnsafeBytes { elements in
            guard let base = elements.baseAddress else { return }
            counts.withUnsafeMutableBufferPointer { counts in
                guard let counts = counts.baseAddress else { return }
                var count = kva_magnitude_count(
                    elements: base,
                    is_half: Element.self == UInt16.self ? 1 : 0,
                    tokens: tokens,
                    channels: channels,
                    token_stride: stride,
                    thresholds: thresholds,
                    counts: counts
                )
                kernels.pointee.count_magnitudes(&count)
            }
        }
        return counts
    }

    @Test(arguments: Implementation.all, SampleKind.allCases)
    func countsAreThoseOfTheDefinition(_ implementation: Implementation, _ kind: SampleKind) {
        for (tokens, channels) in (0...33).map({ ($0, 17) }) + (1...33).map({ (9, $0) }) + [(300, 64)] {
            let stride = channels + tokens % 3
            let halves = HalfConversion.toHalf(kind.values(tokens * stride, seed: 7).map { $0 * 5 })
            let floats = HalfConversion.toFloat(halves)
            let expected = (0..<channels).flatMap { channel in
                [thresholds.0, thresholds.1].map { threshold in
                    UInt32(
                        (0..<tokens).count { token in
                            let x = floats[token * stride + channel].magnitude
                            return x >= threshold && x.isFinite
                        }
                    )
                }
            }
            let kernels = implementation.kernels
            #expect(count(kernels, halves, tokens: tokens, channels: channels, stride: stride) == expected, "\(kind)")
            #expect(count(kernels, floats, tokens: tokens, channels: channels, stride: stride) == expected, "\(kind)")
        }
    }

    /// All float16 in 32 tokens of 2,048 channels: at the threshold itself the count must change.
    @Test(arguments: Implementation.all) func everyHalfIsOnItsSideOfTheThreshold(_ implementation: Implementation) {
        let halves = (0...UInt16.max).map { $0 }
        let counts = count(implementation.kernels, halves, tokens: 32, channels: 2048, stride: 2048)
        let values = halves.map { Float(Float16(bitPattern: $0)) }
        for channel in 0..<2048 {
            let column = (0..<32).map { values[$0 * 2048 + channel].magnitude }
            #expect(Int(counts[2 * channel]) == column.count { $0 >= 6 && $0.isFinite })
            #expect(Int(counts[2 * channel + 1]) == column.count { $0 >= 100 && $0.isFinite })
        }
    }
}
