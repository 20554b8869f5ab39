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
    /// Sampled rows and counters of the tensors that are walked side by side.
    private static let memoryBudget = 96 << 20
    /// Parts walked between two looks at the progress: a quarter of a second or so.
    private static let partsOfWave = 128

    /// The tables `statistics-<grain>` in the order of `settings.grains`, then `outlier-channels`, and `histogram` if
    /// it is asked for.
    ///
    /// Numbers are the same bit for bit for any number of threads and any `slabBytes`.
    ///
    /// - Parameters:
    ///   - archive: takes the histograms of channels, heads and layers, if `settings` ask for them.
    ///   - progress: called with the share that is done, from 0 to 1.
    /// - Throws: `StatisticsStudyError` for settings without a meaning; `CaptureError` for tensors that are not
    ///   there and from reading.
    /// - Complexity: time O(elements); memory 96 MB of counters and sampled rows (more only if one tensor has more
    ///   than 4,000 channels: 24 KB for each), a chunk of the file for each thread, and the rows of the tables.
    public static func run(
        _ capture: CaptureFile,
        settings: StatisticsStudySettings = StatisticsStudySettings(),
        archive: StatisticsArchive? = nil,
        progress: (Double) throws -> Void = { _ in }
    ) throws -> [Table] {
        let grains = settings.grains.reduce(into: [Grain]()) { if !$0.contains($1) { $0.append($1) } }
        var tables = grains.map { StatisticsTable.empty($0) } + [OutlierChannelTable.empty()]
        if settings.histogram { tables.append(HistogramTable.empty()) }
        try run(capture, settings: settings, archive: archive, progress: progress) { rows, name in
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
        archive: StatisticsArchive? = nil,
        progress: (Double) throws -> Void,
        emit: (_ rows: [[Table.Value]], _ table: String) throws -> Void
    ) throws {
        guard settings.slabBytes > 0 else { throw StatisticsStudyError.slabBytes(settings.slabBytes) }
        let tensors = try chosenTensors(of: capture, layers: settings.layers, tensors: settings.tensors).map {
            try StatisticsStudyTensor(capture, layer: $0.layer, tensor: $0.tensor, slabBytes: settings.slabBytes)
        }
        let passes = settings.grains.contains(.token) ? 2 : 1
        let total = Double(max(1, tensors.reduce(0) { $0 + $1.parts.count } * passes))
        var done = 0
        func advance(_ parts: Int) throws {
            done += parts
            try progress(Double(done) / total)
        }
        var unfinished: [Int: StatisticsStudyProgress] = [:]
        for wave in waves(tensors) {
            for part in wave where unfinished[part.tensor] == nil {
                unfinished[part.tensor] = StatisticsStudyProgress(tensors[part.tensor])
            }
            let begun = unfinished
            try Parallel.forEach(wave.count) { place in
                let part = wave[place]
                let found = try tensors[part.tensor].accumulate(part.tokens)
                begun[part.tensor]?.merge(found)
            }
            for (index, place) in wave.enumerated()
            where index + 1 == wave.count || wave[index + 1].tensor != place.tensor {
                let tensor = tensors[place.tensor]
                guard place.tokens.upperBound == capture.tokenCount else { continue }
                guard let summary = unfinished.removeValue(forKey: place.tensor)?.finish() else { continue }
                if settings.histogram {
                    try archive?.append(summary, layer: tensor.layer, tensor: tensor.tensor)
                }
                try emitRows(of: tensor, summary, settings, emit, tokenStep: { try advance(1) })
            }
            try advance(wave.count)
        }
    }

    private typealias Part = (tensor: Int, tokens: Range<Int>)

    /// The parts of all tensors in their order, cut so that the tensors of each wave fit the memory together.
    private static func waves(_ tensors: [StatisticsStudyTensor]) -> [[Part]] {
        var waves: [[Part]] = []
        var room = 0
        for (index, tensor) in tensors.enumerated() {
            var isNew = true
            for tokens in tensor.parts {
                if waves.isEmpty || waves[waves.count - 1].count == partsOfWave || (isNew && tensor.bytes > room) {
                    waves.append([])
                    room = memoryBudget
                    isNew = true
                }
                if isNew { room -= tensor.bytes }
                isNew = false
                waves[waves.count - 1].append((index, tokens))
            }
        }
        return waves
    }

    private static func emitRows(
        of tensor: StatisticsStudyTensor,
        _ summary: TensorSummary,
        _ settings: StatisticsStudySettings,
        _ emit: (_ rows: [[Table.Value]], _ table: String) throws -> Void,
        tokenStep: () throws -> Void
    ) throws {
        let (layer, name) = (tensor.layer, tensor.tensor.rawValue)
        for grain in Grain.allCases where settings.grains.contains(grain) && grain != .token {
            let rows = StatisticsTable.rows(grain, of: summary, layer: layer, tensor: name)
            try emit(rows, "statistics-\(grain.rawValue)")
        }
        try emit(OutlierChannelTable.rows(of: summary, layer: layer, tensor: name), "outlier-channels")
        if settings.histogram { try emit(HistogramTable.rows(of: summary, layer: layer, tensor: name), "histogram") }
        guard settings.grains.contains(.token) else { return }
        for part in tensor.parts {
            try tensor.forEachTokenRows(of: part, context: summary.context) { try emit($0, "statistics-token") }
            try tokenStep()
        }
    }
}
