import Foundation
import Inference
import Testing

/// All logits of 512 tokens against llama.cpp on the same weights in float32, as
/// `Tests/Benchmarks/compare-llama-cpp-logits.sh` has them written; by hand, since they are gigabytes.
@Suite struct LlamaCppLogitTests {
    private static let folder = ProcessInfo.processInfo.environment["KVATLAS_LOGITS"].map { URL(filePath: $0) }

    private static let files: [URL] = {
        guard let folder else { return [] }
        let all = try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        return (all ?? []).filter { $0.pathExtension == "logits" }.sorted { $0.path < $1.path }
    }()

    private struct Reference {
        let model: String
        let tokens: [Int32]
        let vocabularySize: Int
        private let data: Data
        private let firstLogit: Int

        init(_ file: URL) throws {
            let data = try Data(contentsOf: file, options: .alwaysMapped)
            func integers(_ count: Int, at place: Int) -> [Int32] {
                data[place..<place + 4 * count].withUnsafeBytes { bytes in
                    (0..<count).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Int32.self) }
                }
            }
            let pathBytes = Int(integers(1, at: 0)[0])
            model = String(decoding: data[4..<4 + pathBytes], as: UTF8.self)
            let sizes = integers(2, at: 4 + pathBytes), count = Int(sizes[0])
            vocabularySize = Int(sizes[1])
            tokens = integers(count, at: 12 + pathBytes)
            firstLogit = 12 + pathBytes + 4 * count
            self.data = data
            try #require(data.count == firstLogit + 4 * count * vocabularySize)
        }

        func logits(_ token: Int) -> [Float] {
            let first = firstLogit + 4 * token * vocabularySize
            return data[first..<first + 4 * vocabularySize].withUnsafeBytes { bytes in
                (0..<vocabularySize).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
            }
        }
    }

    /// Logarithms of probabilities.
    private func logProbabilities(_ logits: some Collection<Float>) -> [Double] {
        let largest = Double(logits.max() ?? 0)
        let sum = logits.reduce(0.0) { $0 + exp(Double($1) - largest) }
        return logits.map { Double($0) - largest - log(sum) }
    }

    @Test(.enabled(if: folder != nil)) func thereAreReferences() { #expect(!Self.files.isEmpty) }

    @Test(arguments: files)
    func distributionsAreThoseOfLlamaCpp(_ file: URL) throws {
        let reference = try Reference(file), model = try LanguageModel(path: reference.model)
        #expect(model.configuration.vocabularySize == reference.vocabularySize)
        let count = reference.tokens.count, cache = model.makeCache(capacity: count)
        let logits = try #require(try model.forward(reference.tokens, cache: cache, logits: .all)).elements
        var divergence = 0.0, worst = 0.0, agreeing = 0, losses = (ours: 0.0, theirs: 0.0)
        for token in 0..<count {
            let row = logits[token * reference.vocabularySize..<(token + 1) * reference.vocabularySize]
            let theirs = logProbabilities(reference.logits(token)), ours = logProbabilities(row)
            let here = zip(theirs, ours).reduce(0.0) { $0 + exp($1.0) * ($1.0 - $1.1) }
            divergence += here / Double(count)
            worst = max(worst, here)
            let likeliest = theirs.indices.max { theirs[$0] < theirs[$1] }
            if likeliest == ours.indices.max(by: { ours[$0] < ours[$1] }) { agreeing += 1 }
            if token + 1 < count {
                let next = Int(reference.tokens[token + 1])
                losses.ours -= ours[next] / Double(count - 1)
                losses.theirs -= theirs[next] / Double(count - 1)
            }
        }
        let agreement = Double(agreeing) / Double(count)
        print(
            "\(file.lastPathComponent): \(count) tokens, divergence mean \(divergence), worst \(worst) nats, likeliest "
                + "token \(100 * agreement) %, perplexity \(exp(losses.ours)), llama.cpp \(exp(losses.theirs))"
        )
        #expect(divergence <= 1e-4 && divergence >= -1e-9)
        #expect(agreement >= 0.99)
        #expect(abs(exp(losses.ours - losses.theirs) - 1) < 0.005)
    }
}
