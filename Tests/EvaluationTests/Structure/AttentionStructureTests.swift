import Capture
import Evaluation
import Foundation
import Inference
import TensorCore
import Testing

@Suite struct AttentionStructureTests {
    private let folder: CaptureFolder

    init() throws { folder = try CaptureFolder() }

    private func study(_ planted: PlantedCapture, _ settings: StructureStudySettings) throws -> StructureStudyResult {
        let capture = try planted.write(to: folder.url.appending(path: "\(UUID().uuidString).h5").path)
        return try StructureStudy.run(capture, settings: settings)
    }

    /// Every query looks at token 0 and, in one of two layers, at token 9.
    private var planted: PlantedCapture {
        var planted = PlantedCapture()
        planted.sequenceLengths = [120]
        planted.element = { tensor, layer, token, _, channel, value in
            switch tensor {
            case .query: channel == 0 ? 4 : value
            case .key where channel == 0: token == 0 || layer == 1 && token == 9 ? 9 : 0
            case .value where token == 0: value / 100
            default: value
            }
        }
        return planted
    }

    @Test func plantedSinksAreFound() throws {
        let result = try study(planted, StructureStudySettings(analyses: [.attention]))
        for layer in 0..<2 {
            let rows = result.rows("attention-sinks", layer: layer)
            let sinks = rows.filter { $0.string("is_sink") == "yes" }
            #expect(sinks.map { $0.integer("token") } == (layer == 0 ? [0] : [0, 9]))
            #expect(rows.compactMap { $0.integer("token") } == rows.compactMap { $0.integer("token") }.sorted())
            #expect(Set(rows.map { $0.integer("token") }).isSuperset(of: [0, 1, 2, 3]))
            #expect((16...20).contains(rows.count))
            let first = try #require(rows.first)
            #expect(first.string("piece") == "<0>" && first.integer("position") == 0)
            #expect(first.number("head_share") == 1)
            #expect(try #require(first.number("key_norm_to_median")) > 1.5)
            #expect(try #require(first.number("value_norm_to_median")) < 0.05)
        }
        let profile = result.rows("attention-profile", layer: 0)
        #expect(profile.map { $0.integer("head") } == [0, 1, 2, 3])
        #expect(profile.allSatisfy { ($0.number("first_4_share") ?? 0) > 0.9 })
        #expect(profile.allSatisfy { ($0.number("sparsity") ?? 0) > 0.5 })
    }

    /// Softmax in float64, query by query.
    @Test func sharesAndProfilesAreThoseOfTheDefinition() throws {
        var planted = PlantedCapture()
        planted.layers = 1
        planted.sequenceLengths = [70, 33]
        let result = try study(planted, StructureStudySettings(analyses: [.attention]))
        var profiles = [[Double]](repeating: [0, 0, 0, 0, 0], count: 4)
        var received = [[Double]](repeating: [Double](repeating: 0, count: 103), count: 4)
        for (start, length) in [(0, 70), (70, 33)] {
            for head in 0..<4 {
                let keys = planted.rows(.key, layer: 0, head: head / 2, tokens: start..<start + length)
                let queries = planted.rows(.query, layer: 0, head: head, tokens: start..<start + length)
                for (position, query) in queries.enumerated() {
                    let scores = keys[...position].map { key in
                        zip(query, key).reduce(0) { $0 + $1.0 * $1.1 } / 4
                    }
                    let largest = scores.max() ?? 0
                    let exponentials = scores.map { exp($0 - largest) }
                    let sum = exponentials.reduce(0, +)
                    let weights = exponentials.map { $0 / sum }
                    for token in 0..<position { received[head][start + token] += weights[token] }
                    let top = weights.max() ?? 0
                    var (held, needed) = (0.0, 0)
                    for weight in weights.sorted(by: >) where held < 0.9 {
                        held += weight
                        needed += 1
                    }
                    let numbers = [
                        -weights.reduce(0) { $0 + $1 * log($1) },
                        Double(weights.count { $0 < 0.01 * top }) / Double(weights.count),
                        weights.prefix(4).reduce(0, +), weights.suffix(64).reduce(0, +),
                        Double(needed) / Double(weights.count),
                    ]
                    for (place, number) in numbers.enumerated() { profiles[head][place] += number / 103 }
                }
            }
        }
        let columns = ["entropy", "sparsity", "first_4_share", "recent_64_share", "tokens_for_90"]
        for (row, expected) in zip(result.rows("attention-profile"), profiles) {
            for (column, value) in zip(columns, expected) {
                // Float32 weights: 10⁻⁶ of a weight, and a token that may fall on the other side of a threshold.
                #expect(abs(try #require(row.number(column)) - value) < 1e-3, "\(column)")
            }
            #expect(abs(try #require(row.number("entropy")) - expected[0]) < 1e-5)
        }
        for row in result.rows("attention-sinks") {
            let token = try #require(row.integer("token"))
            let later = token < 70 ? 69 - token : 102 - token
            let shares = received.map { $0[token] / Double(later) }
            #expect(abs(try #require(row.number("attention_share")) - shares.reduce(0, +) / 4) < 1e-6)
            #expect(row.number("head_share") == Double(shares.count { $0 > 0.1 }) / 4)
            let norms = (0..<2).map { head in
                planted.rows(.key, layer: 0, head: head, tokens: token..<token + 1)[0]
                    .reduce(0) { $0 + $1 * $1 }.squareRoot()
            }
            #expect(abs(try #require(row.number("key_norm")) - (norms[0] + norms[1]) / 2) < 1e-9)
        }
        // Both sequences' first tokens are listed.
        #expect(Set(result.rows("attention-sinks").map { $0.integer("token") }).isSuperset(of: [0, 3, 70, 73]))
    }

    /// Equal keys get equal attention, of the tokens within the window.
    @Test func aWindowHidesTokensFromEveryShare() throws {
        var planted = PlantedCapture()
        planted.sequenceLengths = [200]
        planted.windows = [10, nil]
        planted.element = { tensor, _, _, _, _, value in tensor == .key ? 1 : value }
        let result = try study(planted, StructureStudySettings(analyses: [.attention]))
        for (layer, window) in [(0, 10), (1, 200)] {
            let visible = (0..<200).map { min($0 + 1, window) }
            func mean(_ share: (_ position: Int, _ visible: Int) -> Double) -> Double {
                visible.enumerated().reduce(0) { $0 + share($1.offset, $1.element) } / 200
            }
            for row in result.rows("attention-profile", layer: layer) {
                #expect(row.number("sparsity") == 0)
                // Sums of float32 weights may need one token more.
                let needed = mean { ceil(0.9 * Double($1) - 1e-9) / Double($1) }
                let least = mean { _, count in 1 / Double(count) }
                let found = try #require(row.number("tokens_for_90"))
                #expect(found >= needed - 1e-9 && found <= needed + least, "layer \(layer)")
                let first = mean { position, count in
                    min(1, Double(max(0, 4 - (position + 1 - count))) / Double(count))
                }
                #expect(abs(try #require(row.number("first_4_share")) - first) < 1e-5)
                let entropy = mean { log(Double($1)) }
                #expect(abs(try #require(row.number("entropy")) - entropy) < 1e-4)
            }
        }
        // In layer 0 each token gets a tenth of the nine later queries that see it, and more where fewer are seen.
        let rows = result.rows("attention-sinks", layer: 0)
        let plain = rows.filter { (9..<190).contains($0.integer("position") ?? 0) }
        #expect(!plain.isEmpty)
        for row in plain { #expect(abs(try #require(row.number("attention_share")) - 0.1) < 1e-6) }
    }

    @Test func fewerQueriesSampleTheSame() throws {
        let all = try study(planted, StructureStudySettings(analyses: [.attention]))
        let some = try study(planted, StructureStudySettings(analyses: [.attention], maximumQueries: 30))
        let (exact, sampled) = (all.rows("attention-profile"), some.rows("attention-profile"))
        for (a, b) in zip(exact, sampled) {
            #expect(abs((a.number("first_4_share") ?? 0) - (b.number("first_4_share") ?? 1)) < 0.1)
        }
        #expect(some.rows("attention-sinks", layer: 1).filter { $0.string("is_sink") == "yes" }.count == 2)
    }

    @Test func longSequencesAreCutAndThatIsSaid() throws {
        let cut = try study(planted, StructureStudySettings(analyses: [.attention], maximumAttentionTokens: 50))
        #expect(cut.rows("attention-sinks").allSatisfy { ($0.integer("token") ?? 99) < 50 })
        #expect(try #require(cut.warnings.first).contains("the first 50"))
        var short = planted
        short.sequenceLengths = [50]
        #expect(try study(short, StructureStudySettings(analyses: [.attention])).rows("attention-profile").count == 8)
    }
}
