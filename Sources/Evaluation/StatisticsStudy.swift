import Capture
import Inference
import Kernels
import Statistics
import TensorCore

/// How the elements of a capture are distributed: per channel, token, head and layer, and which channels stand out.
///
/// All sequences of the capture are taken together. Channels, heads and layers
/// come from one pass. Tokens need a second look at their layer, since some of
/// their statistics compare with the layer's whole tensor.
public enum StatisticsStudy {
    /// Counters of the tensors that are walked side by side.
    private static let groupBudgetBytes = 64 << 20

    /// The tables `statistics-<grain>` in the order of `settings.grains`, then `outlier-channels`.
    ///
    /// Numbers are the same bit for bit for any number of threads and any `slabBytes`.
    ///
    /// - Parameter progress: called with the share that is done, from 0 to 1.
    /// - Throws: `StatisticsStudyError` for settings without a meaning; `CaptureError` for tensors that are not
    ///   there and from reading.
    /// - Complexity: time O(elements); memory 64 MB of counters, one slab for each tensor walked at a time, and
    ///   the rows of the tables.
    public static func run(
        _ capture: CaptureFile,
        settings: StatisticsStudySettings = StatisticsStudySettings(),
        progress: (Double) throws -> Void = { _ in }
    ) throws -> [Table] {
        let grains = settings.grains.reduce(into: [Grain]()) { if !$0.contains($1) { $0.append($1) } }
        var tables = grains.map { StatisticsTable.empty($0) } + [OutlierChannelTable.empty()]
        try run(capture, settings: settings, progress: progress) { rows, name in
            guard let index = tables.firstIndex(where: { $0.name == name }) else { return }
            rows.forEach { tables[index].append($0) }
        }
        return tables
    }

    /// Hands out rows as they are known, so that no table need be held whole.
    ///
    /// - Parameter emit: takes rows of the table named, in its order: by layer, then tensor, then place.
    public static func run(
        _ capture: CaptureFile,
        settings: StatisticsStudySettings,
        progress: (Double) throws -> Void,
        emit: (_ rows: [[Table.Value]], _ table: String) throws -> Void
    ) throws {
        guard settings.slabBytes > 0 else { throw StatisticsStudyError.slabBytes(settings.slabBytes) }
        let tensors = try chosenTensors(of: capture, layers: settings.layers, tensors: settings.tensors).map {
            StatisticsStudyTensor(capture, layer: $0.layer, tensor: $0.tensor, slabBytes: settings.slabBytes)
        }
        let passes = settings.grains.contains(.token) ? 2 : 1
        let total = Double(tensors.reduce(0) { $0 + $1.slabCount } * passes)
        var done = 0
        for group in groups(tensors) {
            let summaries = try summarize(group) { slabs in
                done += slabs
                try progress(Double(done) / total)
            }
            for (tensor, summary) in zip(group, summaries) {
                try emitRows(of: tensor, summary, settings.grains, emit) {
                    done += 1
                    try progress(Double(done) / total)
                }
            }
        }
    }

    /// Walks some tensors side by side, a slab of each at a time.
    private static func summarize(
        _ group: [StatisticsStudyTensor],
        step: (Int) throws -> Void
    ) throws -> [TensorSummary] {
        var accumulators = group.map { TensorAccumulator(heads: $0.heads, headDim: $0.headDim) }
        for slab in 0..<(group.map { $0.slabCount }.max() ?? 0) {
            let active = group.indices.filter { slab < group[$0].slabCount }
            try accumulators.withUnsafeMutableBufferPointer { accumulators in
                // Each index touches its own accumulator only.
                nonisolated(unsafe) let accumulators = accumulators
                try Parallel.forEach(active.count) { place in
                    let index = active[place]
                    try group[index].read(slab: slab, into: &accumulators[index])
                }
            }
            try step(active.count)
        }
        return accumulators.map { $0.finish() }
    }

    private static func emitRows(
        of tensor: StatisticsStudyTensor,
        _ summary: TensorSummary,
        _ grains: [Grain],
        _ emit: (_ rows: [[Table.Value]], _ table: String) throws -> Void,
        tokenStep: () throws -> Void
    ) throws {
        let (layer, name) = (tensor.layer, tensor.tensor.rawValue)
        for grain in Grain.allCases where grains.contains(grain) && grain != .token {
            let rows = StatisticsTable.rows(grain, of: summary, layer: layer, tensor: name)
            try emit(rows, "statistics-\(grain.rawValue)")
        }
        try emit(OutlierChannelTable.rows(of: summary, layer: layer, tensor: name), "outlier-channels")
        guard grains.contains(.token) else { return }
        for slab in 0..<tensor.slabCount {
            try emit(try tensor.tokenRows(slab: slab, context: summary.context), "statistics-token")
            try tokenStep()
        }
    }

    /// Neighbouring tensors whose counters fit the budget together; at least one each.
    private static func groups(_ tensors: [StatisticsStudyTensor]) -> [[StatisticsStudyTensor]] {
        var groups: [[StatisticsStudyTensor]] = []
        var room = 0
        for tensor in tensors {
            let bytes =
                tensor.heads * tensor.headDim * TensorAccumulator.bytesPerChannel(tokens: tensor.capture.tokenCount)
            if groups.isEmpty || bytes > room {
                groups.append([])
                room = groupBudgetBytes
            }
            groups[groups.count - 1].append(tensor)
            room -= bytes
        }
        return groups
    }
}
