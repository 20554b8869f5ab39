internal import CKernels

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Cosines and sines of rotary position embedding for some tokens, made once for all layers and heads.
///
/// Angles are `position · base^(−2i / channels) / divisor[i]`, computed in double
/// precision and rounded to float32 only as cosine and sine, so that the error
/// stays at 2⁻²⁴ at any position. Source: Su et al., "RoFormer" (2021), eq. 34.
public struct RotaryTable: Sendable {
    /// Which two channels of a head turn together.
    public enum Pairing: Sendable {
        /// Channel i with channel i + channels/2, as Llama's and NeoX's weights are stored.
        case halves
        /// Channel 2i with channel 2i + 1, as in the paper and GPT-J.
        case adjacent
    }

    /// Of the tokens, in order.
    public let positions: [Int]
    /// Pairs of channels that are rotated.
    public let pairs: Int
    private let cosines: [Float]
    private let sines: [Float]

    /// - Parameter frequencyDivisors: one a pair, as long-context models store in `rope_freqs`; none divides by 1.
    /// - Precondition: `channels` is even and there are as many divisors as pairs.
    /// - Complexity: O(positions × channels) evaluations of sine and cosine.
    public init(positions: some Collection<Int>, channels: Int, base: Double, frequencyDivisors: [Float]? = nil) {
        precondition(channels.isMultiple(of: 2), "\(channels) channels cannot be paired")
        let pairs = channels / 2
        precondition(frequencyDivisors.map { $0.count == pairs } ?? true, "divisors do not match \(pairs) pairs")
        let frequencies = (0..<pairs).map { pair in
            pow(base, -2 * Double(pair) / Double(channels)) / Double(frequencyDivisors?[pair] ?? 1)
        }
        var cosines: [Float] = [], sines: [Float] = []
        cosines.reserveCapacity(positions.count * pairs)
        sines.reserveCapacity(positions.count * pairs)
        for position in positions {
            for frequency in frequencies {
                let angle = Double(position) * frequency
                cosines.append(Float(cos(angle)))
                sines.append(Float(sin(angle)))
            }
        }
        self.positions = Array(positions)
        self.pairs = pairs
        self.cosines = cosines
        self.sines = sines
    }

    /// Rotates x[token, head, channel] in place; token t stands at `positions[firstToken + t]`.
    ///
    /// - Parameters:
    ///   - tokenStride: elements from a token to the next; heads lie `headStride` apart.
    ///   - pairing: which channels turn together.
    /// - Precondition: the table covers the tokens.
    public func rotate(
        _ x: UnsafeMutablePointer<Float>,
        tokens: Int,
        firstToken: Int = 0,
        heads: Int,
        headStride: Int,
        tokenStride: Int,
        pairing: Pairing = .halves
    ) {
        precondition(firstToken >= 0 && firstToken + tokens <= positions.count, "\(tokens) tokens beyond \(positions)")
        let kernels = KernelTable.active.pointee
        let rotate = pairing == .halves ? kernels.rotate_halves : kernels.rotate_adjacent
        cosines.withUnsafeBufferPointer { cosines in
            sines.withUnsafeBufferPointer { sines in
                guard let c = cosines.baseAddress, let s = sines.baseAddress else { return }
                Parallel.forEachBlock(of: 32, in: tokens) { block in
                    for token in block {
                        let row = (firstToken + token) * pairs
                        for head in 0..<heads {
                            rotate(x + token * tokenStride + head * headStride, c + row, s + row, pairs)
                        }
                    }
                }
            }
        }
    }
}
