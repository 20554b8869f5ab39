import Kernels

/// A slab of tokens seen one token of one head at a time, `[token, head, channel]`.
public struct TokenDistributions {
    /// Tokens of one work item.
    private static let blockTokens = 256
    private let heads: Int
    private let headDim: Int

    public init(heads: Int, headDim: Int) {
        self.heads = heads
        self.headDim = headDim
    }

    /// What `body` makes of each token of each head of a float16 slab, all heads of a token together.
    ///
    /// - Precondition: whole tokens.
    /// - Complexity: O(elements × log headDim), on all threads.
    public func map<Result: Sendable>(
        half slab: UnsafeBufferPointer<UInt16>,
        _ body: (_ token: Int, _ head: Int, Distribution) -> Result
    ) -> [Result] { mapBlocks(slab, body) }

    /// As for float16, for a float32 slab.
    public func map<Result: Sendable>(
        float slab: UnsafeBufferPointer<Float>,
        _ body: (_ token: Int, _ head: Int, Distribution) -> Result
    ) -> [Result] { mapBlocks(slab, body) }

    private func mapBlocks<Element: SlabElement, Result: Sendable>(
        _ slab: UnsafeBufferPointer<Element>,
        _ body: (Int, Int, Distribution) -> Result
    ) -> [Result] {
        let width = heads * headDim
        guard width > 0, let base = slab.baseAddress else { return [] }
        precondition(slab.count.isMultiple(of: width), "\(slab.count) elements for tokens of \(width)")
        let tokens = slab.count / width
        let size = Self.blockTokens
        var blocks = [[Result]](repeating: [], count: (tokens + size - 1) / size)
        blocks.withUnsafeMutableBufferPointer { blocks in
            // Each index writes its own block only.
            nonisolated(unsafe) let blocks = blocks
            Parallel.forEach(blocks.count) { index in
                let range = index * size..<min(tokens, (index + 1) * size)
                let byHead = (0..<heads).map { head in
                    distributions(base + (range.lowerBound * width + head * headDim), tokens: range.count)
                }
                blocks[index] = range.flatMap { token in
                    (0..<heads).map { body(token, $0, byHead[$0][token - range.lowerBound]) }
                }
            }
        }
        return blocks.flatMap { $0 }
    }

    /// One a token of one head. Power sums are taken about the token's median.
    private func distributions<Element: SlabElement>(_ block: UnsafePointer<Element>, tokens: Int) -> [Distribution] {
        let width = heads * headDim
        let values = (0..<tokens).map { token in
            Element.floats(block + token * width, count: headDim).filter { $0.isFinite }.sorted()
        }
        var sums = values.map { Moments(shift: $0.isEmpty ? 0 : $0[$0.count / 2]) }
        Element.sweep(block, tokens: tokens, channels: headDim, stride: width, tokenMoments: &sums)
        return zip(sums, values).map { Distribution(moments: CentralMoments($0), sorted: $1) }
    }
}
