import Foundation
import Testing

/// `kvatlas perplexity`, `divergence` and `bench decode` as a user runs them, on a tiny model with random weights.
@Suite struct QualityCommandTests {
    private func folder() throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        try folder.addModelAndText(times: 20)
        return folder
    }

    private func run(_ command: [String], _ arguments: [String], in folder: TemporaryFolder) throws
        -> BuiltCommand.Outcome
    {
        try BuiltCommand.start(command + ["--model", "model.gguf", "--text", "text.txt"] + arguments, in: folder.url)
            .wait()
    }

    @Test func divergenceWritesTablesThatSayWhatRan() throws {
        let folder = try folder()
        let caches = "full-f32,kivi-2-g32-r32,simulated:rtn-int2-token-g32"
        let outcome = try run(
            ["divergence"],
            ["--caches", caches, "--window", "128", "--max-windows", "3", "--out", "q.csv"],
            in: folder
        )
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(outcome.output.contains("divergence_mean") && outcome.output.contains("kivi-2-g32-r32"))
        let rows = try csvRows(folder["q.csv"])
        #expect(rows.map { $0["cache"] } == caches.split(separator: ",").map { String($0) })
        #expect(rows[0]["divergence_max"] == "0.0" && rows[0]["top1_agreement"] == "1.0")
        for row in rows {
            #expect(row["tokens"] == "189" && row["windows"] == "3" && row["non_finite_tokens"] == "0")
            #expect(row["mode"] == "exact" && row["block"] == "32" && row["scoring"] == "second-half")
        }
        #expect(rows.map { $0["prefill"] } == ["", "exact", "exact"])
        #expect(rows.map { $0["accuracy"] } == ["", "fast", ""] && rows.allSatisfy { $0["order"] == "" })
        let parts = try csvRows(folder["q-by-position.csv"])
        #expect(parts.count == 3 * 4 && parts.allSatisfy { $0["first_position"] != nil })

        let again = try run(["divergence"], ["--out", "q.csv"], in: folder)
        #expect(again.code == 1 && again.errors.contains("--overwrite"), "\(again.errors)")
    }

    @Test func theModeDecidesThePrefill() throws {
        let folder = try folder()
        let arguments = ["--caches", "kivi-2-g32-r32", "--window", "128", "--max-windows", "1", "--mode", "in-place"]
        let outcome = try run(["divergence"], arguments + ["--out", "q.csv"], in: folder)
        #expect(outcome.code == 0, "\(outcome.errors)")
        let row = try csvRows(folder["q.csv"])[0]
        #expect(row["prefill"] == "in-place" && row["block"] == "" && row["accuracy"] == "exact")
    }

    @Test func perplexityIsPrinted() throws {
        let folder = try folder()
        let outcome = try run(["perplexity"], ["--caches", "full-f32,full-f16", "--window", "64", "-q"], in: folder)
        #expect(outcome.code == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
        let lines = outcome.output.split(separator: "\n").map { $0.split(separator: " ") }
        #expect(lines.map { $0[0] } == ["cache", "full-f32", "full-f16"])
        let perplexity = try #require(Double(lines[1][3])), loss = try #require(Double(lines[1][2]))
        #expect(abs(perplexity - exp(loss)) < 1e-3 * perplexity)
    }

    @Test(arguments: [
        ["--mode", "exact", "--prefill", "in-place"], ["--mode", "in-place", "--prefill", "exact"],
        ["--order", "before-attention"],
        ["--block", "1", "--order", "before-attention", "--caches", "simulated:rtn-int2-token-g32"],
        ["--window", "2"], ["--window", "1", "--score", "all"], ["--block", "0"], ["--caches", ","],
        ["--caches", "kivi-9-g32-r128"],
    ])
    func whatWouldNotBeDoneIsRefused(_ arguments: [String]) throws {
        for command in ["divergence", "perplexity"] {
            let outcome = try BuiltCommand.start([command, "--model", "m.gguf", "--text", "t.txt"] + arguments).wait()
            #expect(outcome.code == 2 && outcome.output.isEmpty, "\(outcome.errors)")
            #expect(outcome.errors.contains("error: "), "\(outcome.errors)")
        }
    }

    @Test(arguments: [["divergence"], ["perplexity"], ["bench", "decode"]])
    func aFolderThatIsNotThereIsSaidBeforeAnythingRuns(_ command: [String]) throws {
        let folder = try folder()
        let outcome = try run(command, ["--out", "no/q.csv"], in: folder)
        #expect(outcome.code == 1 && outcome.output.isEmpty)
        #expect(outcome.errors.contains("no/q.csv: cannot be written"), "\(outcome.errors)")
        #expect(!folder.names().contains("no"))
    }

    @Test func decodeWritesATableAndItsFigure() throws {
        let folder = try folder()
        let outcome = try run(
            ["bench", "decode"],
            [
                "--caches", "full-f16,kivi-2-g32-r32", "--prompts", "40,90", "--batches", "1,3", "--steps", "4",
                "--budget", "1GB", "--out", "d.csv",
            ],
            in: folder
        )
        #expect(outcome.code == 0, "\(outcome.errors)")
        let rows = try csvRows(folder["d.csv"])
        #expect(rows.count == 2 * 2 * 2)
        for row in rows {
            #expect(row["weights"] == "real" && (Double(row["tokens_per_second"] ?? "") ?? 0) > 0)
            #expect((Int(row["largest_batch"] ?? "") ?? 0) > 3)
            #expect((Int(row["code_bytes"] ?? "") ?? 0 > 0) == (row["cache"] != "full-f16"))
        }
        #expect(try String(contentsOf: folder["d.svg"], encoding: .utf8).contains("<svg"))

        let none = try run(["bench", "decode"], ["--prompts", "2000", "--steps", "4"], in: folder)
        #expect(none.code == 2 && none.errors.contains("context"), "\(none.errors)")
    }
}
