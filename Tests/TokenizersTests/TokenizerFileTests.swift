import Foundation
import Testing
import Tokenizers

@Suite struct TokenizerFileTests {
    private func load(_ text: String) throws -> any Tokenizer { try HuggingFaceTokenizer.load(Array(text.utf8)) }

    private func error(_ text: String) -> TokenizerError? {
        #expect(throws: TokenizerError.self) { try load(text) }
    }

    /// A file with one part other than usual.
    private func file(
        added: String = "[]",
        normalizer: String = "null",
        preTokenizer: String = #"{"type":"ByteLevel","add_prefix_space":false}"#,
        postProcessor: String = "null",
        decoder: String = "null",
        model: String = #""type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]"#
    ) -> String {
        #"{"added_tokens":\#(added),"normalizer":\#(normalizer),"pre_tokenizer":\#(preTokenizer),"#
            + #""post_processor":\#(postProcessor),"decoder":\#(decoder),"model":{\#(model)}}"#
    }

    @Test func mergesAreReadInBothForms() throws {
        #expect(try load(file()).encode("abb") == [2, 1])
        let pairs = #""type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":[["a","b"]]"#
        #expect(try load(file(model: pairs)).encode("abb") == [2, 1])
    }

    @Test func escapesAreRead() throws {
        let model = #""type":"BPE","vocab":{"\u0061":0,"\"":1,"\ud83d\ude42":2,"\\":3},"merges":[]"#
        let added = #"[{"id":4,"content":"\ud83d\ude42\n\t\/","special":true}]"#
        let tokenizer = try load(file(added: added, model: model))
        #expect(tokenizer.encode("a\"\\🙂\n\t/", parseSpecial: true) == [0, 1, 3, 4])
    }

    @Test func addedTokensMayLeaveGaps() throws {
        let tokenizer = try load(file(added: #"[{"id":9,"content":"<x>","special":true}]"#))
        #expect(tokenizer.vocabularySize == 10)
        #expect(tokenizer.encode("a<x>", parseSpecial: true) == [0, 9])
        #expect(tokenizer.encode("a<a") == [0, 0])
        #expect(tokenizer.decode([5]) == [])
    }

    /// A part that is not known would change tokens; its name is in the error.
    @Test func unknownComponentsAreRefusedByName() {
        let refused: [(String, String)] = [
            (file(normalizer: #"{"type":"Lowercase"}"#), "Lowercase"),
            (file(normalizer: #"{"type":"Sequence","normalizers":[{"type":"NFC"},{"type":"Strip"}]}"#), "Strip"),
            (file(preTokenizer: #"{"type":"Whitespace"}"#), "Whitespace"),
            (file(preTokenizer: #"{"type":"ByteLevel","add_prefix_space":true}"#), "add_prefix_space"),
            (file(preTokenizer: "null"), "pre-tokenizer"),
            (
                file(
                    preTokenizer: #"{"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":"x+"},"#
                        + #""behavior":"Isolated","invert":false},{"type":"ByteLevel","add_prefix_space":false,"#
                        + #""use_regex":false}]}"#
                ), "x+"
            ),
            (file(decoder: #"{"type":"WordPiece"}"#), "WordPiece"),
            (file(postProcessor: #"{"type":"BertProcessing"}"#), "BertProcessing"),
            (file(model: #""type":"Unigram","vocab":[["a",0.0]]"#), "Unigram"),
            (file(model: #""type":"BPE","dropout":0.1,"vocab":{"a":0},"merges":[]"#), "dropout"),
            (
                file(model: #""type":"BPE","continuing_subword_prefix":"@@","vocab":{"a":0},"merges":[]"#),
                "continuing_subword_prefix"
            ),
            (file(added: #"[{"id":3,"content":"<x>","lstrip":true,"special":true}]"#), "lstrip"),
        ]
        for (text, name) in refused {
            guard case .unsupportedComponent = error(text) else {
                Issue.record("\(name) is not refused")
                continue
            }
            #expect(error(text)?.description.contains(name) == true, "\(name)")
        }
    }

    @Test func contradictionsAreNamed() {
        func model(_ vocabulary: String, _ merges: String) -> String {
            file(model: #""type":"BPE","vocab":{\#(vocabulary)},"merges":[\#(merges)]"#)
        }
        #expect(error(model(#""a":0,"b":0"#, "")) == .duplicateIdentifier(0, first: "a", second: "b"))
        #expect(error(model(#""a":0,"a":1"#, "")) == .duplicateToken(text: "a", first: 0, second: 1))
        let far = error(model(#""a":0,"b":999999999999"#, ""))
        #expect(far == .identifierBeyondVocabulary(999_999_999_999, text: "b", count: 2))
        #expect(error(model(#""a":-1"#, "")) == .identifierBeyondVocabulary(-1, text: "a", count: 1))
        #expect(error(model("", "")) == .emptyVocabulary)
        let outside = error(model(#""a":0,"b":1"#, #""a b""#))
        #expect(outside == .mergeOutsideVocabulary(index: 0, text: "a b", missing: "ab"))
        let twice = error(model(#""a":0,"aa":1"#, #""a a","a a""#))
        #expect(twice == .duplicateMerge(index: 1, text: "a a"))
        let added = error(file(added: #"[{"id":0,"content":"<x>","special":true}]"#))
        #expect(added == .duplicateIdentifier(0, first: "a", second: "<x>"))
        let unknown = error(file(model: #""type":"BPE","vocab":{"a":0},"merges":[],"unk_token":"<u>""#))
        #expect(unknown == .missingToken(role: "unknown", text: "<u>"))
    }

    @Test(
        arguments: [
            "", "[]", "{", "{}", "null", #"{"model":1}"#, #"{"model":{}} x"#, #"{"model":{"vocab":{"a":"0"}}}"#,
            #"{"model":{"vocab":{"a":0.5}}}"#, #"{"model":{"vocab":{"a":1e999}}}"#, #"{"model":{"merges":["ab"]}}"#,
            #"{"model":{"merges":[["a"]]}}"#, #"{"model":{"merges":[["a","b","c"]]}}"#, "{\"a\": \"\n\"}",
            #"{"a": "\x"}"#, #"{"a": "\ud800"}"#, #"{"a": "\u12"}"#, #"{"a": tru}"#, #"{"a": 1,}"#, #"{"a" 1}"#,
            #"{"added_tokens":[{"id":1}]}"#, "{\"a\": -}",
        ]
    ) func malformedFilesAreRefused(text: String) {
        guard let error = error(text) else { return }
        if case .malformedFile = error { return }
        Issue.record("\(error)")
    }

    @Test func deepNestingIsRefused() {
        for open in ["[", #"{"a":"#] {
            let text = #"{"normalizer":"# + String(repeating: open, count: 1 << 20)
            #expect(error(text)?.description.contains("deep") == true)
            #expect(error(#"{"x":"# + String(repeating: open, count: 1 << 20))?.description.contains("deep") == true)
        }
        let wide = #"{"normalizer":["# + String(repeating: "0,", count: 1 << 20)
        #expect(error(wide)?.description.contains("more than") == true)
    }

    /// Cut anywhere, or with any byte changed, a file is refused or read, and never ends the program.
    @Test(arguments: ["llama3.json", "llama2.json"]) func damagedFilesDoNotCrash(name: String) throws {
        let whole = try TestModels.bytes(TestModels.references.appending(path: name))
        for end in stride(from: 0, to: whole.count, by: whole.count / 97) {
            #expect(throws: TokenizerError.self) { try HuggingFaceTokenizer.load(Array(whole[..<end])) }
        }
        var generator = SystemLikeGenerator(state: 21)
        for _ in 0..<150 {
            var bytes = whole
            for _ in 0..<3 {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            do {
                _ = try HuggingFaceTokenizer.load(bytes).encode("Some text, 123 ▁ \u{0}")
            } catch let error as TokenizerError {
                #expect(!error.description.isEmpty)
            }
        }
    }

    @Test func settingsOfOtherFilesGoBefore() throws {
        let configuration = #"{"add_bos_token":false,"bos_token":{"content":"<s>"},"eos_token":"</s>"}"#
        let settings = try TokenizerSettings(configuration: Array(configuration.utf8))
        #expect(settings.addsBegin == false)
        #expect(settings.beginText == "<s>")
        let bytes = try TestModels.bytes(TestModels.references.appending(path: "llama2.json"))
        let tokenizer = try HuggingFaceTokenizer.load(bytes, settings: settings)
        #expect(tokenizer.beginToken == nil)
        #expect(tokenizer.endOfTextTokens == [2])
        var both = settings
        (both.addsBegin, both.addsEnd) = (true, true)
        #expect(try HuggingFaceTokenizer.load(bytes, settings: both).beginToken == 1)
        #expect(try HuggingFaceTokenizer.load(bytes, settings: both).finalToken == 2)
        let ids = #"{"eos_token_id": [1, 7]}"#
        #expect(try TokenizerSettings.endTokens(Array(ids.utf8)) == [1, 7])
        #expect(try TokenizerSettings.endTokens(Array("{}".utf8)) == [])
        #expect(throws: TokenizerError.self) {
            try TokenizerSettings.endTokens(Array(#"{"eos_token_id": "x"}"#.utf8))
        }
    }

    /// Gemma's lists thousands of tokens, each with its settings.
    @Test func settingsAreFoundAmongThousandsOfTokens() throws {
        let token = #"{"content": "<unused>", "lstrip": false, "normalized": false, "special": true}"#
        let list = (0..<9000).map { "\"\($0)\": \(token)" }.joined(separator: ", ")
        let text = "{\"added_tokens_decoder\": {\(list)}, \"bos_token\": \"<bos>\", \"add_bos_token\": true}"
        let settings = try TokenizerSettings(configuration: Array(text.utf8))
        #expect(settings.beginText == "<bos>" && settings.addsBegin == true && settings.endText == nil)
        #expect(throws: TokenizerError.self) { try TokenizerSettings(configuration: Array(text.dropLast().utf8)) }
    }
}

@Suite struct SentencePieceModelFileTests {
    private func error(_ bytes: [UInt8]) -> TokenizerError? {
        #expect(throws: TokenizerError.self) { try SentencePieceModelFile(bytes).tokenizer() }
    }

    /// A message field of bytes.
    private func field(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] { [number << 3 | 2, UInt8(bytes.count)] + bytes }

    /// Of the trainer: BPE.
    private var trainer: [UInt8] { field(2, [3 << 3, 2]) }
    /// Of the normalizer: extra spaces stay.
    private var normalizer: [UInt8] { field(3, [4 << 3, 0]) }
    private func piece(_ text: String, kind: UInt8 = 1) -> [UInt8] {
        field(1, field(1, Array(text.utf8)) + [3 << 3, kind])
    }

    private var pieces: [UInt8] {
        piece("<unk>", kind: 2) + piece("<s>", kind: 3) + piece("</s>", kind: 3) + piece("a") + piece("▁a")
    }

    @Test func smallestModelIsRead() throws {
        let tokenizer = try SentencePieceModelFile(pieces + trainer + normalizer).tokenizer()
        #expect(tokenizer.encode("aa") == [4, 3])
        #expect(tokenizer.encode("x") == [0])
        #expect(tokenizer.beginToken == 1)
        #expect(tokenizer.endOfTextTokens == [2])
    }

    @Test func otherModelsAreRefusedByName() {
        let refused: [([UInt8], String)] = [
            (pieces + normalizer, "UNIGRAM"),
            (pieces + field(2, [3 << 3, 3]) + normalizer, "WORD"),
            (pieces + trainer, "remove_extra_whitespaces"),
            (pieces + trainer + field(3, field(1, Array("nmt_nfkc".utf8)) + field(2, [1])), "nmt_nfkc"),
            (pieces + trainer + field(3, [4 << 3, 0, 5 << 3, 0]), "escape_whitespaces"),
            (pieces + field(2, [3 << 3, 2, 0xC0, 1, 1]) + normalizer, "treat_whitespace_as_suffix"),
        ]
        for (bytes, name) in refused { #expect(error(bytes)?.description.contains(name) == true, "\(name)") }
    }

    @Test func damagedMessagesAreRefused() {
        let damaged: [[UInt8]] = [
            [], [0x0A], [0x0A, 0xFF], [0x0A, 5, 1], [0x0B], [0], [0x09, 1], [0x0D, 1],
            [UInt8](repeating: 0xFF, count: 11), [0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F],
            field(1, field(1, [0xFF])),
        ]
        for bytes in damaged {
            guard case .malformedFile = error(bytes) else {
                Issue.record("\(bytes) is not refused")
                continue
            }
        }
    }

    @Test(arguments: ["llama2.model", "gemma.model"]) func damagedFilesDoNotCrash(name: String) throws {
        let whole = try TestModels.bytes(TestModels.references.appending(path: name))
        var generator = SystemLikeGenerator(state: 22)
        for round in 0..<300 {
            var bytes = whole
            if round % 2 == 0 {
                bytes.removeLast(Int.random(in: 1..<bytes.count, using: &generator))
            } else {
                for _ in 0..<3 {
                    let place = Int.random(in: 0..<bytes.count, using: &generator)
                    bytes[place] = UInt8.random(in: 0...255, using: &generator)
                }
            }
            do {
                _ = try SentencePieceModelFile(bytes).tokenizer().encode("Some text, 123 ▁ \u{0}")
            } catch let error as TokenizerError {
                #expect(!error.description.isEmpty)
            }
        }
    }
}
