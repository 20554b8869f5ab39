import Testing
import Tokenizers

@Suite struct SpecialTokenTests {
    @Test func controlTokensAreParsedOnlyOnDemand() throws {
        var vocabulary = SyntheticVocabulary()
        let control = vocabulary.add("<|x|>", type: 3)
        let tokenizer = try vocabulary.tokenizer()
        #expect(tokenizer.encode("a<|x|>b") == Array("a<|x|>b".utf8).map { Int32($0) })
        #expect(tokenizer.encode("a<|x|>b", parseSpecial: true) == [97, control, 98])
        #expect(tokenizer.decodeText([97, control, 98]) == "a<|x|>b")
        #expect(tokenizer.decode([97, control, 98], skipControl: true) == [97, 98])
    }

    @Test func userDefinedTokensAreAlwaysParsed() throws {
        var vocabulary = SyntheticVocabulary()
        let user = vocabulary.add("  ", type: 4)
        #expect(try vocabulary.tokenizer().encode("a  b") == [97, user, 98])
        #expect(try vocabulary.tokenizer().encode("a   b", parseSpecial: true) == [97, user, 32, 98])
    }

    @Test func leftmostTokenWinsEvenIfALongerOneBeginsLater() throws {
        var vocabulary = SyntheticVocabulary()
        let short = vocabulary.add("abc", type: 4)
        _ = vocabulary.add("bcde", type: 4)
        #expect(try vocabulary.tokenizer().encode("abcde") == [short, 100, 101])
    }

    @Test func longestOfThoseThatBeginAlikeWins() throws {
        var vocabulary = SyntheticVocabulary()
        let ids = ["<u>", "<u1>", "<u10>", "<u1>x"].map { vocabulary.add($0, type: 3) }
        let tokenizer = try vocabulary.tokenizer()
        let found = tokenizer.encode("<u><u1><u10><u1>x<u1", parseSpecial: true)
        #expect(found == [ids[0], ids[1], ids[2], ids[3]] + Array("<u1".utf8).map { Int32($0) })
    }

    /// Many that begin alike, as Gemma has, must not cost more than their number's logarithm a place.
    @Test func thousandsOfTokensAreFoundFast() throws {
        var vocabulary = SyntheticVocabulary()
        var ids: [Int32] = []
        for index in 0..<6000 { ids.append(vocabulary.add("<unused\(index)>", type: 3)) }
        let tokenizer = try vocabulary.tokenizer()
        let text = (0..<6000).map { "<unused\($0)><<<<" }.joined()
        let clock = ContinuousClock()
        var found: [Int32] = []
        let time = clock.measure { found = tokenizer.encode(text, parseSpecial: true) }
        #expect(found.filter { $0 >= 256 } == ids)
        #expect(time < .seconds(30))
    }

    @Test func leftmostOccurrenceOfOneTokenWins() throws {
        var vocabulary = SyntheticVocabulary()
        let token = vocabulary.add("aba", type: 4)
        #expect(try vocabulary.tokenizer().encode("ababa") == [token, 98, 97])
    }

    @Test func specialTokenAtBothEndsAndAlone() throws {
        var vocabulary = SyntheticVocabulary()
        let token = vocabulary.add("<s>", type: 3)
        let tokenizer = try vocabulary.tokenizer()
        #expect(tokenizer.encode("<s>", parseSpecial: true) == [token])
        #expect(tokenizer.encode("<s><s>", parseSpecial: true) == [token, token])
        #expect(tokenizer.encode("<s>x<s>", parseSpecial: true) == [token, 120, token])
        #expect(tokenizer.encode("<s", parseSpecial: true) == [60, 115])
    }

    /// White space before a special token is at the end of its piece of text.
    @Test func textBetweenSpecialTokensIsCutOnItsOwn() throws {
        var vocabulary = SyntheticVocabulary()
        vocabulary.merge("Ġ", "Ġ")
        let token = vocabulary.add("<s>", type: 3)
        let tokenizer = try vocabulary.tokenizer()
        #expect(tokenizer.encode("  <s>", parseSpecial: true) == [vocabulary.id("ĠĠ"), token])
        #expect(tokenizer.encode("  <") == [32, 32, 60])
    }

    @Test func knownEndTokensAreFound() throws {
        var vocabulary = SyntheticVocabulary()
        let end = vocabulary.add("<|im_end|>", type: 3)
        _ = vocabulary.add("<|endoftext|>", type: 1)
        #expect(try vocabulary.tokenizer().endOfTextTokens == [end])
    }
}

@Suite struct VocabularyErrorTests {
    private func error(
        tokens: [String] = ["a", "b"],
        merges: [String] = [],
        types: [Int] = [],
        begin: Int32? = nil,
        ends: Set<Int32> = []
    ) -> TokenizerError? {
        #expect(throws: TokenizerError.self) {
            try ByteLevelBPE(
                tokens: tokens,
                merges: merges,
                tokenTypes: types,
                preTokenizer: .gpt2,
                beginToken: begin,
                endTokens: ends
            )
        }
    }

    @Test func noTokens() {
        #expect(error(tokens: []) == .emptyVocabulary)
    }

    @Test func duplicateTokens() {
        #expect(error(tokens: ["a", "b", "a"]) == .duplicateToken(text: "a", first: 0, second: 2))
    }

    @Test func specialTokensOfGiantLength() {
        let long = String(repeating: "x", count: 1 << 20)
        #expect(error(tokens: ["a", long], types: [1, 3]) == .tokenTooLong(id: 1, bytes: 1 << 20, limit: 512))
    }

    @Test func kindsOfAnotherCount() {
        #expect(error(types: [1]) == .kindCountDiffers(tokens: 2, kinds: 1))
    }

    @Test(arguments: [0, 7, -1]) func kindThatDoesNotExist(kind: Int) {
        #expect(error(types: [1, kind]) == .unknownTokenKind(token: 1, kind: kind))
    }

    @Test(arguments: ["ab", "", " ", "a ", " b", "a b c", "a \u{4E00}", "a  b"]) func malformedMerge(text: String) {
        #expect(error(merges: ["a b", text]) == .malformedMerge(index: 1, text: text))
    }

    @Test func specialTokensOutOfRange() {
        #expect(error(begin: 2) == .tokenOutOfRange(role: "begin-of-text", id: 2, vocabularySize: 2))
        #expect(error(ends: [-1]) == .tokenOutOfRange(role: "end-of-text", id: -1, vocabularySize: 2))
    }

    @Test func unknownPreTokenizerNamesTheNearest() throws {
        let error = #expect(throws: TokenizerError.self) { try PreTokenizer(name: "smolm") }
        #expect(error == .unknownPreTokenizer("smolm", nearest: "smollm"))
        #expect(error?.description.contains("qwen2") == true)
        #expect(throws: TokenizerError.unknownPreTokenizer("", nearest: nil)) { try PreTokenizer(name: "") }
        #expect(try PreTokenizer(name: "gpt-2") == .gpt2)
    }
}
