import Capture
import Evaluation
import Foundation
import Inference
import Kernels
import TensorCore
import Testing

@Suite struct MagnitudeStudyTests {
    private let folder: CaptureFolder
    private let synthetic = SyntheticCapture(
        layers: 5,
        heads: 6,
        kvHeads: 2,
        headDim: 8,
        sequenceLengths: [333],
        outliers: [
            .init(.key, head: 1, channel: 5, factor: 30), .init(.key, head: 1, channel: 5, factor: 90, layers: [3]),
        ]
    )

    init() throws { folder = try CaptureFolder() }

    @Test func earlyMiddleLateAndMostOutlyingLayersAreShownAtTheOutlierHead() throws {
        let capture = try folder.open(synthetic)
        var shares: [Double] = []
        let table = try MagnitudeStudy.run(capture) { shares.append($0) }
        #expect(table.name == "magnitude")
        #expect(Set(table.rowViews.map { $0.integer("layer") }) == [0, 2, 3, 4])
        #expect(Set(table.rowViews.map { $0.integer("head") }) == [1])
        #expect(Set(table.rowViews.map { $0.string("tensor") }) == ["key", "value"])
        #expect(table.rows.count == 4 * 2 * 128 * 8)
        #expect(shares.last == 1)
    }

    @Test func binsCoverAllTokensAndKeepTheMaximum() throws {
        let capture = try folder.open(synthetic)
        let settings = MagnitudeStudySettings(layers: [3], head: 0, tensors: [.value], maximumBins: 50)
        let table = try MagnitudeStudy.run(capture, settings: settings)
        let values = HalfConversion.toFloat(HalfConversion.toHalf(synthetic.values(.value, layer: 3)))
        var next = 0
        for row in table.rowViews {
            let (first, last) = (try #require(row.integer("token_first")), try #require(row.integer("token_last")))
            let channel = try #require(row.integer("channel"))
            if channel == 0 {
                #expect(first == next && (6...7).contains(last - first + 1))
                next = last + 1
            }
            let expected = (first...last).map { values[$0 * 16 + channel].magnitude }.max()
            #expect(row.number("absolute_maximum") == expected.map(Double.init))
        }
        #expect(next == 333)
    }

    @Test func fewTokensAreNotBinned() throws {
        var synthetic = synthetic
        synthetic.sequenceLengths = [3]
        let table = try MagnitudeStudy.run(try folder.open(synthetic))
        #expect(table.rows.count == 4 * 2 * 3 * 8)
        #expect(table.rowViews.allSatisfy { $0.integer("token_first") == $0.integer("token_last") })
    }

    @Test func queriesAreShownAtTheHeadThatReadsTheKey() throws {
        let capture = try folder.open(synthetic)
        let table = try MagnitudeStudy.run(capture, settings: MagnitudeStudySettings(layers: [0], tensors: [.query]))
        #expect(Set(table.rowViews.map { $0.string("tensor") }) == ["query"])
        #expect(Set(table.rowViews.map { $0.integer("head") }) == [3])
    }

    @Test func queriesAloneAreChosenByQueryHead() throws {
        let capture = try folder.open(synthetic)
        func heads(_ settings: MagnitudeStudySettings) throws -> [String: Set<Int?>] {
            let rows = try MagnitudeStudy.run(capture, settings: settings).rowViews
            return Dictionary(grouping: rows) { $0.string("tensor") ?? "" }
                .mapValues { Set($0.map { $0.integer("head") }) }
        }
        for head in 0..<6 {
            #expect(try heads(.init(layers: [0], head: head, tensors: [.query])) == ["query": [head]])
        }
        #expect(try heads(.init(layers: [0], head: 1, tensors: [.query, .key])) == ["query": [3], "key": [1]])
        #expect(throws: StatisticsStudyError.head(6, tensor: "the query", heads: 6)) {
            try MagnitudeStudy.run(capture, settings: .init(layers: [0], head: 6, tensors: [.query]))
        }
    }

    /// The rotation keeps each vector's length, and spreads the outlier channel over all.
    @Test func rotatedTensorsAreShownWhereAskedFor() throws {
        let capture = try folder.open(synthetic)
        let settings = MagnitudeStudySettings(
            layers: [3],
            head: 1,
            tensors: [.key, .keyRotated, .valueRotated],
            maximumBins: 333
        )
        let table = try MagnitudeStudy.run(capture, settings: settings)
        let magnitudes = Dictionary(grouping: table.rowViews) { $0.string("tensor") ?? "" }
            .mapValues { $0.compactMap { $0.number("absolute_maximum") } }
        #expect(Set(magnitudes.keys) == ["key", "key_rotated", "value_rotated"])
        let (plain, rotated) = (try #require(magnitudes["key"]), try #require(magnitudes["key_rotated"]))
        for token in 0..<333 {
            func norm(_ x: [Double]) -> Double {
                x[token * 8..<token * 8 + 8].reduce(0) { $0 + $1 * $1 }.squareRoot()
            }
            #expect(abs(norm(plain) - norm(rotated)) < 1e-5 * norm(plain))
        }
        let (largest, spread) = (try #require(plain.max()), try #require(rotated.max()))
        #expect(spread < largest / 2)
    }

    @Test func headsThatAreNoPowerOfTwoAreNotRotated() throws {
        var synthetic = synthetic
        synthetic.headDim = 12
        let capture = try folder.open(synthetic)
        #expect {
            try MagnitudeStudy.run(capture, settings: MagnitudeStudySettings(tensors: [.keyRotated]))
        } throws: { error in
            "\(error)".contains("tensors is key_rotated") && "\(error)".contains("12")
        }
    }

    @Test func badSettingsAreSaid() throws {
        let capture = try folder.open(synthetic)
        func error(_ settings: MagnitudeStudySettings) -> String {
            do { _ = try MagnitudeStudy.run(capture, settings: settings) } catch { return "\(error)" }
            return "no error"
        }
        #expect(error(MagnitudeStudySettings(layers: [5])).contains("layer 5"))
        #expect(error(MagnitudeStudySettings(head: 2)).contains("a head from 0 to 1"))
        #expect(error(MagnitudeStudySettings(maximumBins: 0)).contains("maximum_bins is 0"))
    }

    @Test func settingsFillTheirDefaults() throws {
        let decoder = JSONDecoder()
        #expect(try decoder.decode(MagnitudeStudySettings.self, from: Data("{}".utf8)) == MagnitudeStudySettings())
        let settings = MagnitudeStudySettings(layers: [1], head: 1, tensors: [.value], maximumBins: 7)
        let coded = try JSONEncoder().encode(settings)
        #expect(try decoder.decode(MagnitudeStudySettings.self, from: coded) == settings)
        #expect(MagnitudeStudySettings.keys == ["layers", "head", "tensors", "maximum_bins"])
    }
}
