import Capture
import Evaluation
import Foundation
import Inference
import Kernels
import Statistics
import TensorCore
import Testing

/// A folder of captures that goes when the test is over.
final class CaptureFolder {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appending(path: "statistics-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func open(_ capture: SyntheticCapture, name: String = "capture") throws -> CaptureFile {
        let path = url.appending(path: "\(name).h5").path
        try capture.write(to: path)
        return try CaptureFile(path: path)
    }
}

@Suite struct StatisticsStudyTests {
    private let folder: CaptureFolder
    private let synthetic = SyntheticCapture(
        layers: 3,
        heads: 4,
        kvHeads: 2,
        headDim: 24,
        sequenceLengths: [300, 1, 450],
        outliers: [
            .init(.key, head: 1, channel: 7, factor: 40), .init(.key, head: 0, channel: 3, factor: 12, layers: [2]),
        ]
    )

    init() throws { folder = try CaptureFolder() }

    private func table(_ name: String, _ tables: [Table]) throws -> Table {
        try #require(tables.first { $0.name == name })
    }

    @Test func everyGrainHasItsRows() throws {
        let capture = try folder.open(synthetic)
        var shares: [Double] = []
        let settings = StatisticsStudySettings(grains: [.channel, .token, .head, .layer])
        let tables = try StatisticsStudy.run(capture, settings: settings) { shares.append($0) }
        let expected = [
            "statistics-channel", "statistics-token", "statistics-head", "statistics-layer", "outlier-channels",
        ]
        #expect(tables.map { $0.name } == expected)
        let heads = 3 * (4 + 2 + 2)
        #expect(try table("statistics-channel", tables).rows.count == heads * 24)
        #expect(try table("statistics-token", tables).rows.count == heads * 751)
        #expect(try table("statistics-head", tables).rows.count == heads)
        #expect(try table("statistics-layer", tables).rows.count == 9)
        #expect(shares == shares.sorted() && shares.last == 1)
    }

    @Test func aChannelIsTheColumnOfTheTensor() throws {
        let capture = try folder.open(synthetic)
        let settings = StatisticsStudySettings(grains: [.channel], tensors: [.value], layers: [1])
        let rows = try table("statistics-channel", StatisticsStudy.run(capture, settings: settings))
        let values = HalfConversion.toFloat(HalfConversion.toHalf(synthetic.values(.value, layer: 1)))
        for row in rows.rowViews {
            let (head, channel) = (try #require(row.integer("head")), try #require(row.integer("channel")))
            let column = (0..<751).map { Double(values[($0 * 2 + head) * 24 + channel]) }
            let mean = column.reduce(0, +) / 751
            let variance = column.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 751
            #expect(row.integer("count") == 751)
            #expect(row.number("minimum") == column.min() && row.number("maximum") == column.max())
            #expect(abs(try #require(row.number("mean")) - mean) < 1e-6)
            #expect(abs(try #require(row.number("standard_deviation")) - variance.squareRoot()) < 1e-6)
            let median = try #require(row.number("quantile_50"))
            #expect(abs(median - column.sorted()[375]) <= abs(median) / 32 + 0x1p-19)
        }
    }

    @Test func resultsDependOnNeitherSlabsNorThreads() throws {
        let capture = try folder.open(synthetic)
        var settings = StatisticsStudySettings(grains: Grain.allCases)
        let whole = try StatisticsStudy.run(capture, settings: settings)
        for slabBytes in [1, 100 * 96, 257 * 192] {
            settings.slabBytes = slabBytes
            // A slab of one token is slow with 751 tokens; one layer will do.
            if slabBytes == 1 { settings.layers = [2] } else { settings.layers = nil }
            let tables = try StatisticsStudy.run(capture, settings: settings)
            for (split, table) in zip(tables, whole) {
                #expect(split == (slabBytes == 1 ? table.filter { $0.integer("layer") == 2 } : table), "\(slabBytes)")
            }
        }
        let before = Parallel.threadCount
        defer { Parallel.threadCount = before }
        for threads in [1, 3] {
            Parallel.threadCount = threads
            #expect(
                try StatisticsStudy.run(capture, settings: StatisticsStudySettings(grains: Grain.allCases)) == whole
            )
        }
    }

    @Test func float32IsDescribedWithoutRounding() throws {
        var synthetic = synthetic
        synthetic.elementType = .float32
        synthetic.outliers = [.init(.key, head: 0, channel: 0, factor: 1e6)]
        let capture = try folder.open(synthetic)
        let settings = StatisticsStudySettings(grains: [.layer, .token], tensors: [.key], layers: [0])
        let tables = try StatisticsStudy.run(capture, settings: settings)
        let values = synthetic.values(.key, layer: 0)
        let layer = try table("statistics-layer", tables)
        #expect(layer[0, "nonfinite"] == .integer(0))
        #expect(layer[0, "absolute_maximum"].number == values.map { Double($0.magnitude) }.max())
        let tokens = try table("statistics-token", tables)
        #expect(tokens[0, "maximum"].number == values[0..<24].map(Double.init).max())
    }

    @Test func outlierChannelsAreNamedAndTheirAbsenceShown() throws {
        let capture = try folder.open(synthetic)
        let outliers = try table("outlier-channels", StatisticsStudy.run(capture))
        let found = outliers.filter { $0.integer("is_outlier") == 1 }
        #expect(Set(found.rowViews.map { $0.string("tensor") }) == ["key"])
        #expect(found.rowViews.map { $0.integer("layer") } == [0, 1, 2, 2])
        #expect(found.rowViews.map { $0.integer("channel") } == [7, 7, 7, 3])
        #expect(found.rowViews.allSatisfy { ($0.number("ratio_to_median") ?? 0) > 5 })
        let values = outliers.filter { $0.string("tensor") == "value" && $0.integer("layer") == 0 }
        #expect(values.rowViews.map { $0.integer("rank") } == [1, 2, 3])
        #expect(values.rowViews.allSatisfy { $0.integer("is_outlier") == 0 })
    }

    @Test func whatIsNotThereIsSaid() throws {
        var synthetic = synthetic
        synthetic.tensors = [.key]
        let capture = try folder.open(synthetic)
        func error(_ settings: StatisticsStudySettings) -> String {
            do { _ = try StatisticsStudy.run(capture, settings: settings) } catch { return "\(error)" }
            return "no error"
        }
        #expect(error(StatisticsStudySettings(layers: [7])).contains("layer 7"))
        #expect(error(StatisticsStudySettings(tensors: [.value])).contains("value"))
        #expect(error(StatisticsStudySettings(slabBytes: 0)).contains("slab_bytes is 0"))
    }

    @Test func settingsFillTheirDefaults() throws {
        let decoder = JSONDecoder()
        let standard = StatisticsStudySettings()
        #expect(try decoder.decode(StatisticsStudySettings.self, from: Data("{}".utf8)) == standard)
        let text = Data(#"{"grains": ["token"], "tensors": ["key_pre_rope"], "layers": [3]}"#.utf8)
        let settings = try decoder.decode(StatisticsStudySettings.self, from: text)
        #expect(settings == StatisticsStudySettings(grains: [.token], tensors: [.keyPreRope], layers: [3]))
        let coded = try JSONEncoder().encode(settings)
        #expect(try decoder.decode(StatisticsStudySettings.self, from: coded) == settings)
        #expect(StatisticsStudySettings.keys == ["grains", "tensors", "layers", "histogram", "slab_bytes"])
    }
}
