import Testing
import Tokenizers

/// Ids equal to an independent engine's on real vocabularies.
@Suite struct GoldenTokenTests {
    private func compare(_ tokenizer: ByteLevelBPE, with golden: Golden) {
        #expect(tokenizer.vocabularySize == golden.vocabulary)
        #expect(golden.cases.count >= 40)
        for item in golden.cases {
            let ids = tokenizer.encode(item.bytes)
            #expect(ids == item.ids, "\(item.name)")
            #expect(tokenizer.encode(item.bytes, parseSpecial: true) == item.idsWithSpecial, "\(item.name), special")
            let kept = item.bytes.filter { !tokenizer.missingBytes.contains($0) }
            #expect(tokenizer.decode(ids) == kept, "\(item.name), decoded")
            #expect(tokenizer.decode(item.idsWithSpecial) == kept, "\(item.name), special decoded")
        }
    }

    @Test(.enabled(if: TestModels.exists(TestModels.smollm2)))
    func smollm2AgreesWithLlamaCpp() throws {
        compare(try TestModels.tokenizer(TestModels.smollm2), with: try Golden(fixture: "smollm2.json"))
    }

    @Test(.enabled(if: TestModels.exists(TestModels.qwen2)))
    func qwen2AgreesWithLlamaCpp() throws {
        compare(try TestModels.tokenizer(TestModels.qwen2), with: try Golden(fixture: "qwen2.json"))
    }

    @Test(.enabled(if: TestModels.exists(TestModels.smollm2)))
    func smollm2KnowsWhereTextsEnd() throws {
        let tokenizer = try TestModels.tokenizer(TestModels.smollm2)
        #expect(tokenizer.endOfTextTokens == [0, 2])
        #expect(tokenizer.isControl(2))
        #expect(tokenizer.decode([1, 9690, 2], skipControl: true) == Array("system".utf8))
    }

    /// Each byte alone, and each after a letter, whether or not it is UTF-8.
    @Test(.enabled(if: TestModels.exists(TestModels.smollm2)))
    func invalidUTF8KeepsItsBytes() throws {
        let tokenizer = try TestModels.tokenizer(TestModels.smollm2)
        for byte in UInt8.min...UInt8.max where !tokenizer.missingBytes.contains(byte) {
            for text in [[byte], [0x61, byte], [byte, 0x61, byte], [0x20, byte, byte]] {
                #expect(tokenizer.decode(tokenizer.encode(text)) == text)
            }
        }
    }
}
