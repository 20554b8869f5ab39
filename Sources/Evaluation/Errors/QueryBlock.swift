import Kernels
import TensorCore

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Scratch for one block of attention, row-major float32; freed with its last reference.
final class Matrix {
    let rows: Int
    let columns: Int
    let elements: UnsafeMutablePointer<Float>

    init(rows: Int, columns: Int) {
        self.rows = rows
        self.columns = columns
        elements = .allocate(capacity: max(1, rows * columns))
    }

    deinit { elements.deallocate() }

    func row(_ index: Int) -> UnsafeMutablePointer<Float> { elements + index * columns }
}

/// One head `[token, channel]` of a tensor `[kv_head, token, channel]`.
struct HeadView {
    let tensor: Tensor
    let offset: Int

    init(_ tensor: Tensor, head: Int) {
        self.tensor = tensor
        offset = head * (tensor.layout.stride(of: .kvHead) ?? 0)
    }

    func withElements(_ body: (UnsafePointer<Float>) -> Void) {
        tensor.elements.withUnsafeBufferPointer { elements in
            if let base = elements.baseAddress { body(base + offset) }
        }
    }
}

/// Queries of all heads that share a key/value head, at some positions: `[head of the group · position, channel]`.
struct QueryBlock {
    /// How the queries' layer attends.
    struct Reach {
        /// Factor on scores; 1/√D if there is none.
        var scale: Float?
        /// Tokens that a query sees, its own among them; all before it if there is none.
        var window: Int?
        /// Scaled scores s become softcap·tanh(s / softcap) if there is one.
        var softcap: Float?
    }

    let positions: [Int]
    let reach: Reach
    /// Query heads stacked.
    let group: Int
    let channels: Int
    /// Keys that the last position sees.
    let keyCount: Int
    private let queries: Matrix

    var rows: Int { group * positions.count }

    init(sample: LayerSample, kvHead: Int, positions: [Int], keyCount: Int) {
        self.init(
            positions: positions,
            rows: positions,
            of: sample.query,
            heads: sample.heads,
            firstHead: kvHead * sample.queriesPerHead,
            group: sample.queriesPerHead,
            channels: sample.key.channels,
            keyCount: keyCount,
            reach: sample.reach
        )
    }

    /// From queries of sampled positions only, `[sampled position, head, channel]`.
    ///
    /// - Parameter places: those of `positions` among the sampled ones.
    init(
        gathered queries: [UInt16],
        places: Range<Int>,
        positions: [Int],
        heads: Int,
        firstHead: Int,
        group: Int,
        channels: Int,
        reach: Reach
    ) {
        self.init(
            positions: positions,
            rows: Array(places),
            of: queries,
            heads: heads,
            firstHead: firstHead,
            group: group,
            channels: channels,
            keyCount: (positions.last ?? -1) + 1,
            reach: reach
        )
    }

    /// - Parameter rows: of each position, where its heads lie in `source`, `[row, head, channel]`.
    private init(
        positions: [Int],
        rows: [Int],
        of source: [UInt16],
        heads: Int,
        firstHead: Int,
        group: Int,
        channels: Int,
        keyCount: Int,
        reach: Reach
    ) {
        self.positions = positions
        self.reach = reach
        self.keyCount = keyCount
        self.group = group
        self.channels = channels
        queries = Matrix(rows: group * positions.count, columns: channels)
        source.withUnsafeBufferPointer { bits in
            guard let base = bits.baseAddress else { return }
            for head in 0..<group {
                for (place, row) in rows.enumerated() {
                    let source = base + (row * heads + firstHead + head) * channels
                    HalfConversion.toFloat(source, queries.row(head * positions.count + place), count: channels)
                }
            }
        }
    }

    /// `softmax(q · Kᵀ / √D)`, each row over the keys that it sees, up to its position, zero for others; with the scale
    /// and cap of the layer's reach.
    func attend(to keys: HeadView, into weights: Matrix) {
        keys.withElements { keys in
            DenseMatrix.multiply(
                rows: rows,
                columns: keyCount,
                inner: channels,
                alpha: reach.scale ?? 1 / Float(channels).squareRoot(),
                queries.elements,
                stride: channels,
                keys,
                stride: channels,
                transposed: true,
                into: weights.elements,
                stride: keyCount
            )
        }
        for row in 0..<rows {
            let visible = visibleKeys(row), scores = weights.row(row)
            if let cap = reach.softcap {
                for key in visible { scores[key] = cap * tanhf(scores[key] / cap) }
            }
            VectorMath.softmax(scores + visible.lowerBound, count: visible.count)
            scores.update(repeating: 0, count: visible.lowerBound)
            (scores + visible.upperBound).update(repeating: 0, count: keyCount - visible.upperBound)
        }
    }

    /// `A · V`.
    func weigh(_ values: HeadView, by weights: Matrix, into output: Matrix) {
        values.withElements { values in
            DenseMatrix.multiply(
                rows: rows,
                columns: channels,
                inner: keyCount,
                weights.elements,
                stride: keyCount,
                values,
                stride: channels,
                into: output.elements,
                stride: channels
            )
        }
    }

    /// Weights of visible keys, for each query head of the group.
    func compareWeights(_ weights: Matrix, with exact: Matrix) -> [Deviation] {
        (0..<group).map { head in
            var deviation = Deviation()
            for row in head * positions.count..<(head + 1) * positions.count {
                let visible = visibleKeys(row)
                deviation.compare(
                    reference: exact.row(row) + visible.lowerBound,
                    approximation: weights.row(row) + visible.lowerBound,
                    count: visible.count,
                    floor: ScoreRelativeError.floor
                )
            }
            return deviation
        }
    }

    /// Outputs, for each query head of the group.
    func compareOutput(_ output: Matrix, with exact: Matrix) -> [Deviation] {
        (0..<group).map { head in
            var deviation = Deviation()
            let row = head * positions.count
            deviation.compare(
                reference: exact.row(row),
                approximation: output.row(row),
                count: positions.count * channels
            )
            return deviation
        }
    }

    /// Counts the exact weights of one query head that are negligible beside their row's largest.
    func sparsity(of weights: Matrix, queryHead: Int) -> Deviation {
        var deviation = Deviation()
        for row in queryHead * positions.count..<(queryHead + 1) * positions.count {
            let keys = visibleKeys(row)
            let visible = UnsafeBufferPointer(start: weights.row(row) + keys.lowerBound, count: keys.count)
            // A row that holds a NaN says nothing about sparsity.
            guard let largest = visible.max(), visible.allSatisfy({ $0.isFinite }) else { continue }
            let threshold = AttentionSparsity.threshold * largest
            deviation.elements += visible.count
            for weight in visible where weight < threshold { deviation.negligible += 1 }
        }
        return deviation
    }

    /// Keys that a row's query sees: up to its own, within the window.
    func visibleKeys(_ row: Int) -> Range<Int> {
        let end = positions[row % positions.count] + 1
        return max(0, end - (reach.window ?? end))..<end
    }
}
