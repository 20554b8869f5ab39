import Foundation
import Testing
import Tokenizers

/// What the fuzzers of `Tests/Fuzzing` begin with and what they have found: read, or refused with a message.
@Suite struct FuzzCorpusTests {
    private static let text = Array("the  é 日本\n\u{0} <s>".utf8) + [0xFF, 0xC3]

    private func files(_ parser: String) throws -> [(name: String, bytes: [UInt8])] {
        let folder = TestModels.repository.appending(path: "Tests/Fuzzing/Corpus/\(parser)")
        return try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted().map { name in
            (name, Array(try Data(contentsOf: folder.appending(path: name))))
        }
    }

    @Test func tokenizerFiles() throws {
        let all = try files("tokenizer-json")
        #expect(all.contains { $0.name == "byte-level" } && all.contains { $0.name == "byte-fallback" })
        for (name, bytes) in all {
            do {
                let tokenizer = try HuggingFaceTokenizer.load(bytes)
                _ = tokenizer.decode(tokenizer.encode(Self.text, parseSpecial: true))
            } catch {
                #expect(error is TokenizerError && name.hasPrefix("found"), "\(name): \(error)")
            }
        }
    }

    @Test func sentencePieceModels() throws {
        let all = try files("sentencepiece")
        #expect(all.contains { $0.name == "byte-fallback" } && all.contains { $0.name == "few" })
        for (name, bytes) in all {
            do {
                let tokenizer = try SentencePieceModelFile(bytes).tokenizer()
                _ = tokenizer.decode(tokenizer.encode(Self.text, parseSpecial: true))
            } catch {
                #expect(error is TokenizerError && name.hasPrefix("found"), "\(name): \(error)")
            }
        }
    }
}
