import Capture
import Foundation
import HDF5
import Inference
import Statistics
import TensorCore

/// Statistics as arrays in an HDF5 file, for those who work with xarray or h5py.
///
///     /                                  attributes: format, format_version, source, model, tokens
///     /layer /kv_head /head /channel     coordinates of the axes
///     /statistics/channel/key/mean       float64 [layer, kv_head, channel], attributes: definition, units
///     /statistics/head/query/mean        float64 [layer, head]
///     /statistics/layer/value/mean       float64 [layer]
///     /bin                               coordinates; /bin_lower and /bin_upper have the edges
///     /histogram/channel/key             int32 [layer, kv_head, channel, bin], if histograms are asked for
///     /histogram/head/query              int32 [layer, head, bin]
///     /histogram/layer/value             int32 [layer, bin]
///
/// A statistic without a value is NaN, and so is a layer that lacks the tensor; its histograms count nothing.
public final class StatisticsArchive {
    static let format = "kvatlas-statistics"

    private let path: String
    private let partial: String
    private let file: File
    private let capture: CaptureFile
    private let layers: [Int]
    private var scales: [String: DimensionScale] = [:]
    private var histograms: [String: Histogram] = [:]
    private var isFinished = false

    /// A dataset that grows with the layers.
    private struct Histogram {
        let dataset: Dataset
        let rowElements: Int
        var rows = 0
    }

    /// Begins a file beside `path`, which gets its name when it is finished.
    ///
    /// - Parameter layers: that will be described, rising.
    /// - Throws: `HDF5Error`.
    public init(of capture: CaptureFile, layers: [Int], at path: String) throws {
        (self.path, self.capture, self.layers) = (path, capture, layers)
        partial = path + ".partial"
        file = try File.create(at: partial, overwrite: true)
        let root = try file.root
        try root.attributes.write("format", .string(Self.format))
        try root.attributes.write("format_version", .integer(1))
        try root.attributes.write("source", .string(URL(fileURLWithPath: capture.path).lastPathComponent))
        try root.attributes.write("model", .string(capture.metadata.name))
        try root.attributes.write("tokens", .integer(capture.tokenCount))
        scales["layer"] = try root.createDimensionScale("layer", coordinates: layers, storage: Self.whole)
        for (name, count) in counts.sorted(by: { $0.key < $1.key }) {
            scales[name] = try root.createDimensionScale(name, count: count, storage: Self.whole)
        }
    }

    deinit {
        guard !isFinished else { return }
        (histograms, scales) = ([:], [:])
        try? file.close()
        unlink(partial)
    }

    /// Writes the tables `statistics-channel`, `statistics-head` and `statistics-layer`, as far as they are there.
    ///
    /// - Parameter path: replaced if it exists, once all is written.
    /// - Throws: `HDF5Error`; `path` is then as it was.
    /// - Complexity: O(rows · statistics).
    public static func write(_ tables: [Table], of capture: CaptureFile, to path: String) throws {
        let layers = Set(tables.flatMap { $0.rowViews.compactMap { $0.integer("layer") } }).sorted()
        try StatisticsArchive(of: capture, layers: layers, at: path).finish(tables)
    }

    /// Adds the histograms of one tensor of one layer, of its channels, heads and of all of it.
    ///
    /// Layers of a tensor are added in rising order.
    ///
    /// - Throws: `HDF5Error`.
    /// - Complexity: O(channels · bins) in time and memory.
    public func append(_ summary: TensorSummary, layer: Int, tensor: CapturedTensor) throws {
        guard let place = layers.firstIndex(of: layer), summary.heads > 0, summary.headDim > 0 else { return }
        for grain in [Grain.channel, .head, .layer] {
            let ranges: [Range<Int>]
            switch grain {
            case .channel: ranges = (0..<summary.heads * summary.headDim).map { $0..<$0 + 1 }
            case .head: ranges = (0..<summary.heads).map { $0 * summary.headDim..<($0 + 1) * summary.headDim }
            case .layer, .token: ranges = [0..<summary.heads * summary.headDim]
            }
            let axes = Self.axes(grain, tensor) + ["bin"], key = "\(grain.rawValue)/\(tensor.rawValue)"
            var histogram = try histograms[key] ?? makeHistogram(grain, tensor, axes)
            try fill(&histogram, to: place)
            let row = ranges.flatMap { summary.histogram(ofChannels: $0).map { Int32(clamping: $0) } }
            try Self.append(row, to: &histogram)
            histograms[key] = histogram
        }
    }

    /// Adds the tables and gives the file its name.
    ///
    /// - Throws: `HDF5Error`; `path` is then as it was.
    public func finish(_ tables: [Table]) throws {
        for key in histograms.keys.sorted() {
            guard var histogram = histograms[key] else { continue }
            try fill(&histogram, to: layers.count)
        }
        // Below the root, since the axes have names of grains.
        let statistics = try file.root.createGroup("statistics")
        for grain in Grain.allCases where grain != .token {
            guard let table = tables.first(where: { $0.name == "statistics-\(grain.rawValue)" }) else { continue }
            let group = try statistics.createGroup(grain.rawValue)
            let tensors = Set(table.rowViews.compactMap { $0.string("tensor") })
            for tensor in CapturedTensor.allCases where tensors.contains(tensor.rawValue) {
                try write(table, grain, tensor, to: try group.createGroup(tensor.rawValue))
            }
        }
        // A file is closed when nothing in it is open.
        (histograms, scales) = ([:], [:])
        try file.close()
        guard rename(partial, path) == 0 else {
            let reason = String(cString: strerror(errno))
            throw HDF5Error(code: .other, action: "give its name to", path: path, object: nil, reason: reason)
        }
        isFinished = true
    }

    // MARK: - Axes

    private static let whole = Storage(checksum: false)

    private var counts: [String: Int] {
        let metadata = capture.metadata
        return ["kv_head": metadata.kvHeads, "head": metadata.heads, "channel": metadata.headDim]
    }

    private static func axes(_ grain: Grain, _ tensor: CapturedTensor) -> [String] {
        let head = tensor == .query ? "head" : "kv_head"
        return switch grain {
        case .channel: ["layer", head, "channel"]
        case .head: ["layer", head]
        case .layer, .token: ["layer"]
        }
    }

    private func attach(_ axes: [String], to dataset: Dataset) throws {
        for (axis, name) in axes.enumerated() {
            guard let scale = scales[name] else { continue }
            try dataset.attach(scale, axis: axis)
        }
    }

    // MARK: - Histograms

    private func makeHistogram(_ grain: Grain, _ tensor: CapturedTensor, _ axes: [String]) throws -> Histogram {
        let root = try file.root, bins = HistogramBins.count
        if scales["bin"] == nil {
            let scale = try root.createDimensionScale("bin", count: bins, storage: Self.whole)
            scales["bin"] = scale
            for (name, edges, which) in [
                ("bin_lower", HistogramBins.edges.dropLast(), "Lower"),
                ("bin_upper", HistogramBins.edges.dropFirst(), "Upper"),
            ] {
                let dataset = try root.createDataset(name, .float64, shape: [bins], storage: Self.whole)
                try dataset.write(Array(edges))
                let definition = "\(which) edge of each bin; the first bin and the last are open outwards."
                try dataset.attributes.write("definition", .string(definition))
                try dataset.attach(scale, axis: 0)
            }
        }
        let all = try root.contains("histogram") ? root.group("histogram") : root.createGroup("histogram")
        let group = try all.contains(grain.rawValue) ? all.group(grain.rawValue) : all.createGroup(grain.rawValue)
        let sizes = axes.dropFirst().map { $0 == "bin" ? bins : counts[$0] ?? 0 }
        // Most bins of most channels are empty.
        let storage = Storage(chunkRows: 1, checksum: false, deflateLevel: 1)
        let dataset = try group.createDataset(tensor.rawValue, .int32, shape: [0] + sizes, storage: storage)
        try dataset.attributes.write("definition", .string(HistogramBins.definition))
        try dataset.attributes.write("units", .string("element"))
        try attach(axes, to: dataset)
        return Histogram(dataset: dataset, rowElements: sizes.reduce(1, *))
    }

    private static func append(_ row: [Int32], to histogram: inout Histogram) throws {
        try row.withUnsafeBytes {
            guard let base = $0.baseAddress else { return }
            try histogram.dataset.append(1, rows: base, as: .int32)
        }
        histogram.rows += 1
    }

    /// Empty rows of layers that lack the tensor.
    private func fill(_ histogram: inout Histogram, to rows: Int) throws {
        while histogram.rows < rows {
            try Self.append([Int32](repeating: 0, count: histogram.rowElements), to: &histogram)
        }
    }

    // MARK: - Numbers

    private func write(_ table: Table, _ grain: Grain, _ tensor: CapturedTensor, to group: Group) throws {
        let axes = Self.axes(grain, tensor)
        let shape = axes.map { $0 == "layer" ? layers.count : counts[$0] ?? 0 }
        let placeOfLayer = Dictionary(uniqueKeysWithValues: layers.enumerated().map { ($1, $0) })
        let rows = table.rowViews.filter { $0.string("tensor") == tensor.rawValue }
        let places = rows.map { row in
            let columns = ["layer", "head", "channel"].prefix(axes.count)
            return zip(columns, shape).reduce(0) { place, axis in
                let number = row.integer(axis.0) ?? 0
                return place * axis.1 + (axis.0 == "layer" ? placeOfLayer[number] ?? 0 : number)
            }
        }
        for statistic in StatisticCatalogue.statistics(for: grain) {
            var numbers = [Double](repeating: .nan, count: shape.reduce(1, *))
            for (row, place) in zip(rows, places) { numbers[place] = row.number(statistic.id) ?? .nan }
            let dataset = try group.createDataset(statistic.id, .float64, shape: shape, storage: Self.whole)
            try dataset.write(numbers)
            try dataset.attributes.write("definition", .string(statistic.definition))
            try dataset.attributes.write("units", .string(statistic.unit.isEmpty ? "1" : statistic.unit))
            try attach(axes, to: dataset)
        }
    }
}
