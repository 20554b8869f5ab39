import Foundation
import Testing

/// `kvatlas generate` as a user runs it, on a tiny model with random weights.
@Suite struct GenerateCommandTests {
    private func generate(_ arguments: String..., in folder: TemporaryFolder) throws -> BuiltCommand.Outcome {
        try BuiltCommand.start(["generate", "--model", "model.gguf"] + arguments, in: folder.url).wait()
    }

    private func folder(contextLength: Int = 1024) throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        try folder.addModelAndText(contextLength: contextLength)
        return folder
    }

    @Test(arguments: ["full-f16", "kivi-2-g32-r32", "simulated:rtn-int4-token-g32"])
    func theReportHasItsFieldsAndTheStreamIsItsText(_ cache: String) throws {
        let folder = try folder()
        let outcome = try generate(
            "--prompt",
            "The tide comes in",
            "--cache",
            cache,
            "--max-tokens",
            "80",
            "--json",
            "r.json",
            in: folder
        )
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(outcome.errors.contains("tokens/s") && outcome.errors.contains("cache \(cache)"))
        let report = try GenerateReport(folder["r.json"])
        #expect(
            Set(report.fields.keys).subtracting(["order", "prefill", "accuracy"]) == [
                "model", "cache", "temperature", "topP", "seed", "batch", "sequences", "prefillSeconds",
                "decodeSeconds", "prefillTokens", "decodedTokens",
                "drafted", "accepted", "peakCacheBytes", "finalCacheBytes", "prefillTokensPerSecond",
                "decodeTokensPerSecond",
            ]
        )
        #expect(report.fields["cache"] as? String == cache)
        #expect(report.fields["order"] as? String == (cache == "full-f16" ? nil : "after-attention"))
        #expect(report.fields["accuracy"] as? String == (cache.hasPrefix("kivi") ? "fast" : nil))
        let sequence = try #require(report.sequences.first)
        #expect(Set(sequence.keys) == ["prompt", "promptTokens", "text", "tokens", "stopReason"])
        #expect(outcome.output == "\(sequence["text"] as? String ?? "")\n")
        #expect(report.tokens(0).count == 80 && report.stopReason(0) == "token_limit")
        #expect(report.fields["decodedTokens"] as? Int == 79)
        let bytes = try #require(report.fields["finalCacheBytes"] as? [String: Int])
        let peak = try #require(report.fields["peakCacheBytes"] as? Int)
        #expect(peak >= bytes.values.reduce(0, +))
        #expect(Set(bytes.keys) == ["codes", "scales", "fullPrecision", "unused"])
        #expect((bytes["codes"] ?? 0 > 0) == cache.hasPrefix("kivi"))

        let alone = try generate(
            "--prompt",
            "The tide comes in",
            "--cache",
            cache,
            "--max-tokens",
            "80",
            "--json",
            "-",
            "-q",
            in: folder
        )
        let printed = try JSONSerialization.jsonObject(with: Data(alone.output.utf8)) as? [String: Any]
        #expect((printed?["sequences"] as? [[String: Any]])?.first?["text"] as? String == sequence["text"] as? String)
        #expect(alone.errors.isEmpty)
    }

    /// Endings of lines as systems and editors write them.
    @Test(arguments: ["a\nbc\nd", "a\nbc\nd\n", "a\r\nbc\r\nd\r\n", "a\r\nbc\r\nd", "\u{FEFF}a\nbc\nd\n"])
    func eachLineIsAPrompt(_ text: String) throws {
        let folder = try folder()
        try folder.write(text, to: "p.txt")
        let outcome = try generate("--prompts", "p.txt", "--max-tokens", "1", "--json", "r.json", "-q", in: folder)
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(try GenerateReport(folder["r.json"]).sequences.map { $0["prompt"] as? String } == ["a", "bc", "d"])
    }

    @Test(arguments: [("a\n\nb\n", ":2"), ("a\r\n\r\nb", ":2"), ("\na", ":1"), ("a\n \t\n", ":2"), ("\n\n", ":1")])
    func anEmptyLineIsNamedBeforeAnythingRuns(_ text: String, _ place: String) throws {
        let folder = try folder()
        try folder.write(text, to: "p.txt")
        let outcome = try generate("--prompts", "p.txt", in: folder)
        #expect(outcome.code == 1 && outcome.output.isEmpty)
        #expect(outcome.errors.contains("p.txt\(place): an empty prompt"), "\(outcome.errors)")
    }

    @Test func aPromptOfNothingIsRefused() throws {
        let folder = try folder()
        let outcome = try generate("--prompt", "", in: folder)
        #expect(outcome.code == 1 && outcome.output.isEmpty)
        #expect(outcome.errors.contains("--prompt: an empty prompt"), "\(outcome.errors)")
        try Data([0xEF, 0xBB, 0xBF]).write(to: folder["p.txt"])
        let none = try generate("--prompts", "p.txt", in: folder)
        #expect(none.code == 1 && none.errors.contains("p.txt: there are no prompts"), "\(none.errors)")
    }

    @Test func aPromptBeyondTheContextIsNamedBeforeAnythingIsGenerated() throws {
        let folder = try folder(contextLength: 64)
        try folder.write("a\nb\n\(String(repeating: "qz", count: 40))\n", to: "p.txt")
        let outcome = try generate("--prompts", "p.txt", in: folder)
        #expect(outcome.code == 1 && outcome.output.isEmpty)
        #expect(outcome.errors.contains("p.txt:3: a prompt of 80 tokens; expected at most 64"), "\(outcome.errors)")
    }

    @Test func noLimitIsTooLarge() throws {
        let folder = try folder(contextLength: 64)
        let outcome = try generate("--prompt", "a", "--max-tokens", "\(Int.max)", "--json", "r.json", in: folder)
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(outcome.errors.contains("stopped where the model's context ends"))
        #expect(try GenerateReport(folder["r.json"]).stopReason(0) == "context_full")
    }

    @Test func aBudgetIsAskedBeforeTheFirstBatch() throws {
        let folder = try folder()
        // The first prompt would fit.
        try folder.write("a\n\(String(repeating: "qz", count: 400))\n", to: "p.txt")
        let outcome = try generate("--prompts", "p.txt", "--max-tokens", "8", "--budget", "200kB", in: folder)
        #expect(outcome.code == 1 && outcome.output.isEmpty)
        #expect(outcome.errors.contains("at most the budget of 200.0 kB (200000 bytes)"), "\(outcome.errors)")
        #expect(outcome.errors.contains("what would fit"), "\(outcome.errors)")
        let first = try generate("--prompt", "a", "--max-tokens", "8", "--budget", "200kB", in: folder)
        #expect(first.code == 0, "\(first.errors)")
    }

    @Test(arguments: [
        ["--top-p", "0.9"], ["--seed", "1"], ["--cache", "full-f16,full-f32"], ["--top-p", "0", "--temperature", "1"],
        ["--top-p", "1.5", "--temperature", "1"],
        ["--top-p", "nan", "--temperature", "1"], ["--temperature", "-1"], ["--temperature", "inf"],
        ["--max-tokens", "0"], ["--draft", "2", "--batch", "2"], ["--prompts", "x"], ["--cache", "kivi-2-g32-r33"],
        ["--cache", "simulated:rtn-int4-token-g32", "--order", "before-attention"],
    ])
    func aWrongCommandLineExitsWith2(_ arguments: [String]) throws {
        let outcome = try BuiltCommand.start(["generate", "--model", "m.gguf", "--prompt", "a"] + arguments).wait()
        #expect(outcome.code == 2 && outcome.output.isEmpty)
        #expect(!outcome.errors.isEmpty)
    }

    @Test func drawsDoNotDependOnTheBatch() throws {
        let folder = try folder()
        try folder.write("the tide\nthe tide\nthe tide\n", to: "p.txt")
        func texts(batch: Int) throws -> (tokens: [[Int]], output: String) {
            let outcome = try generate(
                "--prompts",
                "p.txt",
                "--batch",
                "\(batch)",
                "--max-tokens",
                "16",
                "--temperature",
                "1",
                "--seed",
                "5",
                "--json",
                "\(batch).json",
                in: folder
            )
            #expect(outcome.code == 0, "\(outcome.errors)")
            let report = try GenerateReport(folder["\(batch).json"])
            #expect(report.fields["seed"] as? Int == 5 && report.fields["batch"] as? Int == batch)
            return ((0..<3).map { report.tokens($0) }, outcome.output)
        }
        let one = try texts(batch: 1), two = try texts(batch: 2), three = try texts(batch: 3)
        #expect(one.tokens == two.tokens && one.tokens == three.tokens)
        #expect(Set(one.tokens).count == 3, "each prompt draws anew")
        // Each text below its prompt, whether it was streamed or not.
        #expect(one.output == three.output && one.output.hasPrefix("--- the tide\n"))
        let again = try generate("--prompt", "a", "--json", "1.json", in: folder)
        #expect(again.code == 1 && again.errors.contains("--overwrite"))
    }

    @Test func aSequenceOfABatchThatEndsAtOnceLeavesTheOthersAlone() throws {
        let folder = try folder()
        try folder.write("the tide\nx\nnobody\n", to: "p.txt")
        func report() throws -> GenerateReport {
            let outcome = try generate(
                "--prompts",
                "p.txt",
                "--batch",
                "3",
                "--max-tokens",
                "12",
                "--json",
                "r.json",
                "--overwrite",
                in: folder
            )
            #expect(outcome.code == 0, "\(outcome.errors)")
            return try GenerateReport(folder["r.json"])
        }
        let plain = try report()
        // The first token of the second text becomes an end token.
        let end = try #require(plain.tokens(1).first)
        try folder.setEndToken(end)
        let ended = try report()
        #expect(ended.tokens(1).isEmpty && ended.stopReason(1) == "end_of_text")
        for index in [0, 2] { #expect(ended.tokens(index) == Array(plain.tokens(index).prefix { $0 != end })) }
    }
}

/// What `generate --json` writes.
struct GenerateReport {
    let fields: [String: Any]
    let sequences: [[String: Any]]

    init(_ file: URL) throws {
        fields = try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
        sequences = try #require(fields["sequences"] as? [[String: Any]])
    }

    func tokens(_ index: Int) -> [Int] { sequences[index]["tokens"] as? [Int] ?? [] }
    func stopReason(_ index: Int) -> String? { sequences[index]["stopReason"] as? String }
}
