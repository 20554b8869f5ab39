import Foundation
import Inference
import Testing

/// Real Gemma 3 weights beyond the sliding window against Hugging Face transformers in float32
/// (`Tests/Fixtures/inference/make_gemma3_golden.py`).
@Suite(.enabled(if: TestModels.exists(TestModels.gemma))) struct Gemma3GoldenTests {
    private struct Golden {
        let tokens: [Int32]
        /// Of each token, the likeliest next ones, best first.
        let ids: [[Int32]]
        let logits: [[Float]]
        /// Of each token, the logarithm of the sum of all exponentials.
        let logSums: [Float]

        init() throws {
            let words = try TestModels.fixture("gemma-3-270m-transformers.bin").withUnsafeBytes { bytes in
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

    @Test func logitsAreThoseOfTransformersBeyondTheWindow() throws {
        let golden = try Golden(), model = try LanguageModel(path: TestModels.path(TestModels.gemma))
        let count = golden.tokens.count, vocabulary = model.configuration.vocabularySize
        let windows = Set(model.configuration.attention.layers.compactMap { $0.window })
        #expect(windows == [512] && count > 512)
        let text = try #require(String(data: TestModels.fixture("alice.txt"), encoding: .utf8))
        #expect(Array(model.encode(Array(text.utf8)).prefix(count)) == golden.tokens)

        let cache = model.makeCache(capacity: count)
        let logits = try #require(try model.forward(golden.tokens, cache: cache, logits: .all)).elements
        var divergence = 0.0, agreeing = 0
        for token in 0..<count {
            let row = logits[token * vocabulary..<(token + 1) * vocabulary], first = row.startIndex
            let largest = Double(row.max() ?? 0)
            let logSum = largest + log(row.reduce(0.0) { $0 + exp(Double($1) - largest) })
            #expect(abs(logSum - Double(golden.logSums[token])) < 2e-3, "token \(token)")
            for (id, expected) in zip(golden.ids[token], golden.logits[token]) {
                let found = row[first + Int(id)]
                #expect(abs(found - expected) < 5e-3, "token \(token), next \(id): \(found), not \(expected)")
                let theirs = Double(expected) - Double(golden.logSums[token]), ours = Double(found) - logSum
                divergence += exp(theirs) * (theirs - ours) / Double(count)
            }
            if row.indices.max(by: { row[$0] < row[$1] }) == first + Int(golden.ids[token][0]) { agreeing += 1 }
        }
        print("gemma: divergence \(divergence) over the likeliest, \(agreeing) of \(count) likeliest tokens equal")
        #expect(abs(divergence) < 1e-4 && agreeing * 100 >= count * 99)
    }
}
