import Capture
import Evaluation
import Foundation
import Inference
import Testing

/// Against numpy and scipy in float64; `Tests/Fixtures/statistics/make_structure_golden.py` made the numbers.
@Suite struct StructureGoldenTests {
    private struct Golden: Decodable {
        let tokens: Int
        let heads: Int
        let channels: Int
        let layers: [[UInt16]]
        let spectrum: [SpectrumOfHead]
        let locality: [[String: Double]]
        let tiles: [[String: Double]]
        let effects: [String: [String: Double]]
        let crossLayer: [String: Double]
        let spearmanOfHalves: Double
        let outliersOfHalves: [Int]

        struct SpectrumOfHead: Decodable {
            let singularValues: [Double]
            let effectiveRank: Double
            let stableRank: Double
            let components90: Int
            let components99: Int

            enum CodingKeys: String, CodingKey {
                case singularValues = "singular_values"
                case effectiveRank = "effective_rank"
                case stableRank = "stable_rank"
                case components90 = "components_90"
                case components99 = "components_99"
            }
        }

        enum CodingKeys: String, CodingKey {
            case tokens, heads, channels, layers, spectrum, locality, tiles, effects
            case crossLayer = "cross_layer"
            case spearmanOfHalves = "spearman_of_halves"
            case outliersOfHalves = "outliers_of_halves"
        }
    }

    private let folder: CaptureFolder
    private let golden: Golden
    private let result: StructureStudyResult

    init() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Fixtures/statistics/structure.json").standardized
        let golden = try JSONDecoder().decode(Golden.self, from: Data(contentsOf: file))
        folder = try CaptureFolder()
        var planted = PlantedCapture()
        planted.heads = golden.heads
        planted.kvHeads = golden.heads
        planted.headDim = golden.channels
        planted.sequenceLengths = [golden.tokens]
        planted.tensors = [.key, .value]
        planted.element = { _, layer, token, head, channel, _ in
            let place = (token * golden.heads + head) * golden.channels + channel
            return Float(Float16(bitPattern: golden.layers[layer][place]))
        }
        let capture = try planted.write(to: folder.url.appending(path: "golden.h5").path)
        self.golden = golden
        result = try StructureStudy.run(capture, settings: StructureStudySettings(tensors: [.key], blocks: 2))
    }

    private func isClose(_ found: Double?, _ expected: Double?, _ tolerance: Double = 1e-6) -> Bool {
        guard let found, let expected else { return false }
        return abs(found - expected) <= tolerance * max(1, abs(expected))
    }

    @Test func spectraAreThoseOfTheDecomposition() throws {
        for (head, expected) in golden.spectrum.enumerated() {
            let rows = result.rows("spectrum", layer: 0, head: head)
            #expect(rows.map { $0.integer("component") } == Array(1...golden.channels))
            for (row, value) in zip(rows, expected.singularValues) {
                #expect(isClose(row.number("singular_value"), value))
            }
            let summary = try #require(result.rows("spectrum-summary", layer: 0, head: head).first)
            #expect(isClose(summary.number("effective_rank"), expected.effectiveRank))
            #expect(isClose(summary.number("stable_rank"), expected.stableRank))
            #expect(summary.integer("components_90") == expected.components90)
            #expect(summary.integer("components_99") == expected.components99)
        }
    }

    @Test func neighboursAreAsAlike() throws {
        for (head, expected) in golden.locality.enumerated() {
            let row = try #require(result.rows("locality", layer: 0, head: head).first)
            for (column, value) in expected { #expect(isClose(row.number(column), value), "\(column)") }
        }
    }

    @Test func tilesAreAsUneven() throws {
        for (head, expected) in golden.tiles.enumerated() {
            let row = try #require(result.rows("tile-imbalance", layer: 0, head: head).first)
            #expect(row.string("tile") == "\(golden.tokens)×\(golden.channels)")
            for (column, value) in expected { #expect(isClose(row.number(column), value), "\(column)") }
            let sum = try #require(row.number("row_imbalance")) + (try #require(row.number("column_imbalance")))
            #expect(row.number("imbalance") == sum)
        }
    }

    @Test func rotationsDoWhatTheyDo() throws {
        for row in result.rows("transform-effects", layer: 0) {
            let transform = try #require(row.string("transform"))
            let expected = try #require(golden.effects[transform])
            #expect(isClose(row.number("excess_kurtosis"), expected["excess_kurtosis"], 1e-5))
            #expect(isClose(row.number("absolute_maximum"), expected["absolute_maximum"]))
            // One bin's mass, and the elements in it.
            #expect(isClose(row.number("ks_distance"), expected["ks_distance"], 1e-3))
            #expect(row.number("tail_mass_9973") == expected["tail_mass_9973"])
        }
        #expect(result.rows("transform-effects", layer: 0).map { $0.string("transform") } == ["none", "hadamard"])
    }

    @Test func layersFollowAsWell() throws {
        #expect(result.rows("cross-layer").map { $0.integer("layer") } == [1])
        let row = try #require(result.rows("cross-layer").first)
        #expect(row.integer("from_layer") == 0)
        for (column, value) in golden.crossLayer { #expect(isClose(row.number(column), value), "\(column)") }
    }

    @Test func ranksOfHalvesCorrelateAlike() throws {
        let rows = result.rows("outlier-stability", layer: 0)
        #expect(rows.map { $0.string("part_a") } == ["text-0 [0, 48)"])
        let row = try #require(rows.first)
        #expect(row.string("part_b") == "text-0 [48, 96)")
        #expect(isClose(row.number("spearman"), golden.spearmanOfHalves, 1e-12))
        #expect([row.integer("outliers_a"), row.integer("outliers_b")] == golden.outliersOfHalves)
        #expect(row.number("jaccard") == 1)
    }
}
