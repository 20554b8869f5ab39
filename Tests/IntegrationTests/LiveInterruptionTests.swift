import Foundation
import Testing

/// What commands that run a model leave when they are stopped in their middle.
@Suite struct LiveInterruptionTests {
    /// A model that reads long texts, slowly.
    private func slowFolder(layers: Int = 6, times: Int = 1) throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        try folder.addModelAndText(contextLength: 400_000, layers: layers, times: times)
        try folder.silenceEndToken()
        return folder
    }

    private func stop(_ command: BuiltCommand.Started, after seconds: Double) throws -> BuiltCommand.Outcome {
        Thread.sleep(forTimeInterval: seconds)
        let asked = Date()
        kill(command.process.processIdentifier, SIGINT)
        let outcome = try command.wait()
        #expect(outcome.code == 130, "\(outcome.errors)")
        #expect(outcome.errors.contains("interrupted"), "\(outcome.errors)")
        // A layer of 512 tokens takes milliseconds; a whole prompt of these tests takes minutes.
        #expect(Date().timeIntervalSince(asked) < 10)
        return outcome
    }

    @Test func controlCInATextKeepsWhatThereIsOfIt() throws {
        let folder = try slowFolder()
        let command = try BuiltCommand.start(
            ["generate", "--model", "model.gguf", "--prompt", "tide", "--max-tokens", "300000", "--json", "r.json"],
            in: folder.url
        )
        let outcome = try stop(command, after: 1.5)
        let report = try GenerateReport(folder["r.json.partial"])
        #expect(report.stopReason(0) == "caller_stopped" && !report.tokens(0).isEmpty)
        #expect(outcome.output == "\(report.sequences[0]["text"] as? String ?? "")\n")
    }

    @Test func controlCInAPromptEndsItAndThoseAfterIt() throws {
        let folder = try slowFolder()
        let long = String(repeating: "nobody wrote down the ordinary ones. ", count: 5000)
        try folder.write("tide\n\(long)\n\(long)\n", to: "p.txt")
        let command = try BuiltCommand.start(
            [
                "generate", "--model", "model.gguf", "--prompts", "p.txt", "--batch", "3", "--max-tokens", "5",
                "--json",
                "r.json",
            ],
            in: folder.url
        )
        _ = try stop(command, after: 2.5)
        let report = try GenerateReport(folder["r.json.partial"])
        #expect(report.sequences.count == 3)
        #expect(report.tokens(0).count == 1, "the first prompt's own token")
        #expect((0..<3).allSatisfy { report.stopReason($0) == "caller_stopped" })
        #expect(report.tokens(1).isEmpty && report.tokens(2).isEmpty)
        #expect(report.fields["prefillTokens"] as? Int == report.sequences[0]["promptTokens"] as? Int)
    }

    @Test func aReaderThatHasEnoughEndsTheTextQuietly() throws {
        let folder = try slowFolder()
        let process = Process(), output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [
            "bash", "-c",
            "\"$0\" generate --model model.gguf --prompt tide --max-tokens 300000 -q 2>err | head -c 5 >out; "
                + "echo ${PIPESTATUS[0]}", BuiltCommand.url.path,
        ]
        process.currentDirectoryURL = folder.url
        process.standardOutput = output
        let start = Date()
        try process.run()
        let status = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(status == "0\n")
        #expect(try Data(contentsOf: folder["out"]).count == 5)
        #expect(try Data(contentsOf: folder["err"]).isEmpty)
        #expect(Date().timeIntervalSince(start) < 20)
    }

    @Test func controlCKeepsTheWindowsThatWereDone() throws {
        let folder = try slowFolder(layers: 12, times: 5000)
        let command = try BuiltCommand.start(
            [
                "divergence", "--model", "model.gguf", "--text", "text.txt", "--caches", "kivi-2-g32-r32", "--window",
                "128", "--out", "q.csv",
            ],
            in: folder.url
        )
        let outcome = try stop(command, after: 3)
        #expect(folder.names().filter { $0.hasPrefix("q") } == ["q-by-position.csv.partial", "q.csv.partial"])
        let rows = try csvRows(folder["q.csv.partial"])
        let windows = try #require(Int(rows[0]["windows"] ?? ""))
        #expect(windows > 0 && rows[0]["tokens"] == "\(windows * 63)")
        #expect(outcome.output.contains("kivi-2-g32-r32") && outcome.errors.contains("q.csv.partial"))
    }

    @Test func controlCKeepsTheMeasurementsThatWereDone() throws {
        let folder = try slowFolder()
        let command = try BuiltCommand.start(
            [
                "bench", "decode", "--model", "model.gguf", "--caches", "full-f16,kivi-2-g32-r32", "--prompts",
                "40,200000",
                "--batches", "1", "--steps", "2", "--out", "d.csv",
            ],
            in: folder.url
        )
        let outcome = try stop(command, after: 2.5)
        #expect(folder.names().filter { $0.hasPrefix("d") } == ["d.csv.partial"])
        let rows = try csvRows(folder["d.csv.partial"])
        #expect(rows.map { $0["cache"] } == ["full-f16", "kivi-2-g32-r32"])
        #expect(rows.allSatisfy { $0["prompt_tokens"] == "40" })
        #expect(outcome.output.contains("kivi-2-g32-r32"))
    }
}

/// The rows of a CSV file without quotes in it, by column.
func csvRows(_ file: URL) throws -> [[String: String]] {
    let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map {
        $0.split(separator: ",", omittingEmptySubsequences: false).map { String($0) }
    }
    return lines.dropFirst().map { Dictionary(uniqueKeysWithValues: zip(lines[0], $0)) }
}
