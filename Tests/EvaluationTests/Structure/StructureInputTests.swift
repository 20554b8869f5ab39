import Capture
import Evaluation
import Foundation
import Inference
import TensorCore
import Testing

/// Captures that have little to say, or say it wrongly.
@Suite struct StructureInputTests {
    private let folder: CaptureFolder

    init() throws { folder = try CaptureFolder() }

    private func study(_ planted: PlantedCapture, _ settings: StructureStudySettings = StructureStudySettings()) throws
        -> StructureStudyResult
    {
        let capture = try planted.write(to: folder.url.appending(path: "\(UUID().uuidString).h5").path)
        return try StructureStudy.run(capture, settings: settings)
    }

    /// No cell is NaN or infinite.
    private func expectFinite(_ result: StructureStudyResult, _ name: String) {
        for table in result.tables {
            for row in table.rows {
                for case .number(let value) in row { #expect(value.isFinite, "\(name): \(table.name)") }
            }
        }
    }

    @Test(arguments: [1, 2, 3, 5, 31, 33]) func fewTokensDoNotCrash(tokens: Int) throws {
        var planted = PlantedCapture()
        planted.sequenceLengths = [tokens]
        let result = try study(planted)
        expectFinite(result, "\(tokens) tokens")
        let sinks = result.rows("attention-sinks", layer: 0)
        #expect((min(tokens, 4)...min(tokens, 20)).contains(sinks.count))
        if tokens == 1 {
            #expect(sinks[0].number("attention_share") == nil && sinks[0].string("is_sink") == "no")
            #expect(result.rows("locality").allSatisfy { $0.number("neighbour_cosine") == nil })
            #expect(result.rows("locality").allSatisfy { $0.number("neighbour_cosine_centred") == nil })
            #expect(result.rows("cross-layer").allSatisfy { $0.number("unexplained_variance") == nil })
            #expect(result.rows("tile-imbalance").isEmpty)
            #expect(result.rows("attention-profile")[0].number("entropy") == 0)
        }
    }

    @Test func oneChannelDoesNotCrash() throws {
        var planted = PlantedCapture()
        planted.headDim = 1
        planted.kvHeads = 1
        planted.heads = 1
        let result = try study(planted)
        expectFinite(result, "one channel")
        #expect(result.rows("outlier-stability").allSatisfy { $0.number("spearman") == nil })
        let summary = result.rows("spectrum-summary", layer: 0, tensor: "key")
        #expect(summary.map { $0.number("effective_rank") } == [1])
    }

    @Test(arguments: [Float(0), 3]) func constantTensorsDoNotCrash(value: Float) throws {
        var planted = PlantedCapture()
        planted.element = { _, _, _, _, _, _ in value }
        let result = try study(planted)
        expectFinite(result, "constant \(value)")
        let keys = result.rows("transform-effects", layer: 0, tensor: "key")
        #expect(keys.first?.number("excess_kurtosis") == nil)
        #expect(result.rows("locality").allSatisfy { $0.number("delta_variance_ratio") == nil })
        #expect(result.rows("code-entropy").allSatisfy { $0.number("entropy_bits") == 0 })
        #expect(result.rows("tile-imbalance").isEmpty)
        let ranks = result.rows("spectrum-summary", layer: 0, tensor: "key").map { $0.number("effective_rank") }
        #expect(ranks.allSatisfy { value == 0 ? $0 == nil : $0.map { abs($0 - 1) < 1e-6 } == true })
        // Equal keys get equal attention.
        let entropy = try #require(result.rows("attention-profile", layer: 0).first?.number("entropy"))
        #expect(entropy > 3)
    }

    @Test func nonfiniteElementsAreCountedAndLeftOut() throws {
        var planted = PlantedCapture()
        planted.layers = 2
        planted.element = { tensor, layer, token, head, channel, value in
            guard tensor == .value, layer == 1, head == 0, channel == 2 else { return value }
            return token == 5 ? .nan : token == 77 ? .infinity : value
        }
        let result = try study(planted)
        expectFinite(result, "NaN")
        let warning = try #require(result.warnings.first { $0.contains("NaN") })
        #expect(warning.contains("2 elements") && warning.contains("layer 1 value"))
        let neighbours = result.rows("locality", layer: 1, tensor: "value", head: 0)
        #expect(neighbours.first?.number("neighbour_cosine") != nil)
        let sinks = result.rows("attention-sinks", layer: 1)
        #expect(sinks.allSatisfy { $0.number("key_norm") != nil })
    }

    @Test func rowsOfNaNAreLeftOutOfAttention() throws {
        var planted = PlantedCapture()
        planted.layers = 1
        planted.sequenceLengths = [64]
        planted.element = { tensor, _, token, head, _, value in
            tensor == .query && token == 20 && head == 3 ? .nan : value
        }
        let result = try study(planted, StructureStudySettings(analyses: [.attention]))
        expectFinite(result, "NaN in a query")
        #expect(result.warnings == ["attention: layer 0: 1 of 256 rows have NaN or infinity and are left out"])
    }

    @Test func withoutQueriesThereIsNoAttentionAndAReason() throws {
        var planted = PlantedCapture()
        planted.tensors = [.key, .value]
        let result = try study(planted)
        #expect(!result.tables.contains { $0.name.hasPrefix("attention") })
        #expect(result.warnings.count == 1)
        #expect(try #require(result.warnings.first).contains("query not in the capture"))
    }

    @Test func headsThatAreNoPowerOfTwoAreNotRotated() throws {
        var planted = PlantedCapture()
        planted.headDim = 24
        let result = try study(planted, StructureStudySettings(analyses: [.rotation]))
        #expect(Set(result.rows("transform-effects").map { $0.string("transform") }) == ["none"])
        #expect(try #require(result.warnings.first).contains("24"))
    }

    @Test func float32BeyondFloat16IsKept() throws {
        var planted = PlantedCapture()
        planted.elementType = .float32
        planted.element = { $0 == .key && $2 == 3 && $4 == 0 ? 1e6 : $5 }
        let result = try study(planted)
        expectFinite(result, "float32")
        #expect(result.rows("transform-effects", layer: 0, tensor: "key").first?.number("absolute_maximum") == 1e6)
    }

    @Test func whatIsNotThereIsSaid() throws {
        func error(_ settings: StructureStudySettings) throws -> String {
            do { _ = try study(PlantedCapture(), settings) } catch let error as any ActionableError {
                return "\(error)"
            }
            return "no error"
        }
        #expect(try error(StructureStudySettings(layers: [7])).contains("layer 7"))
        #expect(try error(StructureStudySettings(analyses: [])).contains("analyses is empty"))
        #expect(try error(StructureStudySettings(maximumQueries: 0)).contains("max_queries is 0"))
        #expect(try error(StructureStudySettings(blocks: 1)).contains("blocks is 1; expected 2 or more"))
        var lacking = PlantedCapture()
        lacking.tensors = [.key]
        #expect(throws: CaptureError.self) { try study(lacking, StructureStudySettings(tensors: [.value])) }
    }
}
