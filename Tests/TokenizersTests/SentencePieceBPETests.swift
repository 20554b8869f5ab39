import Testing
import Tokenizers

/// A vocabulary of pieces with scores; then all 256 bytes.
private struct PieceVocabulary {
    var tokens = ["<unk>", "<s>", "</s>"]
    var kinds = [2, 3, 3]
    var scores = [0.0, 0, 0]

    mutating func add(_ text: String, kind: Int = 1, score: Double = 0) -> Int32 {
        tokens.append(text)
        kinds.append(kind)
        scores.append(score)
        return Int32(tokens.count - 1)
    }

    mutating func addBytes() {
        for byte in 0..<256 {
            let digits = String(byte, radix: 16, uppercase: true)
            _ = add("<0x\(digits.count < 2 ? "0" : "")\(digits)>", kind: 6)
        }
    }

    func tokenizer(_ prefix: SpacePrefix = SpacePrefix(.never), cuts: Bool = false) throws -> SentencePieceBPE {
        try SentencePieceBPE(
            tokens: tokens,
            tokenTypes: kinds,
            order: .scores(scores),
            spacePrefix: prefix,
            cutsAtSpaces: cuts,
            unknownToken: 0
        )
    }
}

@Suite struct SentencePieceBPETests {
    @Test func emptyTextHasNoTokens() throws {
        let tokenizer = try PieceVocabulary().tokenizer(SpacePrefix(.everySegment))
        #expect(tokenizer.encode("") == [])
        #expect(tokenizer.encode([], parseSpecial: true) == [])
        #expect(tokenizer.decode([]) == [])
    }

    @Test func highestScoreMergesFirstAndLeftmostOfEquals() throws {
        var vocabulary = PieceVocabulary()
        let (a, c) = (vocabulary.add("a"), vocabulary.add("c"))
        _ = vocabulary.add("b")
        let (ab, bc) = (vocabulary.add("ab", score: -2), vocabulary.add("bc", score: -1))
        let aa = vocabulary.add("aa", score: -3)
        let tokenizer = try vocabulary.tokenizer()
        #expect(tokenizer.encode("abc") == [a, bc])
        #expect(tokenizer.encode("ab") == [ab])
        #expect(tokenizer.encode("aaac") == [aa, a, c])
    }

    /// Two pieces of one score, as no trainer writes but a file may hold.
    @Test func equalScoresMergeFromTheLeft() throws {
        var vocabulary = PieceVocabulary()
        let a = vocabulary.add("a")
        let b = vocabulary.add("b")
        let (ba, ab) = (vocabulary.add("ba", score: -1), vocabulary.add("ab", score: -1))
        #expect(try vocabulary.tokenizer().encode("aba") == [ab, a])
        #expect(try vocabulary.tokenizer().encode("bab") == [ba, b])
    }

    /// SentencePiece looks the result up, not the parts: a character may be part of a piece and none itself.
    @Test func charactersThatAreNoPiecesCanMerge() throws {
        var vocabulary = PieceVocabulary()
        let xy = vocabulary.add("xy", score: -1)
        vocabulary.addBytes()
        let tokenizer = try vocabulary.tokenizer()
        #expect(tokenizer.encode("xy") == [xy])
        #expect(tokenizer.decode(tokenizer.encode("yx")) == Array("yx".utf8))
    }

    /// Against the definition: scan all pairs, merge the best, until none is left.
    @Test(arguments: [false, true]) func fastMergingEqualsTheDefinition(listed: Bool) throws {
        var generator = SystemLikeGenerator(state: 9)
        let letters = ["a", "b", "é", "▁"]
        var pieces = letters
        var merges: [(left: String, right: String)] = []
        for _ in 0..<80 {
            let (left, right) = (pieces.randomElement(using: &generator), pieces.randomElement(using: &generator))
            guard let left, let right, left.count + right.count <= 9, !pieces.contains(left + right) else { continue }
            merges.append((left, right))
            pieces.append(left + right)
        }
        var vocabulary = PieceVocabulary()
        for (index, piece) in pieces.enumerated() { _ = vocabulary.add(piece, score: -Double(index)) }
        let tokenizer = try SentencePieceBPE(
            tokens: vocabulary.tokens,
            tokenTypes: vocabulary.kinds,
            order: listed ? .list(merges) : .scores(vocabulary.scores),
            spacePrefix: SpacePrefix(.never),
            unknownToken: 0
        )
        for length in 0...33 {
            for _ in 0..<40 {
                var word = (0..<length).map { _ in letters.randomElement(using: &generator) ?? "a" }
                let text = word.joined()
                while word.count > 1 {
                    let ranks = (0..<word.count - 1).map { place -> Int in
                        let (left, right) = (word[place], word[place + 1])
                        return listed
                            ? merges.firstIndex { $0.left == left && $0.right == right } ?? .max
                            : pieces.firstIndex(of: left + right) ?? .max
                    }
                    guard let best = ranks.min(), best < .max, let place = ranks.firstIndex(of: best) else { break }
                    word.replaceSubrange(place...place + 1, with: [word[place] + word[place + 1]])
                }
                let expected = word.map { Int32(3 + (pieces.firstIndex(of: $0) ?? -9)) }
                // A space and its mark are one.
                #expect(tokenizer.encode(text) == expected)
                #expect(tokenizer.encode(text.replacing("▁", with: " ")) == expected)
            }
        }
    }

    /// Long words wait in queues by rank, short ones in a heap; both are the definition, ties of scores included.
    @Test(arguments: [2047, 2048, 2049, 2050, 4001])
    func longWordsMergeAsTheDefinitionSays(_ length: Int) throws {
        var generator = SystemLikeGenerator(state: UInt64(length))
        var pieces = ["a", "b", "c"], score = [0.0, 0, 0]
        while pieces.count < 120 {
            let pair =
                (pieces.randomElement(using: &generator) ?? "a") + (pieces.randomElement(using: &generator) ?? "a")
            guard pair.count <= 12, !pieces.contains(pair) else { continue }
            pieces.append(pair)
            // Ten pieces a score, and scores in no order, so that a merge can make a better pair than its own.
            score.append(Double(Int.random(in: 0..<12, using: &generator)))
        }
        var vocabulary = PieceVocabulary()
        for (piece, score) in zip(pieces, score) { _ = vocabulary.add(piece, score: score) }
        let tokenizer = try vocabulary.tokenizer(), ids = Dictionary(uniqueKeysWithValues: zip(pieces, pieces.indices))
        var joined: [Int: Int] = [:]
        for (left, first) in ids {
            for (right, second) in ids { joined[first * 1000 + second] = ids[left + right] }
        }
        var letters = (0..<length).map { _ in Int.random(in: 0..<3, using: &generator) }
        // A run of one letter among them.
        for place in length / 2..<length / 2 + 300 { letters[place] = 0 }
        let text = letters.map { pieces[$0] }.joined()
        while true {
            var best: (place: Int, piece: Int)?
            for place in 0..<letters.count - 1 {
                guard let piece = joined[letters[place] * 1000 + letters[place + 1]] else { continue }
                if best.map({ score[piece] > score[$0.piece] }) ?? true { best = (place, piece) }
            }
            guard let best else { break }
            letters[best.place] = best.piece
            letters.remove(at: best.place + 1)
        }
        #expect(tokenizer.encode(text) == letters.map { vocabulary.id(pieces[$0]) })
    }

    @Test func charactersWithoutAPieceBecomeBytes() throws {
        var vocabulary = PieceVocabulary()
        let a = vocabulary.add("a")
        let space = vocabulary.add("▁")
        vocabulary.addBytes()
        let first = Int32(5)
        let tokenizer = try vocabulary.tokenizer()
        #expect(tokenizer.encode("a é") == [a, space, first + 0xC3, first + 0xA9])
        #expect(tokenizer.encode([0xFF, 0x61, 0xE2, 0x96]) == [first + 0xFF, a, first + 0xE2, first + 0x96])
        #expect(tokenizer.decode([first + 0xC3, first + 0xA9]) == [0xC3, 0xA9])
    }

    @Test func runsOfUnknownCharactersAreOneToken() throws {
        var vocabulary = PieceVocabulary()
        let a = vocabulary.add("a")
        let tokenizer = try vocabulary.tokenizer()
        #expect(tokenizer.encode("xyaxa xyz") == [0, a, 0, a, 0])
    }

    @Test func byteNamesInTextAreText() throws {
        var vocabulary = PieceVocabulary()
        vocabulary.addBytes()
        let tokenizer = try vocabulary.tokenizer()
        #expect(tokenizer.decodeText(tokenizer.encode("<0x0A></s>")) == "<0x0A></s>")
        #expect(tokenizer.encode("</s>").count == 4)
        #expect(tokenizer.encode("</s>", parseSpecial: true) == [2])
    }

    @Test func spaceGoesBeforeTheTextAsAsked() throws {
        var vocabulary = PieceVocabulary()
        let (a, space) = (vocabulary.add("a"), vocabulary.add("▁"))
        let word = vocabulary.add("▁a", score: -1)
        let text = "a</s>a"
        func encode(_ prefix: SpacePrefix, _ text: String) throws -> [Int32] {
            try vocabulary.tokenizer(prefix).encode(text, parseSpecial: true)
        }
        #expect(try encode(SpacePrefix(.never), text) == [a, 2, a])
        #expect(try encode(SpacePrefix(.beginning), text) == [word, 2, a])
        #expect(try encode(SpacePrefix(.everySegment), text) == [word, 2, word])
        #expect(try encode(SpacePrefix(.everySegment), " a") == [space, word])
        #expect(try encode(SpacePrefix(.everySegment, onlyIfMissing: true), " a</s>a") == [word, 2, word])
        #expect(try encode(SpacePrefix(.beginning), "</s>a") == [2, a])
    }

    @Test func decodingDropsTheSpaceThatEncodingAdded() throws {
        var vocabulary = PieceVocabulary()
        vocabulary.addBytes()
        _ = vocabulary.add("▁")
        for prefix in [SpacePrefix(.never), SpacePrefix(.beginning), SpacePrefix(.everySegment)] {
            let tokenizer = try vocabulary.tokenizer(prefix)
            for text in ["a", " a", "  a b ", " ", "a</s> b", "</s>b", "</s>"] {
                #expect(tokenizer.decodeText(tokenizer.encode(text)) == text)
                #expect(tokenizer.decodeText(tokenizer.encode(text, parseSpecial: true)) == text)
            }
            let ids = [1] + tokenizer.encode("b c")
            #expect(tokenizer.decodeText(ids, skipControl: true) == "b c")
        }
    }

    @Test func userDefinedPiecesAreFrozen() throws {
        var vocabulary = PieceVocabulary()
        let (a, b) = (vocabulary.add("a"), vocabulary.add("b"))
        let two = vocabulary.add("▁▁", kind: 4)
        let three = vocabulary.add("   ", kind: 4)
        _ = vocabulary.add("▁b", score: -1)
        let space = vocabulary.add("▁")
        let tokenizer = try vocabulary.tokenizer()
        #expect(tokenizer.encode("a  b") == [a, two, b])
        #expect(tokenizer.encode("a    b") == [a, three, vocabulary.id("▁b")])
        #expect(tokenizer.encode("a▁▁b a") == [a, two, b, space, a])
        #expect(tokenizer.decodeText([a, two, three, b]) == "a     b")
    }

    @Test func nothingMergesAcrossCuts() throws {
        var vocabulary = PieceVocabulary()
        let space = vocabulary.add("▁")
        let two = vocabulary.add("▁▁", score: -1)
        #expect(try vocabulary.tokenizer(cuts: false).encode("  ") == [two])
        #expect(try vocabulary.tokenizer(cuts: true).encode("  ") == [space, space])
    }

    /// A quadratic method takes 10¹² steps: hours.
    @Test(arguments: ["a", " ", "é", "ab"]) func longRunsAreNotQuadratic(unit: String) throws {
        var vocabulary = PieceVocabulary()
        for letter in ["a", "b", "é", "▁"] { _ = vocabulary.add(letter) }
        var (piece, score) = (unit.replacing(" ", with: "▁"), -1.0)
        if unit.count == 2 { _ = vocabulary.add(piece, score: -0.5) }
        for _ in 0..<4 {
            piece += piece
            _ = vocabulary.add(piece, score: score)
            score -= 1
        }
        let count = 1 << 20
        let text = String(repeating: unit, count: count)
        let tokenizer = try vocabulary.tokenizer()
        var ids: [Int32] = []
        let time = ContinuousClock().measure { ids = tokenizer.encode(text) }
        #expect(ids == [Int32](repeating: vocabulary.id(piece), count: count / 16))
        #expect(time < .seconds(60))
    }
}

extension PieceVocabulary {
    fileprivate func id(_ text: String) -> Int32 { tokens.firstIndex(of: text).map { Int32($0) } ?? -1 }
}

@Suite struct PieceVocabularyErrorTests {
    private func error(_ change: (inout PieceVocabulary) -> Void) -> TokenizerError? {
        var vocabulary = PieceVocabulary()
        change(&vocabulary)
        let changed = vocabulary
        return #expect(throws: TokenizerError.self) { try changed.tokenizer() }
    }

    @Test func duplicatePieces() {
        let found = error {
            _ = $0.add("x")
            _ = $0.add("x")
        }
        #expect(found == .duplicateToken(text: "x", first: 3, second: 4))
        // One text, spelled in two ways.
        let spaces = error {
            _ = $0.add("▁x")
            _ = $0.add(" x")
        }
        #expect(spaces == .duplicateToken(text: " x", first: 3, second: 4))
    }

    @Test func someBytesButNotAll() {
        let missing = error { _ = $0.add("<0x00>", kind: 6) }
        #expect(missing == .malformedByteTokens("the vocabulary has 1 of 256 byte tokens"))
        let wrong = error { _ = $0.add("<0xG0>", kind: 6) }
        #expect(wrong == .malformedByteTokens("token 3, of the kind of bytes, is '<0xG0>'"))
        let twice = error {
            $0.addBytes()
            _ = $0.add("<0x41>", kind: 6)
        }
        #expect(twice == .malformedByteTokens("token 259 is <0x41> a second time"))
    }

    @Test func scoresThatAreNoNumbersOrOfAnotherCount() {
        #expect(error { _ = $0.add("x", score: .infinity) } == .invalidScore(token: 3, score: .infinity))
        #expect(error { $0.scores.removeLast() } == .scoreCountDiffers(tokens: 3, scores: 2))
        #expect(error { $0.kinds.removeLast() } == .kindCountDiffers(tokens: 3, kinds: 2))
    }

    @Test func giantPieces() {
        let long = String(repeating: "x", count: 1 << 20)
        #expect(error { _ = $0.add(long) } == .tokenTooLong(id: 3, bytes: 1 << 20, limit: 512))
    }

    @Test func listedMergesOutsideTheVocabularyOrTwice() throws {
        func error(_ list: [(left: String, right: String)]) -> TokenizerError? {
            #expect(throws: TokenizerError.self) {
                try SentencePieceBPE(tokens: ["a", "b", "ab"], tokenTypes: [], order: .list(list))
            }
        }
        #expect(error([("a", "c")]) == .mergeOutsideVocabulary(index: 0, text: "a c", missing: "c"))
        #expect(error([("a", "b"), ("b", "a")]) == .mergeOutsideVocabulary(index: 1, text: "b a", missing: "ba"))
        #expect(error([("a", "b"), ("a", "b")]) == .duplicateMerge(index: 1, text: "ab"))
    }

    /// Every piece is part of the next: the most ways to split them that so many bytes can have.
    @Test func nestedPiecesLoadInTime() throws {
        var vocabulary = PieceVocabulary()
        for length in 1...512 { _ = vocabulary.add(String(repeating: "a", count: length), score: -Double(length)) }
        let full = vocabulary
        var tokenizer: SentencePieceBPE?
        let time = try ContinuousClock().measure { tokenizer = try full.tokenizer() }
        #expect(time < .seconds(30))
        #expect(tokenizer?.encode("aaa") == [5])
    }
}
