import Foundation
import Inference
import Testing

/// What another engine finds likeliest after each token of a text, as `make_gemma3_golden.py` and
/// `Tests/Benchmarks/compare-llama-cpp-logits.py --likeliest` wrote it.
struct LikeliestLogits {
    let tokens: [Int32]
    /// Of each token, the likeliest next ones, best first.
    let ids: [[Int32]]
    let logits: [[Float]]
    /// Of each token, the logarithm of the sum of all exponentials.
    let logSums: [Float]

    init(fixture: String) throws {
        let words = try TestModels.fixture(fixture).withUnsafeBytes { bytes in
            stride(from: 0, to: bytes.count, by: 4).map { bytes.loadUnaligned(fromByteOffset: $0, as: Int32.self) }
        }
        let count = Int(words[0]), top = Int(words[1])
        try #require(words.count == 2 + count * (2 + 2 * top))
        func rows(from first: Int) -> [[Int32]] {
            (0..<count).map { Array(words[first + $0 * top..<first + ($0 + 1) * top]) }
        }
        func floats(_ words: some Sequence<Int32>) -> [Float] {
            words.map { Float(bitPattern: UInt32(bitPattern: $0)) }
        }
        tokens = Array(words[2..<2 + count])
        ids = rows(from: 2 + count)
        logits = rows(from: 2 + count * (1 + top)).map { floats($0) }
        logSums = floats(words[(2 + count * (1 + 2 * top))...])
    }
}

/// The shipped chapter's first tokens on real weights, dequantized to float32, in other engines.
struct LikeliestLogitTests {
    private struct Case: Sendable, CustomTestStringConvertible {
        let model: String
        let fixture: String
        var testDescription: String { fixture }
    }

    /// Of a logit and of the sum's logarithm: two float32 engines were found 1.3e-4 apart, a wrong layer moves whole units.
    private static let tolerance: Float = 1e-3

    private static let cases = [
        Case(model: TestModels.smolLM2, fixture: "smollm2-135m-llama-cpp-logits.bin"),
        Case(model: TestModels.qwen, fixture: "qwen2.5-coder-0.5b-llama-cpp-logits.bin"),
        Case(model: TestModels.largeQwen, fixture: "qwen2.5-coder-1.5b-llama-cpp-logits.bin"),
        // Longer than its window of 512 tokens.
        Case(model: TestModels.gemma, fixture: "gemma-3-270m-transformers.bin"),
    ].filter { TestModels.exists($0.model) }

    @Test(arguments: cases)
    private func likeliestTokensAreThoseOfOtherEngines(_ item: Case) throws {
        let golden = try LikeliestLogits(fixture: item.fixture)
        let model = try LanguageModel(path: TestModels.path(item.model))
        let count = golden.tokens.count, vocabulary = model.configuration.vocabularySize
        let windows = Set(model.configuration.attention.layers.compactMap { $0.window })
        #expect(count >= 512 && windows.allSatisfy { $0 < count })
        #expect(Array(model.encode(Array(try TestModels.fixture("alice.txt"))).prefix(count)) == golden.tokens)

        let cache = model.makeCache(capacity: count)
        let logits = try #require(try model.forward(golden.tokens, cache: cache, logits: .all)).elements
        var divergence = 0.0, agreeing = 0, farthest: Float = 0
        for token in 0..<count {
            let row = logits[token * vocabulary..<(token + 1) * vocabulary], first = row.startIndex
            let largest = Double(row.max() ?? 0)
            let logSum = largest + log(row.reduce(0.0) { $0 + exp(Double($1) - largest) })
            farthest = max(farthest, abs(Float(logSum) - golden.logSums[token]))
            for (id, expected) in zip(golden.ids[token], golden.logits[token]) {
                let found = row[first + Int(id)]
                farthest = max(farthest, abs(found - expected))
                let theirs = Double(expected) - Double(golden.logSums[token]), ours = Double(found) - logSum
                divergence += exp(theirs) * (theirs - ours) / Double(count)
            }
            if row.indices.max(by: { row[$0] < row[$1] }) == first + Int(golden.ids[token][0]) { agreeing += 1 }
        }
        print(
            "\(item.fixture): divergence \(divergence), farthest \(farthest), \(agreeing) of \(count) likeliest equal"
        )
        #expect(farthest < Self.tolerance)
        #expect(abs(divergence) < 1e-4 && agreeing * 100 >= count * 99)
    }
}
