import Foundation
import Testing

/// From model and text to tables and figures, one subcommand after the other.
@Suite struct CaptureCommandTests {
    @Test func aCaptureIsDescribedMeasuredAndDrawn() throws {
        let folder = try TemporaryFolder()
        try folder.addModelAndText(times: 4)
        let capture = try BuiltCommand.run(
            "capture",
            "--model",
            "model.gguf",
            "--text",
            "text.txt",
            "--out",
            "capture.h5",
            in: folder.url
        )
        #expect(capture.code == 0, "\(capture.errors)")
        #expect(folder.names().contains("capture.h5"))
        #expect(!folder.names().contains("capture.h5.partial"))

        let inspect = try BuiltCommand.run("inspect", "capture.h5", "--json", in: folder.url)
        let summary = try #require(try JSONSerialization.jsonObject(with: Data(inspect.output.utf8)) as? [String: Any])
        #expect(summary["isComplete"] as? Bool == true)
        #expect((summary["tokenCount"] as? Int ?? 0) > 100)

        for grain in ["channel", "token", "head", "layer"] {
            let stats = try BuiltCommand.run(
                "stats",
                "capture.h5",
                "--by",
                grain,
                "--out",
                "\(grain).csv",
                in: folder.url
            )
            #expect(stats.code == 0, "\(stats.errors)")
            let table = try String(contentsOf: folder["\(grain).csv"], encoding: .utf8)
            #expect(table.hasPrefix("layer,tensor"))
            #expect(table.split(separator: "\n").count > 8)
        }

        let schemes = "rtn-int2-token-g32,rtn-int2-channel-g32,kivi-2-g32-r64"
        let errors = try BuiltCommand.run("error", "capture.h5", "--schemes", schemes, "--out", "-", in: folder.url)
        #expect(errors.code == 0, "\(errors.errors)")
        try checkZeroControl(errors.output)

        for figure in ["magnitude-surface", "magnitude-heatmap", "channel-profile"] {
            let plot = try BuiltCommand.run(
                "plot",
                "capture.h5",
                "--figure",
                figure,
                "--layer",
                "1",
                "--head",
                "0",
                "--tensor",
                "key",
                "--out",
                "\(figure).svg",
                in: folder.url
            )
            #expect(plot.code == 0, "\(plot.errors)")
            let svg = try String(contentsOf: folder["\(figure).svg"], encoding: .utf8)
            #expect(svg.contains("<svg") && svg.contains("layer 1"))
            #expect(svg.utf8.count < 500_000)
        }
    }

    /// Identity changes nothing by any metric; the lossy schemes change something.
    private func checkZeroControl(_ csv: String) throws {
        let lines = csv.split(separator: "\n").map { $0.split(separator: ",", omittingEmptySubsequences: false) }
        let header = try #require(lines.first)
        let scheme = try #require(header.firstIndex(of: "scheme"))
        let metric = try #require(header.firstIndex(of: "metric"))
        let value = try #require(header.firstIndex(of: "value"))
        var controls = 0
        for line in lines.dropFirst() where line[metric] != "attention_sparsity" {
            if line[scheme] == "identity" {
                #expect(Double(line[value]) == (line[metric] == "sqnr_db" ? .infinity : 0), "\(line)")
                controls += 1
            } else if line[metric] == "relative_frobenius" {
                let error = try #require(Double(line[value]))
                #expect(error > 0)
            }
        }
        #expect(controls > 20)
    }

    @Test func aFigureThatNeedsARunSaysSo() throws {
        let folder = try TemporaryFolder()
        try folder.addModelAndText()
        try BuiltCommand.run("capture", "--model", "model.gguf", "--text", "text.txt", "--out", "c.h5", in: folder.url)
        let plot = try BuiltCommand.run("plot", "c.h5", "--figure", "error-by-layer", "--out", "e.svg", in: folder.url)
        #expect(plot.code == 1)
        #expect(plot.errors.contains("Run a manifest"))
        #expect(!folder.names().contains("e.svg"))
    }

    @Test func nothingThatExistsIsReplacedUnlessTold() throws {
        let folder = try TemporaryFolder()
        try folder.addModelAndText()
        try folder.write("mine", to: "c.h5")
        let arguments = ["capture", "--model", "model.gguf", "--text", "text.txt", "--out", "c.h5"]
        let refused = try BuiltCommand.start(arguments, in: folder.url).wait()
        #expect(refused.code == 1)
        #expect(refused.errors.contains("c.h5"))
        #expect(try String(contentsOf: folder["c.h5"], encoding: .utf8) == "mine")
        #expect(try BuiltCommand.start(arguments + ["--overwrite"], in: folder.url).wait().code == 0)

        try folder.write("mine", to: "stats.csv")
        let stats = try BuiltCommand.run("stats", "c.h5", "--by", "layer", "--out", "stats.csv", in: folder.url)
        #expect(stats.code == 1)
        #expect(try String(contentsOf: folder["stats.csv"], encoding: .utf8) == "mine")
    }

    @Test(arguments: [
        ("empty.txt", "", "empty"), ("latin.txt", "\u{0}", ""), ("long.txt", "long", "--max-tokens 64"),
    ])
    func aTextThatCannotBeUsedSaysWhatToDo(name: String, text: String, remedy: String) throws {
        let folder = try TemporaryFolder()
        try folder.addModelAndText(contextLength: 64)
        if name == "latin.txt" {
            try Data([0x63, 0x61, 0x66, 0xE9]).write(to: folder[name])
        } else {
            try folder.write(text == "long" ? String(repeating: "far too long ", count: 40) : text, to: name)
        }
        let outcome = try BuiltCommand.run(
            "capture",
            "--model",
            "model.gguf",
            "--text",
            name,
            "--out",
            "c.h5",
            in: folder.url
        )
        #expect(outcome.code == 1)
        #expect(outcome.errors.contains(name == "latin.txt" ? "byte 3" : remedy), "\(outcome.errors)")
        #expect(!folder.names().contains { $0.hasPrefix("c.h5") })
    }

    @Test(arguments: [
        (["--layers", "7"], "layers 0 to 1"), (["--layers", "a-b"], "0,7-9"),
        (["--tensors", "kee"], "Did you mean 'key'?"),
        (["--element-type", "f61"], "Did you mean 'f16'?"),
    ])
    func aWrongSelectionNamesWhatThereIs(options: [String], hint: String) throws {
        let folder = try TemporaryFolder()
        try folder.addModelAndText()
        let arguments = ["capture", "--model", "model.gguf", "--text", "text.txt", "--out", "c.h5"] + options
        let outcome = try BuiltCommand.start(arguments, in: folder.url).wait()
        #expect(outcome.code == 1 || outcome.code == 2)
        #expect(outcome.errors.contains(hint), "\(outcome.errors)")
        #expect(!folder.names().contains { $0.hasPrefix("c.h5") })
    }

    @Test func anyNumberOfThreadsGivesTheSameNumbers() throws {
        let folder = try TemporaryFolder()
        try folder.addModelAndText(times: 8)
        var tables: [String] = []
        for threads in ["1", "2", "3"] {
            try BuiltCommand.run(
                "capture",
                "--model",
                "model.gguf",
                "--text",
                "text.txt",
                "--out",
                "\(threads).h5",
                "--threads",
                threads,
                in: folder.url
            )
            let errors = try BuiltCommand.run(
                "error",
                "\(threads).h5",
                "--schemes",
                "kivi-2-g32-r32",
                "--threads",
                threads,
                "--out",
                "-",
                in: folder.url
            )
            let stats = try BuiltCommand.run(
                "stats",
                "\(threads).h5",
                "--by",
                "channel",
                "--threads",
                threads,
                "--out",
                "-",
                in: folder.url
            )
            tables.append(errors.output + stats.output)
        }
        #expect(tables[0].count > 10_000)
        #expect(tables[0] == tables[1])
        #expect(tables[0] == tables[2])
    }
}
