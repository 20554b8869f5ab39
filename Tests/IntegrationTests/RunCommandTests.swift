import Foundation
import Testing

/// A manifest from start to report, by the built command.
@Suite struct RunCommandTests {
    private func makeRun() throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        try folder.addModelAndText(times: 6)
        try folder.write(
            """
            name: study
            model: model.gguf
            texts: [text.txt]
            analyses:
              errors:
                schemes: [rtn-int2-token-g32, rtn-int2-channel-g32, kivi-2-g32-r32]
            """,
            to: "m.yaml"
        )
        return folder
    }

    @Test func aRunWritesTablesFiguresReportAndWhereItAllComesFrom() throws {
        let folder = try makeRun()
        let run = try BuiltCommand.run("run", "m.yaml", "--out", "out", in: folder.url)
        #expect(run.code == 0, "\(run.errors)")
        #expect(run.output.trimmingCharacters(in: .whitespacesAndNewlines).hasSuffix("out/report.html"))
        for name in ["capture.h5", "manifest.yaml", "provenance.json", "report.html"] {
            #expect(folder.names(in: "out").contains(name))
        }
        let tables = folder.names(in: "out/tables")
        for name in [
            "errors.csv", "paper-table-2.csv", "per-token-vs-per-channel.csv", "statistics-channel.csv", "README.md",
        ] {
            #expect(tables.contains(name))
        }
        #expect(folder.names(in: "out/figures").count >= 5)
        try checkDocumentation(try String(contentsOf: folder["out/tables/README.md"], encoding: .utf8))
        let provenance = try String(contentsOf: folder["out/provenance.json"], encoding: .utf8)
        #expect(provenance.contains("sha256") && provenance.contains("OpenBLAS"))
        #expect(try BuiltCommand.run("validate", "out/manifest.yaml", in: folder.url).code == 0)

        let again = try BuiltCommand.run("run", "m.yaml", "--out", "out", in: folder.url)
        #expect(again.code == 0)
        #expect(again.errors.components(separatedBy: "up to date").count == 6, "\(again.errors)")

        let other = try BuiltCommand.run(
            "run",
            "m.yaml",
            "--out",
            "out",
            "--set",
            "analyses.errors.max_queries=16",
            in: folder.url
        )
        #expect(other.code == 0, "\(other.errors)")
        #expect(other.errors.contains("capture: up to date"))
        #expect(!other.errors.contains("errors: up to date"))
    }

    /// Each column of each table says what it means.
    private func checkDocumentation(_ text: String) throws {
        let columns = text.split(separator: "\n").filter { $0.hasPrefix("| ") && !$0.hasPrefix("| column") }
        #expect(columns.count > 60)
        for column in columns {
            let cells = column.split(separator: "|", omittingEmptySubsequences: false)
                .map { $0.trimmingCharacters(in: .whitespaces) }
            #expect(cells.count >= 6 && !cells[cells.count - 2].isEmpty, "\(column)")
        }
    }

    @Test func aReportIsRebuiltWithNoModelPresent() throws {
        let folder = try makeRun()
        try BuiltCommand.run("run", "m.yaml", "--out", "out", "--quiet", in: folder.url)
        for name in ["model.gguf", "text.txt", "out/capture.h5", "out/report.html"] {
            try FileManager.default.removeItem(at: folder[name])
        }
        let report = try BuiltCommand.run("report", "out", in: folder.url)
        #expect(report.code == 0, "\(report.errors)")
        let html = try String(contentsOf: folder["out/report.html"], encoding: .utf8)
        #expect(html.contains("<svg") && html.contains("kivi-2-g32-r32"))
        #expect(!html.contains("src=\"http"))
        let plot = try BuiltCommand.run("plot", "out", "--figure", "error-by-layer", "--out", "e.svg", in: folder.url)
        #expect(plot.code == 0, "\(plot.errors)")
    }

    @Test func aFolderWithOtherFilesIsLeftAlone() throws {
        let folder = try makeRun()
        try FileManager.default.createDirectory(at: folder["out"], withIntermediateDirectories: true)
        try folder.write("mine", to: "out/thesis.txt")
        let run = try BuiltCommand.run("run", "m.yaml", "--out", "out", in: folder.url)
        #expect(run.code == 1)
        #expect(folder.names(in: "out") == ["thesis.txt"])
    }

    @Test func aManifestIsCheckedWholeBeforeAnythingRuns() throws {
        let folder = try makeRun()
        try folder.write(
            """
            model: modell.gguf
            texts: [text.txt]
            captur: {}
            analyses:
              errors:
                schemes: [kivi-2-g32-r12]
            """,
            to: "bad.yaml"
        )
        let outcome = try BuiltCommand.run("validate", "bad.yaml", in: folder.url)
        #expect(outcome.code == 1)
        for part in ["bad.yaml:1:", "model.gguf", "bad.yaml:3:", "Did you mean 'capture'?", "bad.yaml:6:"] {
            #expect(outcome.errors.contains(part), "\(part) is not in:\n\(outcome.errors)")
        }
    }
}
