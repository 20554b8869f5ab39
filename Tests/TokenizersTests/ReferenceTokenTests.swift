import Foundation
import Testing
import Tokenizers

/// Ids of independent tokenizers for the same vocabulary, as `make_references.py` wrote them.
struct TokenReference: Decodable, CustomTestStringConvertible {
    let name: String
    /// The vocabulary in one or more formats; relative to the folder, or absolute.
    let files: [String]
    let ids: [[Int32]]
    /// With special tokens parsed, by the index of the text, where that differs.
    let idsWithSpecial: [String: [Int32]]

    enum CodingKeys: String, CodingKey {
        case name, files, ids
        case idsWithSpecial = "ids_with_special"
    }

    var testDescription: String { name }

    struct Text {
        let name: String
        let bytes: [UInt8]
    }

    static func texts(in folder: URL) throws -> [Text] {
        let pairs = try JSONDecoder().decode(
            [[String]].self,
            from: Data(contentsOf: folder.appending(path: "texts.json"))
        )
        return pairs.map { pair in
            let digits = Array(pair[1].utf8)
            let bytes = stride(from: 0, to: digits.count - 1, by: 2).map { index in
                UInt8(String(decoding: digits[index..<index + 2], as: UTF8.self), radix: 16) ?? 0
            }
            return Text(name: pair[0], bytes: bytes)
        }
    }

    static func all(in folder: URL) throws -> [TokenReference] {
        try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            .filter { $0.lastPathComponent.hasSuffix(".ids.json") }
            .sorted { $0.path < $1.path }
            .map { try JSONDecoder().decode(TokenReference.self, from: Data(contentsOf: $0)) }
    }
}

@Suite struct ReferenceTokenTests {
    /// Of real vocabularies, made by hand: they may not be redistributed.
    private static let realReferences = ProcessInfo.processInfo.environment["KVATLAS_TOKENIZER_REFERENCES"]

    private func compare(in folder: URL) throws {
        let texts = try TokenReference.texts(in: folder)
        let references = try TokenReference.all(in: folder)
        #expect(!references.isEmpty)
        for reference in references {
            #expect(reference.ids.count == texts.count)
            for name in reference.files {
                let file = name.hasPrefix("/") ? URL(fileURLWithPath: name) : folder.appending(path: name)
                let tokenizer = try TestModels.load(file)
                for (index, text) in texts.enumerated() {
                    let what = "\(reference.name), \(file.lastPathComponent): \(text.name)"
                    let plain = tokenizer.encode(text.bytes)
                    #expect(plain == reference.ids[index], "\(what)")
                    let special = tokenizer.encode(text.bytes, parseSpecial: true)
                    #expect(special == reference.idsWithSpecial["\(index)"] ?? plain, "\(what), special")
                    let expected = decoded(text.bytes, tokenizer)
                    #expect(tokenizer.decode(plain) == expected, "\(what), decoded")
                    // SentencePiece cannot tell where a space was put behind a token that is parsed.
                    if tokenizer is ByteLevelBPE { #expect(tokenizer.decode(special) == expected, "\(what), special") }
                }
            }
        }
    }

    /// What a text comes back as: all but bytes that the vocabulary lacks, composed if the tokenizer composes; of
    /// SentencePiece, with spaces for their marks.
    private func decoded(_ bytes: [UInt8], _ tokenizer: any Tokenizer) -> [UInt8] {
        guard let tokenizer = tokenizer as? ByteLevelBPE else {
            // By scalar: as a character, a mark with an accent behind it is another.
            let scalars = String(decoding: bytes, as: UTF8.self).unicodeScalars.map { $0 == "\u{2581}" ? " " : $0 }
            return Array(String(String.UnicodeScalarView(scalars)).utf8)
        }
        guard tokenizer.composesCharacters else { return bytes.filter { !tokenizer.missingBytes.contains($0) } }
        let text = String(decoding: bytes, as: UTF8.self).precomposedStringWithCanonicalMapping
        return text.utf8.filter { !tokenizer.missingBytes.contains($0) }
    }

    @Test func smallVocabulariesAgreeWithIndependentTokenizers() throws {
        #expect(try TokenReference.all(in: TestModels.references).count == 7)
        try compare(in: TestModels.references)
    }

    @Test(.enabled(if: realReferences != nil)) func realVocabulariesAgreeWithIndependentTokenizers() throws {
        try compare(in: URL(fileURLWithPath: Self.realReferences ?? ""))
    }

    @Test(arguments: ["gpt2.json", "falcon.json", "llama3.json", "llama2.json", "llama2.model", "gemma.model"])
    func invalidUTF8ComesBack(file: String) throws {
        let tokenizer = try TestModels.load(TestModels.references.appending(path: file))
        var generator = SystemLikeGenerator(state: 5)
        let likely: [UInt8] = [0x20, 0x0A, 0x61, 0x31, 0xC3, 0xA9, 0xE2, 0x96, 0xF0, 0x9F, 0xED, 0xA0, 0xFF, 0x00]
        for length in 0...33 {
            for _ in 0..<20 {
                let bytes = (0..<length).map { _ in likely.randomElement(using: &generator) ?? 0 }
                #expect(tokenizer.decode(tokenizer.encode(bytes)) == bytes)
            }
        }
    }

    /// As `make_invalid_utf8.py` had tiktoken merge them.
    @Test func invalidUTF8IsMergedByItsBytes() throws {
        struct Case: Decodable {
            let bytes: [UInt8]
            let ids: [Int32]

            init(from decoder: any Decoder) throws {
                var pair = try decoder.unkeyedContainer()
                let digits = Array(try pair.decode(String.self))
                bytes = stride(from: 0, to: digits.count - 1, by: 2).compactMap {
                    UInt8(String(digits[$0...$0 + 1]), radix: 16)
                }
                ids = try pair.decode([Int32].self)
            }
        }
        let file = TestModels.references.appending(path: "invalid-utf8.json")
        let golden = try JSONDecoder().decode([String: [Case]].self, from: Data(contentsOf: file))
        #expect(golden.count == 3)
        for (name, cases) in golden {
            let tokenizer = try TestModels.load(TestModels.references.appending(path: name))
            #expect(cases.count == 300 && cases.contains { $0.ids.count < $0.bytes.count })
            for item in cases { #expect(tokenizer.encode(item.bytes) == item.ids, "\(name): \(item.bytes)") }
        }
    }

    @Test func tokensAroundTheTextAreThoseOfTheFile() throws {
        func load(_ name: String) throws -> any Tokenizer {
            try TestModels.load(TestModels.references.appending(path: name))
        }
        #expect(try load("llama3.json").beginToken == 0)
        #expect(try load("llama3.json").endOfTextTokens == [3])
        #expect(try load("gpt2.json").beginToken == nil)
        #expect(try load("llama2.json").beginToken == 1)
        #expect(try load("llama2.model").beginToken == 1)
        #expect(try load("llama2.model").endOfTextTokens == [2])
        #expect(try load("gemma.model").beginToken == 2)
        #expect(try load("gemma.json").finalToken == nil)
    }
}
