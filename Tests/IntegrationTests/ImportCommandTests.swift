import Foundation
import Testing

/// `kvatlas import` and `kvatlas compare`, as a user types them.
@Suite struct ImportCommandTests {
    private static let fixtures = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../Fixtures/import").standardizedFileURL.path

    private func importHook(into folder: TemporaryFolder, _ name: String = "c.h5") throws {
        let outcome = try BuiltCommand.run(
            "import",
            "\(Self.fixtures)/tiny-llama.h5",
            "--axes",
            "token,kv_head,channel",
            "--out",
            name,
            in: folder.url
        )
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(outcome.output == name + "\n")
        #expect(outcome.errors.contains("11 tokens in 1 sequence(s), layers 0-1, query, key, key_pre_rope, value"))
    }

    @Test func otherCommandsReadWhatWasImported() throws {
        let folder = try TemporaryFolder()
        try importHook(into: folder)
        let inspect = try BuiltCommand.run("inspect", "c.h5", in: folder.url)
        #expect(inspect.code == 0 && inspect.output.contains("llama (llama), weights float32"), "\(inspect.output)")
        #expect(inspect.output.contains("import") && inspect.output.contains("--axes token,kv_head,channel"))
        let stats = try BuiltCommand.run("stats", "c.h5", "--by", "layer", "--out", "-", in: folder.url)
        #expect(stats.code == 0 && stats.output.split(separator: "\n").count == 1 + 2 * 4, "\(stats.errors)")
        let error = try BuiltCommand.run(
            "error",
            "c.h5",
            "--schemes",
            "rtn-int4-token-g8",
            "--out",
            "-",
            in: folder.url
        )
        #expect(error.code == 0 && error.output.contains("rtn-int4-token-g8"), "\(error.errors)")
        #expect(folder.names() == ["c.h5"])
        let again = try BuiltCommand.run(
            "import",
            "\(Self.fixtures)/tiny-llama.h5",
            "--axes",
            "token,kv_head,channel",
            "--out",
            "c.h5",
            in: folder.url
        )
        #expect(again.code == 1 && again.errors.contains("--overwrite"))
    }

    /// Where nothing says what a layer sees, the figure's caption says what is assumed.
    @Test func figuresSayWhatIsTakenForGranted() throws {
        let folder = try TemporaryFolder()
        let imported = try BuiltCommand.run(
            "import",
            "\(Self.fixtures)/tiny-llama.npz",
            "--pattern",
            "layer_{layer}_{tensor}",
            "--axes",
            "batch,kv_head,token,channel",
            "--tensors",
            "query,key,value",
            "--out",
            "c.h5",
            in: folder.url
        )
        #expect(imported.code == 0, "\(imported.errors)")
        for (figure, assumes) in [("attention-sinks", true), ("channel-profile", false)] {
            let plot = try BuiltCommand.run("plot", "c.h5", "--figure", figure, "--out", "-", in: folder.url)
            #expect(plot.code == 0 && plot.output.contains("Taken for granted") == assumes, "\(plot.errors)")
        }
    }

    @Test func mistakesAreToldWithWhatToDo() throws {
        let folder = try TemporaryFolder()
        func outcome(_ arguments: String...) throws -> BuiltCommand.Outcome {
            try BuiltCommand.start(["import"] + arguments + ["--out", "c.h5"], in: folder.url).wait()
        }
        let hook = "\(Self.fixtures)/tiny-llama.h5"
        let axis = try outcome(hook, "--axes", "token,kv_haed,channel")
        #expect(axis.code == 2 && axis.errors.contains("Did you mean 'kv_head'?"), "\(axis.errors)")
        let swapped = try outcome(hook, "--axes", "kv_head,token,channel")
        #expect(swapped.code == 1 && swapped.errors.contains("do tokens and heads change places?"), "\(swapped.errors)")
        let missing = try outcome("none.npz", "--axes", "token,kv_head,channel")
        #expect(missing.code == 1 && missing.errors.contains("none.npz: cannot be opened"))
        let layers = try outcome(hook, "--axes", "token,kv_head,channel", "--layers", "7")
        #expect(layers.code == 1 && layers.errors.contains("7"))
        #expect(try outcome("--axes", "token,kv_head,channel").code == 2)
        #expect(folder.names() == [])
    }

    @Test func controlCLeavesNothing() throws {
        let folder = try TemporaryFolder()
        // 410 MB without a block on the disk: the file is a header and a length.
        let literal = "{'descr': '<f2', 'fortran_order': False, 'shape': (200000, 8, 128), }"
        let text = literal + String(repeating: " ", count: 128 - 11 - literal.utf8.count) + "\n"
        let header = [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(text.utf8.count), 0] + Array(text.utf8)
        try Data(header).write(to: folder["layer_0_key.npy"])
        let file = try FileHandle(forWritingTo: folder["layer_0_key.npy"])
        try file.truncate(atOffset: UInt64(header.count + 200_000 * 8 * 128 * 2))
        try file.close()
        let started = try BuiltCommand.start(
            ["import", "layer_0_key.npy", "--axes", "token,kv_head,channel", "--out", "c.h5"],
            in: folder.url
        )
        let deadline = Date(timeIntervalSinceNow: 60)
        while Date() < deadline, started.process.isRunning {
            let attributes = try? FileManager.default.attributesOfItem(atPath: folder.path("c.h5.partial"))
            if attributes?[.size] as? Int ?? 0 > 8_000_000 { break }
            Thread.sleep(forTimeInterval: 0.002)
        }
        kill(started.process.processIdentifier, SIGINT)
        let outcome = try started.wait()
        #expect(outcome.code == 130 && outcome.errors.contains("interrupted"), "\(outcome.errors)")
        #expect(folder.names() == ["layer_0_key.npy"])
    }

    @Test func comparisonsSayWhatDiffersAndFailWhenAsked() throws {
        let folder = try TemporaryFolder()
        try importHook(into: folder)
        try importHook(into: folder, "same.h5")
        let other = try BuiltCommand.run(
            "import",
            "\(Self.fixtures)/tiny-llama-bfloat16.safetensors",
            "--axes",
            "token,head,channel",
            "--out",
            "other.h5",
            in: folder.url
        )
        #expect(other.code == 0, "\(other.errors)")

        let same = try BuiltCommand.run(
            "compare",
            "c.h5",
            "same.h5",
            "--fail-on-difference",
            "0",
            in: folder.url
        )
        #expect(same.code == 0 && same.output.contains("identical: "), "\(same.output)\(same.errors)")
        let differs = try BuiltCommand.run("compare", "c.h5", "other.h5", "--out", "tables", in: folder.url)
        #expect(differs.code == 0, "\(differs.errors)")
        #expect(differs.output.contains("model: llama against tiny"))
        #expect(differs.output.contains("tensors only in the first: key_pre_rope"))
        #expect(folder.names(in: "tables") == ["README.md", "compare-channels.csv", "compare-statistics.csv"])
        let failed = try BuiltCommand.run(
            "compare",
            "c.h5",
            "other.h5",
            "--fail-on-difference",
            "0.5",
            in: folder.url
        )
        #expect(failed.code == 1 && failed.errors.contains("--fail-on-difference 0.5"), "\(failed.errors)")

        let json = try BuiltCommand.run("compare", "c.h5", "same.h5", "--json", in: folder.url)
        let parsed = try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any]
        #expect(parsed?["identical"] as? Bool == true && parsed?["largestRelativeDifference"] as? Double == 0)
        let tables = try #require(parsed?["tables"] as? [String: [[String: Any]]])
        #expect(tables["compare-channels"]?.first?["spearman"] as? Double == 1)
        let csv = try BuiltCommand.run(
            "compare",
            "c.h5",
            "same.h5",
            "--out",
            "x.csv",
            "--table",
            "compare-channels",
            in: folder.url
        )
        #expect(csv.code == 0)
        #expect(try String(contentsOf: folder["x.csv"], encoding: .utf8).hasPrefix("tensor,layer_a,layer_b,channels,"))
        let bad = try BuiltCommand.run("compare", "c.h5", "same.h5", "--fail-on-difference", "-1", in: folder.url)
        #expect(bad.code == 2)
    }

    @Test func runsAreComparedByTheirTables() throws {
        let folder = try TemporaryFolder()
        try folder.addModelAndText(times: 3)
        for (name, scheme) in [("a", "rtn-int2-token-g32"), ("b", "rtn-int4-token-g32")] {
            try folder.write(
                """
                name: \(name)
                model: model.gguf
                texts: [text.txt]
                analyses:
                  errors:
                    schemes: [rtn-int2-channel-g32, \(scheme)]
                """,
                to: "\(name).yaml"
            )
            let run = try BuiltCommand.run("run", "\(name).yaml", "--out", name, in: folder.url)
            #expect(run.code == 0, "\(run.errors)")
        }
        let outcome = try BuiltCommand.run("compare", "a", "b", in: folder.url)
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(
            outcome.output.contains("schemes and caches only in the first: rtn-int2-token-g32"),
            "\(outcome.output)"
        )
        #expect(
            outcome.output.contains("schemes rtn-int2-channel-g32, rtn-int2-token-g32 against"),
            "\(outcome.output)"
        )
        #expect(!outcome.output.contains("model:") && !outcome.output.contains("text_sha256"))
        let same = try BuiltCommand.run("compare", "a", "a", "--fail-on-difference", "0", in: folder.url)
        #expect(same.code == 0 && same.output.contains("identical: "), "\(same.output)")
        let none = try BuiltCommand.run("compare", "a", "nothing", in: folder.url)
        #expect(none.code == 1 && none.errors.contains("nothing"))
    }
}
