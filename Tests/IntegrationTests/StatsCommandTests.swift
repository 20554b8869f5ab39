import Foundation
import Testing

@Suite struct StatsCommandTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        let made = try BuiltCommand.run(
            "bench",
            "generate-capture",
            "--tokens",
            "600",
            "--layers",
            "2",
            "--kv-heads",
            "2",
            "--head-dim",
            "16",
            "--out",
            "c.h5",
            in: folder.url
        )
        try #require(made.code == 0, "\(made.errors)")
    }

    private func stats(_ arguments: String...) throws -> BuiltCommand.Outcome {
        try BuiltCommand.start(["stats", "c.h5"] + arguments, in: folder.url).wait()
    }

    @Test func severalGrainsBecomeAFolder() throws {
        let outcome = try stats("--by", "all", "--histogram", "--out", "s", "--json")
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(
            folder.names(in: "s") == [
                "README.md", "histogram.csv", "outlier-channels.csv", "statistics-channel.csv", "statistics-head.csv",
                "statistics-layer.csv", "statistics-token.csv", "statistics.h5",
            ]
        )
        let rows = ["channel": 128, "head": 8, "layer": 4, "token": 4800]
        let readme = try String(contentsOf: folder["s/README.md"], encoding: .utf8)
        for (grain, count) in rows {
            let text = try String(contentsOf: folder["s/statistics-\(grain).csv"], encoding: .utf8)
            let lines = text.split(separator: "\n")
            #expect(lines.count == count + 1, "\(grain)")
            for column in lines[0].split(separator: ",") { #expect(readme.contains("| \(column) |"), "\(column)") }
            let listed = try BuiltCommand.run("list", "statistics", "--by", grain)
            for column in lines[0].split(separator: ",") { #expect(listed.output.contains(column), "\(column)") }
        }
        let summary = try #require(
            try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any]
        )
        #expect(summary["tokens"] as? Int == 600 && summary["nonfinite_elements"] as? Int == 0)
        #expect((summary["rows"] as? [String: Int])?["statistics-token"] == 4800)
        #expect((summary["files"] as? [String])?.count == 8)

        let again = try stats("--by", "all", "--out", "s")
        #expect(again.code == 1 && again.errors.contains("--overwrite"), "\(again.errors)")
        #expect(try stats("--by", "layer,head", "--out", "s", "--overwrite").code == 0)
    }

    /// Rows of tokens that nobody asked for by name are left out where they are many.
    @Test func allLeavesALargeTableOfTokensOutAndSaysSo() throws {
        let made = try BuiltCommand.run(
            "bench",
            "generate-capture",
            "--tokens",
            "60000",
            "--layers",
            "1",
            "--kv-heads",
            "4",
            "--head-dim",
            "4",
            "--out",
            "many.h5",
            in: folder.url
        )
        try #require(made.code == 0, "\(made.errors)")
        func stats(_ arguments: String...) throws -> BuiltCommand.Outcome {
            try BuiltCommand.start(["stats", "many.h5"] + arguments, in: folder.url).wait()
        }
        let all = try stats("--by", "all", "--out", "a")
        let size = "statistics-token has 480000 rows, about 120.0 MB"
        #expect(all.code == 0 && all.errors.contains("\(size), and is left out"), "\(all.errors)")
        #expect(all.errors.contains("--by channel,token,head,layer"))
        #expect(!folder.names(in: "a").contains("statistics-token.csv"))
        let named = try stats("--by", "token", "--tensors", "key", "--out", "t.csv")
        #expect(named.code == 0 && named.errors.contains("note: statistics-token has 240000 rows"))
        #expect(folder.names().contains("t.csv"))
    }

    /// Tables of both kinds of statistics in one folder, each with its columns in the README.
    @Test func analysesJoinAFolderOfStatistics() throws {
        #expect(try stats("--by", "layer", "--out", "both").code == 0)
        #expect(try stats("--analyses", "tiles", "--out", "both").code == 0)
        let readme = try String(contentsOf: folder["both/README.md"], encoding: .utf8)
        #expect(readme.contains("statistics-layer") && readme.contains("tile-imbalance"))
        let again = try stats("--analyses", "tiles", "--out", "both")
        #expect(again.code == 1 && again.errors.contains("--overwrite"), "\(again.errors)")
    }

    @Test func oneGrainIsAFileOrAFolder() throws {
        #expect(try stats("--by", "channel", "--out", "c.csv").code == 0)
        #expect(try stats("--by", "channel", "--out", "f").code == 0)
        let file = try Data(contentsOf: folder["c.csv"]),
            inFolder = try Data(contentsOf: folder["f/statistics-channel.csv"])
        #expect(file == inFolder)
        let printed = try stats("--by", "channel", "--out", "-")
        #expect(Data(printed.output.utf8) == file)
    }

    @Test(arguments: [
        ["--by", "channel,layer", "--out", "-"], ["--by", "all", "--out", "x.csv"], ["--by", "colour", "--out", "-"],
        ["--by", "layer", "--out", "-", "--json"], ["--by", "layer", "--tensors", "kez", "--out", "-"],
    ])
    func aWrongCommandLineExitsWith2AndLeavesNothing(arguments: [String]) throws {
        let outcome = try BuiltCommand.start(["stats", "c.h5"] + arguments, in: folder.url).wait()
        #expect(outcome.code == 2, "\(outcome.errors)")
        #expect(outcome.output.isEmpty && folder.names() == ["c.h5"])
    }

    @Test func aLayerThatIsNotThereExitsWith1AndLeavesNothing() throws {
        let outcome = try stats("--by", "layer", "--layers", "7", "--out", "x")
        #expect(outcome.code == 1 && outcome.errors.contains("7"), "\(outcome.errors)")
        #expect(folder.names(in: "x").isEmpty)
    }

    @Test func anInterruptedRunLeavesNoHalfFile() throws {
        let made = try BuiltCommand.run(
            "bench",
            "generate-capture",
            "--tokens",
            "60000",
            "--layers",
            "2",
            "--out",
            "long.h5",
            in: folder.url
        )
        try #require(made.code == 0, "\(made.errors)")
        // 480,000 rows of tokens take seconds.
        let started = try BuiltCommand.start(["stats", "long.h5", "--by", "token", "--out", "t.csv"], in: folder.url)
        let deadline = Date(timeIntervalSinceNow: 60)
        while Date() < deadline, started.process.isRunning, !folder.names().contains("t.csv.partial") {
            Thread.sleep(forTimeInterval: 0.005)
        }
        started.process.interrupt()
        let outcome = try started.wait()
        #expect(outcome.code == 130, "\(outcome.errors)")
        #expect(!folder.names().contains { $0.hasPrefix("t.csv") })
    }
}
