import Capture
import Evaluation
import Foundation
import Inference
import Kernels
import Quantization
import Statistics
import TensorCore
import Testing

@Suite struct StructureStudyTests {
    private let folder: CaptureFolder

    init() throws { folder = try CaptureFolder() }

    private func open(_ planted: PlantedCapture, name: String = "capture") throws -> CaptureFile {
        try planted.write(to: folder.url.appending(path: "\(name).h5").path)
    }

    @Test func everyAnalysisHasItsTablesAndNoOther() throws {
        let capture = try open(PlantedCapture())
        var shares: [Double] = []
        let all = try StructureStudy.run(capture) { shares.append($0) }
        #expect(all.tables.map { $0.name } == StructureAnalysis.allCases.flatMap { $0.tables })
        #expect(all.tables.map { $0.name } == StructureTables.all.map { $0.name })
        #expect(all.tables.allSatisfy { !$0.rows.isEmpty })
        #expect(shares == shares.sorted() && shares.last == 1)
        for analysis in StructureAnalysis.allCases {
            let alone = try StructureStudy.run(capture, settings: StructureStudySettings(analyses: [analysis]))
            #expect(alone.tables == all.tables.filter { analysis.tables.contains($0.name) }, "\(analysis)")
        }
    }

    @Test func everyColumnSaysWhatItMeans() {
        for table in StructureTables.all {
            #expect(!table.meaning.isEmpty)
            for column in table.columns { #expect(!column.meaning.isEmpty, "\(table.name).\(column.name)") }
        }
    }

    @Test func numbersAreTheSameForAnyNumberOfThreads() throws {
        var planted = PlantedCapture()
        planted.layers = 3
        planted.sequenceLengths = [700, 1, 333, 2]
        let capture = try open(planted)
        let before = Parallel.threadCount
        defer { Parallel.threadCount = before }
        Parallel.threadCount = 1
        let one = try StructureStudy.run(capture)
        for threads in [2, 5] {
            Parallel.threadCount = threads
            let several = try StructureStudy.run(capture)
            #expect(several.tables == one.tables, "\(threads) threads")
        }
    }

    /// A channel thirty times as large in all layers; each definition that looks for channels names it.
    @Test func aPlantedChannelIsFoundAndStable() throws {
        var planted = PlantedCapture()
        planted.element = { tensor, _, _, head, channel, value in
            tensor == .key && head == 1 && channel == 6 ? 300 * value : value
        }
        let result = try StructureStudy.run(
            try open(planted),
            settings: StructureStudySettings(analyses: [.outliers, .rotation])
        )
        for definition in OutlierDefinition.all where ![.percentileOfChannel, .massive].contains(definition) {
            for layer in 0..<2 {
                let row = result.rows("outlier-channel-sets", layer: layer, tensor: "key")
                    .first { $0.string("definition") == definition.id }
                #expect(row?.integer("head") == 1 && row?.integer("channel") == 6, "\(definition.id)")
            }
        }
        let definitions = result.rows("outlier-definitions", layer: 0, tensor: "key")
        #expect(definitions.map { $0.string("definition") } == OutlierDefinition.all.map { $0.id })
        #expect(definitions.allSatisfy { ($0.number("element_share") ?? 0) <= 1 })
        let stability = result.rows("outlier-stability", layer: 0, tensor: "key")
        // Two sequences, and 4 blocks of each: 1 + 6 + 6 pairs.
        #expect(stability.filter { $0.string("kind") == "sequence" }.count == 1)
        #expect(stability.filter { $0.string("kind") == "block" }.count == 12)
        for row in stability where row.string("kind") != "rope" {
            #expect(row.integer("outliers_a") == 1 && row.integer("outliers_b") == 1 && row.number("jaccard") == 1)
        }
        // Planted after RoPE only.
        let turned = stability.filter { $0.string("kind") == "rope" }
        #expect(turned.map { $0.string("part_a") } == ["key_pre_rope"])
        #expect(turned.map { $0.integer("outliers_a") } == [0] && turned.map { $0.integer("outliers_b") } == [1])
        #expect(turned.map { $0.number("jaccard") } == [0])
        #expect(turned.map { $0.integer("tokens_a") } == [190])
        // Gaussian values have no outliers, and no agreement on them.
        let values = result.rows("outlier-stability", layer: 0, tensor: "value")
        #expect(values.count == 13)
        for row in values { #expect(row.integer("outliers_a") == 0 && row.number("jaccard") == nil) }
        let effects = result.rows("transform-effects", layer: 0, tensor: "key")
        let (plain, rotated) = (try #require(effects.first), try #require(effects.last))
        #expect(plain.integer("outlier_channels_5x") == 1 && rotated.integer("outlier_channels_5x") == 0)
        let range = try #require(plain.number("range_to_median_channel"))
        #expect(range > 20 * (try #require(rotated.number("range_to_median_channel"))))
    }

    /// The normal quantiles are the sample's where the sample is Gaussian.
    @Test func quantilesOfAGaussianAreThoseOfAGaussian() throws {
        var planted = PlantedCapture()
        planted.sequenceLengths = [3000]
        planted.tensors = [.key]
        planted.layers = 1
        let capture = try open(planted)
        let result = try StructureStudy.run(capture, settings: StructureStudySettings(analyses: [.quantiles]))
        let rows = result.rows("distribution-quantiles")
        #expect(rows.count == 61)
        let probabilities = rows.compactMap { $0.number("probability") }
        #expect(probabilities.first == 0x1p-14 && probabilities.last == 1 - 0x1p-14)
        #expect(probabilities == probabilities.sorted())
        for row in rows {
            let (value, normal) = (try #require(row.number("value")), try #require(row.number("standard_normal")))
            let probability = try #require(row.number("probability"))
            // The sketch's bin, and four standard errors of a quantile of 96,000 elements.
            let density = exp(-normal * normal / 2) / 2.506628
            let error = 4 * (probability * (1 - probability) / 96_000).squareRoot() / density
            #expect(abs(value - normal) < abs(value) / 32 + error, "\(probability)")
            #expect(abs(try #require(row.number("sample_standard_deviation")) - 1) < 0.02)
        }
    }

    /// Codes unpacked one by one and counted.
    @Test func entropyIsThatOfTheCodes() throws {
        var planted = PlantedCapture()
        planted.layers = 1
        planted.headDim = 24
        planted.sequenceLengths = [77, 40]
        planted.tensors = [.value]
        let capture = try open(planted)
        let result = try StructureStudy.run(capture, settings: StructureStudySettings(analyses: [.entropy]))
        let halves = HalfConversion.toHalf(planted.values(.value, layer: 0))
        for (bits, axis, id) in [
            (2, GroupedAxis.channels, "rtn-int2-token-g32"), (4, .tokens, "rtn-int4-channel-g32"),
        ] {
            var counts = [[Int]](repeating: [Int](repeating: 0, count: 1 << bits), count: 48)
            for (start, length) in [(0, 77), (77, 40)] {
                for head in 0..<2 {
                    let first = start * 48 + head * 24
                    let codes = halves[first...].withUnsafeBufferPointer {
                        $0.baseAddress.map {
                            AffineQuantizer.quantize(
                                $0,
                                tokens: length,
                                channels: 24,
                                tokenStride: 48,
                                bits: bits,
                                groupSize: 32,
                                groupedAxis: axis
                            )
                        }
                    }
                    let packed = try #require(codes)
                    for token in 0..<length {
                        for channel in 0..<24 {
                            let (row, index) = axis == .tokens ? (channel, token) : (token, channel)
                            let bit = index * bits
                            let byte = packed.codes[row * packed.bytesPerRow + bit / 8]
                            counts[head * 24 + channel][Int(byte) >> (bit % 8) & ((1 << bits) - 1)] += 1
                        }
                    }
                }
            }
            let expected = counts.compactMap { ShannonEntropy.bits($0) }.reduce(0, +) / 48
            let row = try #require(result.rows("code-entropy").first { $0.string("scheme") == id })
            #expect(abs(try #require(row.number("entropy_bits")) - expected) < 1e-12, "\(id)")
            #expect(row.integer("bits") == bits)
            #expect(abs(try #require(row.number("entropy_share")) - expected / Double(bits)) < 1e-12)
            let scheme = try SchemeCatalogue.scheme(id)
            #expect(scheme.id == id)
        }
        #expect(result.rows("code-entropy").count == 4)
    }

    @Test func tilesAreWholeOrTheSequence() throws {
        var planted = PlantedCapture()
        planted.layers = 1
        planted.headDim = 8
        planted.tensors = [.key]
        planted.sequenceLengths = [300, 50]
        let capture = try open(planted)
        let result = try StructureStudy.run(capture, settings: StructureStudySettings(analyses: [.tiles]))
        #expect(result.rows("tile-imbalance", head: 1).map { $0.string("tile") } == ["128×8", "50×8"])
        let whole = try #require(result.rows("tile-imbalance", head: 1).first)
        let ratios = [0..<128, 128..<256].map { tokens in
            let rows = planted.rows(.key, layer: 0, head: 1, tokens: tokens)
            func deviation(_ x: [Double]) -> Double {
                let mean = x.reduce(0, +) / Double(x.count)
                return (x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(x.count)).squareRoot()
            }
            let all = rows.map(deviation)
            return (all.max() ?? 0) / (all.min() ?? 1)
        }
        let mean = ratios.reduce(0, +) / 2
        #expect(abs(try #require(whole.number("row_imbalance")) - mean) < 1e-9 * mean)
    }

    /// Neighbours end where sequences do.
    @Test func locality() throws {
        var planted = PlantedCapture()
        planted.layers = 1
        let capture = try open(planted)
        let result = try StructureStudy.run(capture, settings: StructureStudySettings(analyses: [.locality]))
        let rows = planted.rows(.value, layer: 0, head: 1)
        func product(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
        let pairs = (1..<190).filter { $0 != 150 }
        let cosines = pairs.map { token -> Double in
            let (a, b) = (rows[token], rows[token - 1])
            return product(a, b) / (product(a, a) * product(b, b)).squareRoot()
        }
        let row = try #require(result.rows("locality", tensor: "value", head: 1).first)
        let expected = cosines.reduce(0, +) / Double(cosines.count)
        #expect(abs(try #require(row.number("neighbour_cosine")) - expected) < 1e-12)
        let means = rows[0].indices.map { channel in rows.reduce(0) { $0 + $1[channel] } / Double(rows.count) }
        let centred = rows.map { row in zip(row, means).map { $0 - $1 } }
        let apart = pairs.map { token -> Double in
            let (a, b) = (centred[token], centred[token - 1])
            return product(a, b) / (product(a, a) * product(b, b)).squareRoot()
        }
        let alike = apart.reduce(0, +) / Double(apart.count)
        #expect(abs(try #require(row.number("neighbour_cosine_centred")) - alike) < 1e-12)
    }

    /// A mean that all tokens share is likeness only to the cosine that is not centred.
    @Test func aSharedMeanIsNoLikeness() throws {
        var planted = PlantedCapture()
        planted.layers = 2
        planted.sequenceLengths = [600]
        planted.tensors = [.key]
        planted.element = { $5 + ($4 == 3 ? 20 : 0) }
        let settings = StructureStudySettings(analyses: [.locality, .layers])
        let result = try StructureStudy.run(try open(planted), settings: settings)
        for row in result.rows("locality") {
            #expect(try #require(row.number("neighbour_cosine")) > 0.9)
            // Of 599 pairs with a standard deviation of 1/√16.
            #expect(abs(try #require(row.number("neighbour_cosine_centred"))) < 5 * 0.25 / 599.0.squareRoot())
            #expect(abs(try #require(row.number("delta_variance_ratio")) - 2) < 0.1)
        }
        // Layers are independent: nothing is explained, and differences have both variances.
        let pair = try #require(result.rows("cross-layer").first)
        #expect(abs(try #require(pair.number("unexplained_variance")) - 1.1) < 0.1)
        #expect(abs(try #require(pair.number("delta_variance_ratio")) - 2) < 0.1)
    }

    @Test func settingsFillTheirDefaults() throws {
        let decoder = JSONDecoder()
        #expect(try decoder.decode(StructureStudySettings.self, from: Data("{}".utf8)) == StructureStudySettings())
        let settings = StructureStudySettings(
            analyses: [.tiles, .outliers, .tiles],
            tensors: [.value],
            layers: [1],
            maximumQueries: 7,
            maximumAttentionTokens: 99,
            blocks: 3
        )
        #expect(settings.analyses == [.outliers, .tiles])
        let coded = try JSONEncoder().encode(settings)
        #expect(try decoder.decode(StructureStudySettings.self, from: coded) == settings)
        let keys = ["analyses", "tensors", "layers", "max_queries", "max_attention_tokens", "blocks"]
        #expect(StructureStudySettings.keys == keys)
    }
}
