import Capture
import Inference

/// Two captures of the same tokens and shape, element by element.
struct ElementComparison: Sendable, Equatable {
    /// One tensor of one layer.
    struct Difference: Sendable, Equatable {
        let layer: Int
        let tensor: CapturedTensor
        /// Elements whose values differ; two NaN do not.
        let count: Int
        /// ‖b − a‖ / ‖a‖ over elements that are finite in both; `nil` if all of a are zero.
        let relative: Double?
        /// Elements that are NaN or infinite in either, and left out of the norms.
        let nonfiniteInA: Int
        let nonfiniteInB: Int
    }

    /// Tensors that both have.
    let tensors: Int
    /// Those of them that differ, in the order of layers.
    let differing: [Difference]

    private static let slabTokens = 512

    /// Why two captures cannot be compared so, or `nil` if they can.
    static func obstacle(_ a: CaptureFile, _ b: CaptureFile) throws -> String? {
        let one = a.metadata, other = b.metadata
        guard one.heads == other.heads, one.kvHeads == other.kvHeads, one.headDim == other.headDim else {
            return "heads or channels are of other numbers"
        }
        guard a.tokenCount == b.tokenCount else { return "there are \(a.tokenCount) and \(b.tokenCount) tokens" }
        guard a.sequences.map({ $0.length }) == b.sequences.map({ $0.length }) else {
            return "the sequences are of other lengths"
        }
        if let token = try firstDifferentToken(a, b) { return "the texts differ from token \(token) on" }
        return nil
    }

    /// - Complexity: both captures are read once, in slabs.
    init(_ a: CaptureFile, _ b: CaptureFile, progress: (Double) throws -> Void) throws {
        let keys = a.layersPresent.filter { b.layersPresent.contains($0) }.flatMap { layer in
            a.tensors(inLayer: layer).filter { b.tensors(inLayer: layer).contains($0) }.map { (layer, $0) }
        }
        var differing: [Difference] = []
        for (index, (layer, tensor)) in keys.enumerated() {
            var count = 0
            var (errors, squares) = (0.0, 0.0)
            var (nonfiniteInA, nonfiniteInB) = (0, 0)
            for first in stride(from: 0, to: a.tokenCount, by: Self.slabTokens) {
                let tokens = first..<min(a.tokenCount, first + Self.slabTokens)
                let one = try a.readFloat(tensor, layer: layer, tokens: tokens)
                let other = try b.readFloat(tensor, layer: layer, tokens: tokens)
                for (x, y) in zip(one, other) {
                    if x != y && !(x.isNaN && y.isNaN) { count += 1 }
                    guard x.isFinite, y.isFinite else {
                        if !x.isFinite { nonfiniteInA += 1 }
                        if !y.isFinite { nonfiniteInB += 1 }
                        continue
                    }
                    let difference = Double(y) - Double(x)
                    errors += difference * difference
                    squares += Double(x) * Double(x)
                }
                let share = Double(tokens.upperBound) / Double(max(1, a.tokenCount))
                try progress((Double(index) + share) / Double(keys.count))
            }
            guard count > 0 else { continue }
            let relative = squares > 0 ? (errors / squares).squareRoot() : nil
            differing.append(
                Difference(
                    layer: layer,
                    tensor: tensor,
                    count: count,
                    relative: relative,
                    nonfiniteInA: nonfiniteInA,
                    nonfiniteInB: nonfiniteInB
                )
            )
        }
        tensors = keys.count
        self.differing = differing
    }

    private static func firstDifferentToken(_ a: CaptureFile, _ b: CaptureFile) throws -> Int? {
        for first in stride(from: 0, to: a.tokenCount, by: 1 << 16) {
            let tokens = first..<min(a.tokenCount, first + 1 << 16)
            let one = try a.readTokens(tokens), other = try b.readTokens(tokens)
            // An import that did not know an id wrote -1.
            if let index = one.indices.first(where: { one[$0] != other[$0] && one[$0] >= 0 && other[$0] >= 0 }) {
                return first + index
            }
        }
        return nil
    }
}
