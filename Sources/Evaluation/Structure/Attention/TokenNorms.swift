import Capture
import Inference
import Kernels

/// The length of each token's vector of one tensor: ‖x‖₂ within a head, mean over heads.
struct TokenNorms {
    /// NaN for a token with NaN or infinity.
    let norms: [Double]
    /// Median over the tokens that have one; `nil` if none has.
    let median: Double?

    private static let slabTokens = 512

    init(_ capture: CaptureFile, _ tensor: CapturedTensor, layer: Int, tokens: Range<Int>) throws {
        let (heads, headDim) = (capture.headCount(tensor), capture.metadata.headDim)
        var norms: [Double] = []
        for first in stride(from: tokens.lowerBound, to: tokens.upperBound, by: Self.slabTokens) {
            let slab = first..<min(tokens.upperBound, first + Self.slabTokens)
            let values = try capture.readFloat(tensor, layer: layer, tokens: slab)
            for token in 0..<slab.count {
                var sum = 0.0
                for head in 0..<heads {
                    let start = (token * heads + head) * headDim
                    sum += values[start..<start + headDim].reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
                }
                norms.append(sum.isFinite ? sum / Double(max(1, heads)) : .nan)
            }
        }
        self.norms = norms
        let sorted = norms.filter { !$0.isNaN }.sorted()
        let middle = sorted.count / 2
        median =
            sorted.isEmpty
            ? nil : sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
    }

    func norm(_ token: Int) -> Double? { norms[token].isNaN ? nil : norms[token] }

    /// A token's norm over the median; `nil` if either is missing or the median 0.
    func ratio(_ token: Int) -> Double? {
        guard let median, median > 0 else { return nil }
        return norm(token).map { $0 / median }
    }
}
