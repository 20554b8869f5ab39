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
///
/// A statistic without a value is NaN, and so is a layer that lacks the tensor.
public enum StatisticsArchive {
    static let format = "kvatlas-statistics"

    /// Writes the tables `statistics-channel`, `statistics-head` and `statistics-layer`, as far as they are there.
    ///
    /// - Parameter path: replaced if it exists, once all is written.
    /// - Throws: `HDF5Error`; `path` is then as it was.
    /// - Complexity: O(rows · statistics).
    public static func write(_ tables: [Table], of capture: CaptureFile, to path: String) throws {
        let partial = path + ".partial"
        do {
            let file = try File.create(at: partial, overwrite: true)
            try write(tables, of: capture, to: file)
            try file.close()
        } catch {
            unlink(partial)
            throw error
        }
        guard rename(partial, path) == 0 else {
            let reason = String(cString: strerror(errno))
            unlink(partial)
            throw HDF5Error(code: .other, action: "give its name to", path: path, object: nil, reason: reason)
        }
    }

    private static func write(_ tables: [Table], of capture: CaptureFile, to file: File) throws {
        let root = try file.root
        try root.attributes.write("format", .string(format))
        try root.attributes.write("format_version", .integer(1))
        try root.attributes.write("source", .string(URL(fileURLWithPath: capture.path).lastPathComponent))
        try root.attributes.write("model", .string(capture.metadata.name))
        try root.attributes.write("tokens", .integer(capture.tokenCount))
        let chosen = Grain.allCases.compactMap { grain in
            grain == .token ? nil : tables.first { $0.name == "statistics-\(grain.rawValue)" }.map { (grain, $0) }
        }
        let layers = Set(chosen.flatMap { $0.1.rowViews.compactMap { $0.integer("layer") } }).sorted()
        let counts = [
            "kv_head": capture.metadata.kvHeads, "head": capture.metadata.heads, "channel": capture.metadata.headDim,
        ]
        let whole = Storage(checksum: false)
        var scales = ["layer": try root.createDimensionScale("layer", coordinates: layers, storage: whole)]
        for (name, count) in counts.sorted(by: { $0.key < $1.key }) {
            scales[name] = try root.createDimensionScale(name, count: count, storage: whole)
        }
        // Below the root, since the axes have names of grains.
        let statistics = try root.createGroup("statistics")
        for (grain, table) in chosen {
            let group = try statistics.createGroup(grain.rawValue)
            let tensors = Set(table.rowViews.compactMap { $0.string("tensor") })
            for tensor in CapturedTensor.allCases where tensors.contains(tensor.rawValue) {
                try write(
                    table,
                    grain,
                    tensor,
                    axes: axes(grain, tensor),
                    layers: layers,
                    counts: counts,
                    scales: scales,
                    to: try group.createGroup(tensor.rawValue)
                )
            }
        }
    }

    private static func axes(_ grain: Grain, _ tensor: CapturedTensor) -> [String] {
        let head = tensor == .query ? "head" : "kv_head"
        return switch grain {
        case .channel: ["layer", head, "channel"]
        case .head: ["layer", head]
        case .layer, .token: ["layer"]
        }
    }

    private static func write(
        _ table: Table,
        _ grain: Grain,
        _ tensor: CapturedTensor,
        axes: [String],
        layers: [Int],
        counts: [String: Int],
        scales: [String: DimensionScale],
        to group: Group
    ) throws {
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
            let storage = Storage(checksum: false)
            let dataset = try group.createDataset(statistic.id, .float64, shape: shape, storage: storage)
            try dataset.write(numbers)
            try dataset.attributes.write("definition", .string(statistic.definition))
            try dataset.attributes.write("units", .string(statistic.unit.isEmpty ? "1" : statistic.unit))
            for (axis, name) in axes.enumerated() {
                guard let scale = scales[name] else { continue }
                try dataset.attach(scale, axis: axis)
            }
        }
    }
}
