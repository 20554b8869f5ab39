import Foundation
import Testing

/// `kvatlas stats --analyses` and `kvatlas list analyses`, as people type them.
@Suite struct StructureCommandTests {
    /// A folder with `capture.h5` of a small random model.
    private func captured() throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        try folder.addModelAndText()
        let outcome = try BuiltCommand.run(
            "capture",
            "--model",
            "model.gguf",
            "--text",
            "text.txt",
            "--out",
            "capture.h5",
            in: folder.url
        )
        #expect(outcome.code == 0, "\(outcome.errors)")
        return folder
    }

    @Test func allAnalysesFillAFolder() throws {
        let folder = try captured()
        let arguments = ["stats", "capture.h5", "--analyses", "all", "--out", "structure"]
        let outcome = try BuiltCommand.start(arguments, in: folder.url).wait()
        #expect(outcome.code == 0, "\(outcome.errors)")
        let listed = try BuiltCommand.run("list", "analyses", "--json")
        let analyses = try #require(
            try JSONSerialization.jsonObject(with: Data(listed.output.utf8)) as? [[String: Any]]
        )
        #expect(analyses.count == 9)
        let tables = analyses.flatMap { $0["tables"] as? [String] ?? [] }.sorted()
        #expect(folder.names(in: "structure").sorted() == (["README.md"] + tables.map { "\($0).csv" }).sorted())
        let readme = try String(contentsOf: folder["structure/README.md"], encoding: .utf8)
        for table in tables { #expect(readme.contains("## \(table)\n"), "\(table)") }
        // What is there stays unless told otherwise.
        #expect(try BuiltCommand.start(arguments, in: folder.url).wait().code == 1)
        #expect(try BuiltCommand.start(arguments + ["--overwrite"], in: folder.url).wait().code == 0)
    }

    @Test func oneTableFitsStdoutAndSeveralDoNot() throws {
        let folder = try captured()
        let one = try BuiltCommand.run(
            "stats",
            "capture.h5",
            "--analyses",
            "tiles",
            "--layers",
            "1",
            "--out",
            "-",
            in: folder.url
        )
        #expect(one.code == 0, "\(one.errors)")
        #expect(one.output.hasPrefix("layer,tensor,head,tile,row_imbalance"))
        for (list, hint) in [("spectrum", "a folder"), ("tils", "Did you mean 'tiles'?")] {
            let outcome = try BuiltCommand.run(
                "stats",
                "capture.h5",
                "--analyses",
                list,
                "--out",
                "-",
                in: folder.url
            )
            #expect(outcome.code == 2)
            #expect(outcome.errors.contains(hint), "\(outcome.errors)")
        }
    }

    @Test func aGrainOrAnalysesAreNeeded() throws {
        #expect(try BuiltCommand.run("stats", "capture.h5", "--out", "-").code == 2)
        #expect(
            try BuiltCommand.run("stats", "capture.h5", "--by", "layer", "--analyses", "tiles", "--out", "-").code == 2
        )
    }
}
