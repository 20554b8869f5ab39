import Foundation
import Testing
import Tokenizers

@Suite struct PreTokenizerTests {
    private func words(_ text: String, _ preTokenizer: PreTokenizer) -> [String] {
        let bytes = Array(text.utf8)
        return preTokenizer.words(in: bytes).map { String(decoding: bytes[$0], as: UTF8.self) }
    }

    @Test func gpt2KeepsOneSpaceBeforeAWord() {
        #expect(words("a  b   1 .", .gpt2) == ["a", " ", " b", "  ", " 1", " ."])
        #expect(words("it's IT'S", .gpt2) == ["it", "'s", " IT", "'", "S"])
        #expect(words("x \n y  ", .gpt2) == ["x", " \n", " y", "  "])
    }

    @Test func smollmCutsEachDigitAndWhatLiesBetween() {
        #expect(words("a  12b", .smollm) == ["a", "  ", "1", "2", "b"])
        #expect(words("x²½Ⅷ٣", .smollm) == ["x", "²", "½", "Ⅷ", "٣"])
        #expect(words("1'sx", .smollm) == ["1", "'s", "x"])
    }

    @Test func qwen2TakesAnyCharacterBeforeLetters() {
        #expect(words("(a\tb\u{A0}c\nd", .qwen2) == ["(a", "\tb", "\u{A0}c", "\n", "d"])
        #expect(words("IT'S 12", .qwen2) == ["IT", "'S", " ", "1", "2"])
        #expect(words("; \n\n x", .qwen2) == [";", " \n\n", " x"])
        #expect(words(" ;\r\n\nx", .qwen2) == [" ;\r\n\n", "x"])
    }

    @Test func llama3TakesUpToThreeDigits() {
        #expect(words("a 1234567 12", .llama3) == ["a", " ", "123", "456", "7", " ", "12"])
        #expect(words("x²½Ⅷ٣", .llama3) == ["x", "²½Ⅷ", "٣"])
    }

    @Test func falconCutsPunctuationAndDigits() {
        #expect(words("it's 12!", .falcon) == ["it", "'", "s", " ", "12", "!"])
        #expect(words("x1234567y", .falcon) == ["x", "123", "456", "7", "y"])
        #expect(words("a $5 (b)", .falcon) == ["a", " ", "$", "5", " ", "(", "b", ")"])
        // `ü` ends in the byte of `¼`, which Falcon's tokenizer takes for a number.
        #expect(PreTokenizer.falcon.words(in: Array("für".utf8)) == [0..<2, 2..<3, 3..<4])
    }

    /// The definitions, for an engine that shares no code with the scanners. ICU's `\s` lacks some of White_Space.
    private static let definitions: [PreTokenizer: String] = [
        .gpt2: #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#,
        .qwen2: #"'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD]|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"#
            + #"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#,
        .llama3: #"'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD]|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"#
            + #"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#,
    ]

    private func expression(_ pattern: String) throws -> NSRegularExpression {
        let pattern = pattern.replacing(#"[^\s"#, with: #"[^\p{White_Space}"#)
            .replacing(#"\s"#, with: #"\p{White_Space}"#)
            .replacing(#"\S"#, with: #"\P{White_Space}"#)
        return try NSRegularExpression(pattern: pattern)
    }

    private func matches(of expression: NSRegularExpression, in text: String) -> [String] {
        let string = NSString(string: text)
        return expression.matches(in: text, range: NSRange(location: 0, length: string.length))
            .map { string.substring(with: $0.range) }
    }

    /// A function from text to the bytes of its words; `smollm` and `falcon` cut in several steps.
    private func definition(_ preTokenizer: PreTokenizer) throws -> (String) -> [[UInt8]] {
        let words = try expression(Self.definitions[preTokenizer] ?? Self.definitions[.gpt2] ?? "")
        switch preTokenizer {
        case .smollm:
            let segments = try expression(#"\p{N}|\P{N}+"#)
            return { matches(of: segments, in: $0).flatMap { matches(of: words, in: $0) }.map { Array($0.utf8) } }
        case .falcon:
            let segments = try expression(#"[\p{P}$+<=>^`|~]+|[^\p{P}$+<=>^`|~]+"#)
            // These two see a character for each byte.
            let numbers = try expression(#"\p{N}+|\P{N}+"#)
            let triples = try expression(#"(?s)[0-9]{3}|(?:(?![0-9]{3}).)+"#)
            return { text in
                let found = matches(of: segments, in: text).flatMap { matches(of: words, in: $0) }
                let pieces = found.map(inAlphabet).flatMap { matches(of: numbers, in: $0) }
                return pieces.flatMap { matches(of: triples, in: $0) }.map(bytes)
            }
        case .gpt2, .qwen2, .llama3: return { matches(of: words, in: $0).map { Array($0.utf8) } }
        }
    }

    private func inAlphabet(_ text: String) -> String {
        text.utf8.map { SyntheticVocabulary.alphabet[Int($0)] }.joined()
    }

    private func bytes(inAlphabet text: String) -> [UInt8] {
        text.map { SyntheticVocabulary.alphabet.firstIndex(of: String($0)).map { UInt8($0) } ?? 0 }
    }

    @Test(arguments: PreTokenizer.allCases) func scannerEqualsItsRegularExpression(preTokenizer: PreTokenizer) throws {
        let pieces: [String] = [
            " ", " ", " ", "\n", "\r", "\t", "\u{B}", "\u{85}", "\u{A0}", "\u{2003}", "\u{3000}", "\u{200B}", "a", "S",
            "s", "t", "re", "'", "'", "ll", "L", "é", "e\u{301}", "ſ", "Ω", "Ж", "中", "\u{20000}", "あ", "ก", "\u{E33}",
            "क", "\u{93F}", "م", "\u{64B}", "ש", "0", "7", "٣", "१", "²", "½", "Ⅷ", "𝟘", ".", ",", "-", "_", "(", "\"",
            "🙂", "\u{1F3FD}", "\u{200D}", "\u{FE0F}", "€", "\u{0}", "\u{1}", "\u{7F}", "\u{E000}", "\u{FFFD}",
        ]
        let definition = try definition(preTokenizer)
        var generator = SystemLikeGenerator(state: 11)
        for length in 0...33 {
            for _ in 0..<60 {
                let text = (0..<length).map { _ in pieces.randomElement(using: &generator) ?? " " }.joined()
                let utf8 = Array(text.utf8)
                let found = preTokenizer.words(in: utf8).map { Array(utf8[$0]) }
                let expected = definition(text)
                // Compared by bytes: Swift's String equality would accept other code points.
                #expect(found == expected, "\(text.debugDescription)")
            }
        }
    }

    /// Words cover any bytes without gap, UTF-8 or not.
    @Test(arguments: PreTokenizer.allCases) func wordsCoverAllBytes(preTokenizer: PreTokenizer) {
        var generator = SystemLikeGenerator(state: 3)
        let likely: [UInt8] = [
            0x20, 0x0A, 0x27, 0x61, 0x31, 0xC3, 0xA9, 0xE2, 0x80, 0x83, 0xF0, 0x9F, 0xED, 0xA0, 0xFF,
        ]
        for length in 0...33 {
            for _ in 0..<60 {
                let bytes = (0..<length).map { _ in likely.randomElement(using: &generator) ?? 0 }
                let words = preTokenizer.words(in: bytes)
                #expect(words.allSatisfy { !$0.isEmpty })
                #expect(words.flatMap { Array($0) } == Array(0..<length))
            }
        }
    }

    /// Overlong forms, surrogates, lone tails, too large values: one `other` character a byte.
    @Test(
        arguments: [
            [0xC0, 0x80], [0xC1, 0xBF], [0xE0, 0x80, 0x80], [0xED, 0xA0, 0x80], [0xF0, 0x80, 0x80, 0x80],
            [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80], [0x80], [0xBF, 0xBF], [0xFF], [0xE4, 0xB8], [0xF0, 0x9F, 0x99],
        ] as [[UInt8]]
    ) func invalidSequencesArePunctuation(bytes: [UInt8]) {
        #expect(
            PreTokenizer.gpt2.words(in: [0x61] + bytes + [0x62]) == [
                0..<1, 1..<1 + bytes.count, bytes.count + 1..<bytes.count + 2,
            ]
        )
    }

    @Test(arguments: PreTokenizer.allCases) func longRunsAreLinear(preTokenizer: PreTokenizer) {
        let count = 1 << 18
        let clock = ContinuousClock()
        for byte in Array("a 1.\n'".utf8) {
            let bytes = [UInt8](repeating: byte, count: count) + [0x61]
            var words: [Range<Int>] = []
            #expect(clock.measure { words = preTokenizer.words(in: bytes) } < .seconds(60))
            #expect(words.last?.upperBound == count + 1)
        }
    }
}
