import Capture
import Evaluation
import Foundation
import HDF5
import Inference
import Kernels
import Statistics
import TensorCore
import Testing

/// Captures that are strange, long or not whole.
@Suite struct StatisticsInputTests {
    private let folder: CaptureFolder

    init() throws { folder = try CaptureFolder() }

    private func tables(_ synthetic: SyntheticCapture, _ settings: StatisticsStudySettings) throws -> [Table] {
        try StatisticsStudy.run(try folder.open(synthetic), settings: settings)
    }

    private func only(_ name: String, _ tables: [Table]) throws -> Table {
        try #require(tables.first { $0.name == name })
    }

    @Test func nonfiniteElementsAreCountedAtEveryGrain() throws {
        var synthetic = SyntheticCapture(layers: 1, kvHeads: 2, headDim: 8, sequenceLengths: [40], tensors: [.key])
        synthetic.outliers = [
            .init(.key, head: 0, channel: 3, factor: .nan), .init(.key, head: 1, channel: 5, factor: .infinity),
        ]
        let found = try tables(synthetic, StatisticsStudySettings(grains: Grain.allCases))
        for (grain, rows) in [(Grain.channel, 16), (.token, 80), (.head, 2), (.layer, 1)] {
            let table = try only("statistics-\(grain.rawValue)", found)
            #expect(table.rows.count == rows)
            #expect(table.rowViews.reduce(0) { $0 + ($1.integer("nonfinite") ?? 0) } == 80, "\(grain)")
            #expect(table.rowViews.reduce(0) { $0 + ($1.integer("not_a_number") ?? 0) } == 40, "\(grain)")
            #expect(table.rowViews.reduce(0) { $0 + ($1.integer("count") ?? 0) } == 40 * 14, "\(grain)")
        }
        let channel = try only("statistics-channel", found).filter { $0.integer("count") == 0 }
        #expect(channel.rows.count == 2)
        for name in ["minimum", "mean", "quantile_50", "norm", "skewness", "share_at_least_6"] {
            #expect(channel.rowViews.allSatisfy { $0[name] == .missing }, "\(name)")
        }
    }

    @Test func oneTokenOneChannelAndConstantsAreDescribed() throws {
        var synthetic = SyntheticCapture(layers: 1, heads: 1, kvHeads: 1, headDim: 1, sequenceLengths: [1])
        synthetic.outliers = [.init(.value, head: 0, channel: 0, factor: 0)]
        let found = try tables(synthetic, StatisticsStudySettings(grains: Grain.allCases, histogram: true))
        for grain in Grain.allCases {
            let table = try only("statistics-\(grain.rawValue)", found)
            #expect(table.rows.count == 3)
            for row in table.rowViews {
                #expect(row.integer("count") == 1 && row.number("standard_deviation") == 0)
                #expect(row["excess_kurtosis"] == .missing && row["skewness"] == .missing)
                #expect(row.number("quantile_50") == row.number("mean"))
                #expect(isNear(row.number("norm"), row.number("absolute_maximum")))
            }
        }
        #expect(try only("histogram", found).rows.count == 3)
        let value = try only("statistics-layer", found).filter { $0.string("tensor") == "value" }
        #expect(value[0, "absolute_maximum"] == .number(0) && value[0, "range_to_median_channel"] == .missing)
    }

    private func isNear(_ a: Double?, _ b: Double?) -> Bool {
        guard let a, let b else { return a == nil && b == nil }
        return abs(a - b) <= 1e-12 * abs(b)
    }

    /// 20,000 tokens are two parts and five blocks, and more than a sample.
    @Test func aLongCaptureGivesTheSameBitsForAnyThreads() throws {
        let generated = GeneratedCapture(layers: 2, heads: 2, kvHeads: 1, headDim: 20, tokens: 20_000)
        let path = folder.url.appending(path: "long.h5").path
        try generated.write(to: path)
        let capture = try CaptureFile(path: path)
        let settings = StatisticsStudySettings(grains: [.channel, .head, .layer], histogram: true)
        let before = Parallel.threadCount
        defer { Parallel.threadCount = before }
        Parallel.threadCount = 1
        let alone = try StatisticsStudy.run(capture, settings: settings)
        for threads in [2, 5] {
            Parallel.threadCount = threads
            #expect(try StatisticsStudy.run(capture, settings: settings) == alone, "\(threads) threads")
        }
        let row = try only("statistics-channel", alone).rowViews[27]
        #expect(row.integer("layer") == 0 && row.string("tensor") == "value" && row.integer("channel") == 7)
        #expect(row.integer("quantile_elements") == TokenSample.size && row.integer("count") == 20_000)
        let halves = try capture.readHalf(.value, layer: 0, tokens: 0..<20_000)
        let column = (0..<20_000).map { Double(Float(Float16(bitPattern: halves[$0 * 20 + 7]))) }
        let mean = column.reduce(0, +) / 20_000
        let second = column.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 20_000
        let fourth = column.reduce(0) { $0 + ($1 - mean) * ($1 - mean) * ($1 - mean) * ($1 - mean) } / 20_000
        #expect(abs(try #require(row.number("mean")) - mean) < 1e-6 * second.squareRoot())
        #expect(abs(try #require(row.number("standard_deviation")) / second.squareRoot() - 1) < 1e-6)
        #expect(abs(try #require(row.number("excess_kurtosis")) - (fourth / (second * second) - 3)) < 1e-6 * 3)
        #expect(row.number("minimum") == column.min() && row.number("maximum") == column.max())
        // The rank error of one quantile is below 0.03 but once in a million; the bin adds 1/32 of the magnitude.
        let sorted = column.sorted()
        for (name, probability) in [("quantile_01", 0.01), ("quantile_50", 0.5), ("quantile_99", 0.99)] {
            let value = try #require(row.number(name))
            let width = abs(value) / 32
            let share = { (x: Double) in Double(sorted.count { $0 <= x }) / 20_000 }
            #expect(share(value + width) >= probability - 0.03 && share(value - width) <= probability + 0.03, "\(name)")
        }
    }

    @Test func aMissingLayerIsNamedAndTheOthersDescribed() throws {
        let synthetic = SyntheticCapture(layers: 3, kvHeads: 1, headDim: 4, sequenceLengths: [8], tensors: [.key])
        let path = folder.url.appending(path: "two.h5").path
        let recorder = try CaptureRecorder(path: path, metadata: synthetic.metadata, tensors: [.key], layers: [0, 2])
        try recorder.beginSequence(name: "s", tokens: [Int32](0..<8), tokenTexts: [String](repeating: "x", count: 8))
        for layer in [0, 2] {
            try recorder.record(
                .key,
                layer: layer,
                firstToken: 0,
                tokens: 8,
                heads: 1,
                headDim: 4,
                values: synthetic.values(.key, layer: layer)
            )
        }
        try recorder.finish()
        let capture = try CaptureFile(path: path)
        let layers = try only("statistics-layer", StatisticsStudy.run(capture))
        #expect(layers.rowViews.map { $0.integer("layer") } == [0, 2])
        var message = ""
        do {
            _ = try StatisticsStudy.run(capture, settings: StatisticsStudySettings(layers: [0, 1]))
        } catch { message = "\(error)" }
        #expect(message.contains("layer 1") && message.contains(path), "\(message)")

        let archive = folder.url.appending(path: "statistics.h5").path
        try StatisticsArchive.write(try StatisticsStudy.run(capture), of: capture, to: archive)
        let root = try File.open(at: archive).root
        #expect(try root.dataset("layer").readIntegers(rows: 0..<2) == [0, 2])
    }

    @Test func theArchiveHoldsHistogramsOfChannelsHeadsAndLayers() throws {
        var synthetic = SyntheticCapture(layers: 2, heads: 2, kvHeads: 2, headDim: 6, sequenceLengths: [700])
        synthetic.outliers = [.init(.key, head: 1, channel: 4, factor: 1e4)]
        let capture = try folder.open(synthetic)
        let path = folder.url.appending(path: "histograms.h5").path
        let settings = StatisticsStudySettings(histogram: true)
        let archive = try StatisticsArchive(of: capture, layers: [0, 1, 5], at: path)
        let tables = try StatisticsStudy.run(capture, settings: settings, archive: archive)
        #expect(!FileManager.default.fileExists(atPath: path))
        try archive.finish(tables)
        let root = try File.open(at: path).root
        let bins = HistogramBins.count
        func read(_ name: String, _ shape: [Int]) throws -> [Int] {
            let dataset = try root.dataset(name)
            #expect(try dataset.shape == shape, "\(name)")
            var numbers = [Int64](repeating: -1, count: shape.reduce(1, *))
            try numbers.withUnsafeMutableBytes {
                try dataset.read(rows: 0..<shape[0], as: .int64, into: #require($0.baseAddress))
            }
            return numbers.map { Int($0) }
        }
        for tensor in ["query", "key", "value"] {
            let channels = try read("histogram/channel/\(tensor)", [3, 2, 6, bins])
            let heads = try read("histogram/head/\(tensor)", [3, 2, bins])
            let layers = try read("histogram/layer/\(tensor)", [3, bins])
            // Each is the sum of what it holds, and the layer that is not there counts nothing.
            for place in 0..<3 * 2 * bins {
                let (head, bin) = (place / bins, place % bins)
                #expect(heads[place] == (0..<6).reduce(0) { $0 + channels[(head * 6 + $1) * bins + bin] })
            }
            for layer in 0..<3 {
                for bin in 0..<bins {
                    let both = heads[2 * layer * bins + bin] + heads[(2 * layer + 1) * bins + bin]
                    #expect(layers[layer * bins + bin] == both)
                }
                #expect(layers[layer * bins..<(layer + 1) * bins].reduce(0, +) == (layer < 2 ? 700 * 12 : 0))
            }
        }
        // By the definition of the bins.
        let edges = HistogramBins.edges
        #expect(edges.count == bins + 1 && edges == edges.sorted() && edges[bins / 2] == 0)
        let dataset = try root.dataset("histogram/channel/key")
        #expect(try dataset.axisLabels == ["layer", "kv_head", "channel", "bin"])
        #expect(try dataset.attributes.string("definition") == HistogramBins.definition)
        let found = try read("histogram/channel/key", [3, 2, 6, bins])
        let halves = try capture.readHalf(.key, layer: 1, tokens: 0..<700)
        for channel in [3, 10] {
            var expected = [Int](repeating: 0, count: bins)
            for token in 0..<700 {
                let x = Double(Float(Float16(bitPattern: halves[token * 12 + channel])))
                guard x.isFinite else { continue }
                // An edge belongs to the bin that is further from 0.
                let bin = (0..<bins).first {
                    x >= 0 ? x >= edges[$0] && x < edges[$0 + 1] : x > edges[$0] && x <= edges[$0 + 1]
                }
                expected[try #require(bin)] += 1
            }
            let place = (12 + channel) * bins
            #expect(Array(found[place..<place + bins]) == expected, "channel \(channel)")
        }
        // The layer's own are those of the table.
        let table = try only("histogram", tables).filter { $0.string("tensor") == "value" && $0.integer("layer") == 0 }
        let layers = try read("histogram/layer/value", [3, bins])
        #expect(table.rowViews.compactMap { $0.integer("count") } == layers[..<bins].filter { $0 > 0 })
    }

    @Test func anArchiveThatIsNotFinishedLeavesNothing() throws {
        let capture = try folder.open(SyntheticCapture(sequenceLengths: [5]))
        let path = folder.url.appending(path: "unfinished.h5").path
        func begin() throws { _ = try StatisticsArchive(of: capture, layers: [0], at: path) }
        try begin()
        #expect(!FileManager.default.fileExists(atPath: path))
        #expect(!FileManager.default.fileExists(atPath: path + ".partial"))
    }

    @Test func theArchiveHoldsTheNumbersOfTheTables() throws {
        var synthetic = SyntheticCapture(layers: 2, heads: 2, kvHeads: 1, headDim: 6, sequenceLengths: [50])
        synthetic.outliers = [.init(.key, head: 0, channel: 1, factor: .nan)]
        let capture = try folder.open(synthetic)
        let found = try StatisticsStudy.run(capture)
        let path = folder.url.appending(path: "statistics.h5").path
        try StatisticsArchive.write(found, of: capture, to: path)
        #expect(!FileManager.default.fileExists(atPath: path + ".partial"))
        let root = try File.open(at: path).root
        #expect(try root.attributes.string("format") == "kvatlas-statistics")
        for (tensor, heads) in [("query", 2), ("key", 1), ("value", 1)] {
            let axes = ["layer", tensor == "query" ? "head" : "kv_head", "channel"]
            for statistic in StatisticCatalogue.statistics(for: .channel) {
                let dataset = try root.dataset("statistics/channel/\(tensor)/\(statistic.id)")
                #expect(try dataset.shape == [2, heads, 6] && dataset.axisLabels == axes)
                #expect(try dataset.attributes.string("definition") == statistic.definition)
                var numbers = [Double](repeating: 0, count: 2 * heads * 6)
                try numbers.withUnsafeMutableBytes {
                    try dataset.read(rows: 0..<2, as: .float64, into: #require($0.baseAddress))
                }
                let rows = try only("statistics-channel", found).filter { $0.string("tensor") == tensor }
                for (number, row) in zip(numbers, rows.rowViews) {
                    let expected = row.number(statistic.id)
                    #expect(number.isNaN ? expected == nil : number == expected, "\(tensor) \(statistic.id)")
                }
            }
            #expect(try root.dataset("statistics/layer/\(tensor)/mean").shape == [2])
            #expect(try root.dataset("statistics/head/\(tensor)/norm").shape == [2, heads])
        }
    }
}
