import Testing
import Tokenizers

@Suite struct ByteLevelBPETests {
    @Test func withoutMergesEachByteIsItsToken() throws {
        let tokenizer = try SyntheticVocabulary().tokenizer()
        let bytes = Array(UInt8.min...UInt8.max)
        #expect(tokenizer.encode(bytes) == bytes.map { Int32($0) })
        #expect(tokenizer.decode(bytes.map { Int32($0) }) == bytes)
        #expect(tokenizer.missingBytes.isEmpty)
    }

    @Test func emptyTextHasNoTokens() throws {
        let tokenizer = try SyntheticVocabulary().tokenizer()
        #expect(tokenizer.encode("") == [])
        #expect(tokenizer.encode([], parseSpecial: true) == [])
        #expect(tokenizer.decode([]) == [])
    }

    @Test func lowestRankMergesFirst() throws {
        var vocabulary = SyntheticVocabulary()
        vocabulary.merge("b", "c")
        vocabulary.merge("a", "b")
        #expect(try vocabulary.tokenizer().encode("abc") == [97, vocabulary.id("bc")])
    }

    @Test func leftmostOfEqualPairsMergesFirst() throws {
        var vocabulary = SyntheticVocabulary()
        vocabulary.merge("a", "a")
        let aa = vocabulary.id("aa")
        #expect(try vocabulary.tokenizer().encode("aaa") == [aa, 97])
        #expect(try vocabulary.tokenizer().encode("aaaaa") == [aa, aa, 97])
    }

    /// `ab c` is queued before `b c` exists no more; the stale pair must not merge.
    @Test func stalePairsAreSkipped() throws {
        var vocabulary = SyntheticVocabulary()
        vocabulary.merge("a", "b")
        vocabulary.merge("b", "c")
        vocabulary.merge("ab", "c")
        #expect(try vocabulary.tokenizer().encode("abc") == [vocabulary.id("abc")])
        #expect(try vocabulary.tokenizer().encode("xbc") == [120, vocabulary.id("bc")])
    }

    @Test func stepsThatAreNoTokensFallBackToBytes() throws {
        var vocabulary = SyntheticVocabulary()
        vocabulary.merge("a", "b", addToken: false)
        vocabulary.merge("ab", "c")
        #expect(try vocabulary.tokenizer().encode("abc") == [vocabulary.id("abc")])
        #expect(try vocabulary.tokenizer().encode("ab") == [97, 98])
    }

    /// Against the definition: scan all pairs, merge the best, until none is left.
    @Test func fastMergingEqualsTheDefinition() throws {
        var vocabulary = SyntheticVocabulary()
        var generator = SystemLikeGenerator(state: 7)
        var parts = ["a", "b", "c"]
        for _ in 0..<60 {
            let (left, right) = (parts.randomElement(using: &generator), parts.randomElement(using: &generator))
            guard let left, let right, left.count + right.count <= 12 else { continue }
            guard !vocabulary.merges.contains("\(left) \(right)") else { continue }
            vocabulary.merge(left, right)
            if !parts.contains(left + right) { parts.append(left + right) }
        }
        let tokenizer = try vocabulary.tokenizer()
        for length in 0...33 {
            for _ in 0..<30 {
                let word = (0..<length).map { _ in "abc".randomElement(using: &generator) ?? "a" }
                #expect(tokenizer.encode(String(word)) == slowly(word.map { String($0) }, vocabulary))
            }
        }
    }

    private func slowly(_ letters: [String], _ vocabulary: SyntheticVocabulary) -> [Int32] {
        var word = letters
        while word.count > 1 {
            let ranks = (0..<word.count - 1).map {
                vocabulary.merges.firstIndex(of: "\(word[$0]) \(word[$0 + 1])") ?? .max
            }
            guard let best = ranks.min(), best < .max, let place = ranks.firstIndex(of: best) else { break }
            word.replaceSubrange(place...place + 1, with: [word[place] + word[place + 1]])
        }
        return word.map { vocabulary.id($0) }
    }

    @Test func longWordIsNotQuadratic() throws {
        var vocabulary = SyntheticVocabulary()
        var part = "a"
        for _ in 0..<4 {
            vocabulary.merge(part, part)
            part += part
        }
        let count = 1 << 18
        let clock = ContinuousClock()
        var ids: [Int32] = []
        let tokenizer = try vocabulary.tokenizer()
        let time = clock.measure { ids = tokenizer.encode([UInt8](repeating: 97, count: count)) }
        #expect(ids == [Int32](repeating: vocabulary.id(part), count: count / 16))
        // A quadratic method takes 3·10¹⁰ steps: minutes at best.
        #expect(time < .seconds(60))
    }

    @Test func repeatedWordsGetTheSameTokens() throws {
        var vocabulary = SyntheticVocabulary()
        vocabulary.merge("a", "b")
        vocabulary.merge("Ġ", "ab")
        let tokenizer = try vocabulary.tokenizer()
        let many = tokenizer.encode(String(repeating: " ab", count: 5000))
        #expect(many == [Int32](repeating: vocabulary.id("Ġab"), count: 5000))
    }

    /// More distinct words than the word cache begins with.
    @Test func manyDistinctWordsDecodeToTheText() throws {
        var vocabulary = SyntheticVocabulary()
        vocabulary.merge("1", "2")
        let text = (0..<20_000).map { "w\($0)" }.joined(separator: " ")
        let tokenizer = try vocabulary.tokenizer()
        #expect(tokenizer.decodeText(tokenizer.encode(text)) == text)
    }

    @Test func bytesOutsideTheVocabularyAreLeftOutAndListed() throws {
        let tokenizer = try ByteLevelBPE(
            tokens: ["a", "b", "ab"],
            merges: ["a b"],
            tokenTypes: [],
            preTokenizer: .gpt2
        )
        #expect(tokenizer.encode("abxa") == [2, 0])
        #expect(tokenizer.missingBytes.count == 254)
    }

    @Test func canonicallyEqualTokensStayApart() throws {
        var vocabulary = SyntheticVocabulary()
        let angstrom = vocabulary.add("<\u{212B}>", type: 3)
        let ring = vocabulary.add("<\u{C5}>", type: 3)
        let tokenizer = try vocabulary.tokenizer()
        #expect(tokenizer.encode("<\u{C5}><\u{212B}>", parseSpecial: true) == [ring, angstrom])
    }
}

/// A small seeded generator, since this module's tests need no other.
struct SystemLikeGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state ^ (state >> 29)
    }
}
