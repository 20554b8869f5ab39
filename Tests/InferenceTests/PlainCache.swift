import Foundation
import Inference
import Kernels
import Quantization

/// What a cache should hold and answer, by the plainest means: one array, the schemes' own round trip, and attention
/// from the definition in double.
struct PlainCache {
    struct Side {
        let scheme: (any TensorScheme)?
        /// [token][head · channels + channel], as attention sees them.
        var rows: [[Float]] = []
        var packed = 0
    }

    let shape: CacheShape
    let scheme: CacheScheme?
    let isHalf: Bool
    let packsFirst: (_ tokens: Int) -> Bool
    var keys: Side
    var values: Side

    init(
        shape: CacheShape,
        scheme: CacheScheme?,
        isHalf: Bool,
        packsFirst: @escaping (_ tokens: Int) -> Bool = { _ in false }
    ) {
        self.shape = shape
        self.scheme = scheme
        self.isHalf = isHalf
        self.packsFirst = packsFirst
        keys = Side(scheme: scheme?.key)
        values = Side(scheme: scheme?.value)
    }

    var length: Int { keys.rows.count }
    private var width: Int { shape.kvHeads * shape.headDim }

    private func rounded(_ row: [Float]) -> [Float] {
        isHalf ? HalfConversion.toFloat(HalfConversion.toHalf(row)) : row
    }

    mutating func append(_ newKeys: [[Float]], _ newValues: [[Float]], settles: Bool = true) throws {
        keys.rows += newKeys.map { rounded($0) }
        values.rows += newValues.map { rounded($0) }
        if settles && packsFirst(newKeys.count) { try settle() }
    }

    mutating func settle() throws {
        try settle(&keys, .key)
        try settle(&values, .value)
    }

    private func settle(_ side: inout Side, _ which: CacheSide) throws {
        guard let scheme, let own = side.scheme else { return }
        var end = scheme.window.quantizedRange(of: which, tokens: side.rows.count).upperBound
        if own.scaleSharing == .perChannel, case .elements(let group) = own.groupSize { end -= end % group }
        guard end > side.packed else { return }
        let range = side.packed..<end, channels = shape.headDim
        for head in 0..<shape.kvHeads {
            let values = range.flatMap { side.rows[$0][head * channels..<(head + 1) * channels] }
            let block = KVBlock(heads: 1, tokens: range.count, channels: channels, values: values)
            let decoded = try own.decode(own.encode(block)).elements
            for (index, token) in range.enumerated() {
                side.rows[token].replaceSubrange(
                    head * channels..<(head + 1) * channels,
                    with: decoded[index * channels..<(index + 1) * channels]
                )
            }
        }
        side.packed = end
    }

    mutating func truncate(to length: Int) {
        truncate(&keys, to: length)
        truncate(&values, to: length)
    }

    private func truncate(_ side: inout Side, to length: Int) {
        guard length < side.rows.count else { return }
        side.rows.removeLast(side.rows.count - length)
        guard length < side.packed else { return }
        side.packed = length
        guard let own = side.scheme, own.scaleSharing == .perChannel, case .elements(let group) = own.groupSize else {
            return
        }
        // What is left of a cut group goes back to the window, in float16.
        side.packed = length - length % group
        for token in side.packed..<length { side.rows[token] = rounded(side.rows[token]) }
    }

    /// `[row, head, channel]` of the last rows, each over its own token and those before it, at most `window` in all.
    func attend(_ queries: [Float], rows: Int, window: Int? = nil) -> [Double] {
        let channels = shape.headDim, factor = 1 / Double(channels).squareRoot()
        var output: [Double] = []
        for row in 0..<rows {
            let end = length - rows + row + 1, visible = max(0, end - (window ?? end))..<end
            for head in 0..<shape.heads {
                let first = head / shape.queriesPerHead * channels
                let query = (row * shape.heads + head) * channels
                let scores = visible.map { token in
                    let key = keys.rows[token]
                    return (0..<channels).reduce(0.0) {
                        $0 + Double(queries[query + $1]) * Double(key[first + $1])
                    } * factor
                }
                let largest = scores.max() ?? 0
                let weights = scores.map { exp($0 - largest) }
                let total = weights.reduce(0, +)
                var sums = [Double](repeating: 0, count: channels)
                for (token, weight) in zip(visible, weights) {
                    let value = values.rows[token]
                    for channel in 0..<channels { sums[channel] += weight * Double(value[first + channel]) }
                }
                output += sums.map { $0 / total }
            }
        }
        return output
    }
}
