import Foundation
import Testing

@Suite struct BenchCommandTests {
    private func rows(_ path: String) throws -> [[String: Any]] {
        let data = try Data(contentsOf: URL(fileURLWithPath: path))
        return try #require(try JSONSerialization.jsonObject(with: data) as? [[String: Any]])
    }

    @Test func aPlainReadIsMeasuredAtBothSizes() throws {
        let folder = try TemporaryFolder()
        let json = folder.path("kernels.json")
        let outcome = try BuiltCommand.run(
            "bench",
            "kernels",
            "--filter",
            "memory-read",
            "--seconds",
            "0.2",
            "--tokens",
            "4096",
            "--json",
            json
        )
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(outcome.output.contains("memory-read") && outcome.output.contains("GB/s"))
        let rows = try rows(json)
        #expect(rows.map { $0["residence"] as? String } == ["memory", "cache"])
        for row in rows {
            #expect(row["name"] as? String == "memory-read")
            #expect(row["threads"] as? Int == 1)
            #expect(row["headDim"] as? Int == 128)
            #expect(row["shareOfMemoryRead"] as? Double == 1)
            #expect(row["ratioToFloat16"] is NSNull)
            let rate = try #require(row["gigabytesPerSecond"] as? Double)
            #expect(rate > 0.1 && rate < 10_000)
        }
        #expect(folder.names() == ["kernels.json"])
    }

    @Test func aDashGivesJSONAloneOnStdout() throws {
        let outcome = try BuiltCommand.run(
            "bench",
            "kernels",
            "--filter",
            "gemv-q4_0",
            "--seconds",
            "0.01",
            "--tokens",
            "512",
            "--json",
            "-",
            "-q",
            environment: ["KVATLAS_ISA": "reference"]
        )
        let parsed = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [[String: Any]]
        #expect(parsed?.count == 2 && parsed?.allSatisfy { $0["isa"] as? String == "reference" } == true)
        #expect(outcome.errors.isEmpty)
    }

    @Test func anUnknownFilterExitsWith2AndNamesTheNearest() throws {
        let outcome = try BuiltCommand.run("bench", "kernels", "--filter", "atention-float16")
        #expect(outcome.code == 2 && outcome.output.isEmpty)
        #expect(outcome.errors.contains("Did you mean 'attention-float16'?"), "\(outcome.errors)")
    }

    @Test(arguments: [
        ["--threads", "0"], ["--threads", "100000"], ["--tokens", "0"], ["--tokens", "99999999999"],
        ["--head-dim", "0"], ["--seconds", "0"], ["--seconds", "nan"], ["--filter", ""],
    ])
    func aWrongValueExitsWith2AndNamesIt(arguments: [String]) throws {
        let outcome = try BuiltCommand.start(["bench", "kernels"] + arguments).wait()
        #expect(outcome.code == 2 && outcome.output.isEmpty)
        #expect(!outcome.errors.isEmpty)
    }

    @Test func aFolderThatIsNotThereIsSaidBeforeAnythingRuns() throws {
        let folder = try TemporaryFolder()
        let outcome = try BuiltCommand.run("bench", "kernels", "--seconds", "60", "--json", folder.path("no/k.json"))
        #expect(outcome.code == 1)
        #expect(outcome.errors.contains("k.json"), "\(outcome.errors)")
    }

    @Test func controlCLeavesTheOldFileAndExitsWith130() throws {
        let folder = try TemporaryFolder()
        let json = try folder.write("[]", to: "kernels.json")
        let bench = try BuiltCommand.start([
            "bench", "kernels", "--filter", "memory-read,rope", "--seconds", "60", "--tokens", "512", "--json", json,
        ])
        // Long enough to be measuring, whose samples are what an interruption waits for.
        Thread.sleep(forTimeInterval: 1.5)
        kill(bench.process.processIdentifier, SIGINT)
        let outcome = try bench.wait()
        #expect(outcome.code == 130, "\(outcome.errors)")
        #expect(try String(contentsOfFile: json, encoding: .utf8) == "[]")
        #expect(folder.names() == ["kernels.json"])
    }

    @Test func helpHasExamples() throws {
        let help = try BuiltCommand.run("bench", "kernels", "--help")
        #expect(help.code == 0 && help.output.contains("Examples:"))
        #expect(help.output.contains("kvatlas bench kernels --filter"))
    }
}
