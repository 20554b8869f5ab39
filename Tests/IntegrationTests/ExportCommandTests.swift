import Foundation
import Testing

/// A Python with nbformat, nbclient, pandas, matplotlib, h5py, xarray and h5netcdf.
private let notebookPython = ProcessInfo.processInfo.environment["KVATLAS_NOTEBOOK_PYTHON"]

/// Notebooks and LaTeX tables of a run, by the built command; and a report whose tables were edited.
@Suite struct ExportCommandTests {
    /// A run `out` of a small random model, in a folder of its own.
    private func makeRun(_ more: String = "") throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        try folder.addModelAndText(times: 6)
        try folder.write(
            """
            name: study
            model: model.gguf
            texts: [text.txt]
            analyses:
              errors:
                schemes: [rtn-int2-token-g32, rtn-int2-channel-g32]
            \(more)
            """,
            to: "m.yaml"
        )
        let run = try BuiltCommand.run("run", "m.yaml", "--out", "out", "--quiet", in: folder.url)
        #expect(run.code == 0, "\(run.errors)")
        return folder
    }

    private func contents(_ folder: TemporaryFolder, _ name: String) throws -> String {
        try String(contentsOf: folder[name], encoding: .utf8)
    }

    @Test func aNotebookGoesBesideTheRunAndReplacesNothing() throws {
        let folder = try makeRun()
        let first = try BuiltCommand.run("export", "notebook", "out", in: folder.url)
        #expect(first.code == 0, "\(first.errors)")
        #expect(first.output.hasSuffix("/out.ipynb\n"))
        let text = try contents(folder, "out.ipynb")
        #expect(text.contains("RUN_PATH = \\\"out\\\""))
        #expect(!text.contains(folder.url.path))

        try folder.write("mine", to: "out.ipynb")
        let second = try BuiltCommand.run("export", "notebook", "out", in: folder.url)
        #expect(second.code == 1)
        #expect(second.errors.contains("out.ipynb: exists already") && second.errors.contains("--overwrite"))
        #expect(try contents(folder, "out.ipynb") == "mine")
        #expect(try BuiltCommand.run("export", "notebook", "out", "--overwrite", in: folder.url).code == 0)
        let isSame = try contents(folder, "out.ipynb") == text
        #expect(isSame)
        #expect(folder.names() == ["m.yaml", "model.gguf", "out", "out.ipynb", "text.txt"])
    }

    @Test func inACheckoutANotebookGoesToItsFolder() throws {
        let folder = try makeRun()
        try FileManager.default.createDirectory(at: folder["notebooks-export"], withIntermediateDirectories: true)
        try folder.write("", to: "Package.swift")
        let outcome = try BuiltCommand.run("export", "notebook", "../out", in: folder["notebooks-export"])
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(try contents(folder, "notebooks-export/out.ipynb").contains("RUN_PATH = \\\"../out\\\""))
    }

    @Test func latexTablesAreWrittenAndReplaceNothing() throws {
        let folder = try makeRun()
        let first = try BuiltCommand.run("export", "latex", "out", in: folder.url)
        #expect(first.code == 0, "\(first.errors)")
        let names = folder.names(in: "out/latex")
        #expect(names.contains("paper-table-2.tex") && names.contains("all-tables.tex"))
        #expect(first.errors.contains("left out, as they have over 200 rows: "))
        #expect(try contents(folder, "out/latex/paper-table-2.tex").contains("\\toprule"))
        let second = try BuiltCommand.run("export", "latex", "out", in: folder.url)
        #expect(second.code == 1 && second.errors.contains("--overwrite"))
        let one = try BuiltCommand.run("export", "latex", "out", "--table", "errors", "--out", "tex", in: folder.url)
        #expect(one.code == 0, "\(one.errors)")
        #expect(folder.names(in: "tex") == ["all-tables.tex", "errors.tex", "findings.tex"])
        // The next run still knows the folder for its own.
        #expect(try BuiltCommand.run("run", "m.yaml", "--out", "out", "--quiet", in: folder.url).code == 0)
    }

    @Test func wrongNamesAreToldWithTheNearest() throws {
        let folder = try makeRun()
        let table = try BuiltCommand.run("export", "latex", "out", "--table", "paper-table-3", in: folder.url)
        #expect(table.code == 2)
        #expect(table.errors.contains("unknown table 'paper-table-3'"))
        #expect(table.errors.contains("Did you mean 'paper-table-2'?"))
        #expect(folder.names(in: "out/latex").isEmpty)
        let run = try BuiltCommand.run("export", "notebook", "nowhere", in: folder.url)
        #expect(run.code == 1 && run.errors.contains("holds no finished run"))
        let help = try BuiltCommand.run("export", "notebook", "--help", in: folder.url)
        #expect(help.code == 0 && help.output.contains("Examples:"))
        let folderInTheWay = try BuiltCommand.run(
            "export",
            "notebook",
            "out",
            "--out",
            "m.yaml/x.ipynb",
            in: folder.url
        )
        #expect(folderInTheWay.code == 1 && folderInTheWay.errors.contains("cannot be written"))
    }

    @Test func editedTablesAreWarnedOf() throws {
        let folder = try makeRun()
        let table = try contents(folder, "out/tables/errors.csv")
        try folder.write(table.replacingOccurrences(of: "rtn-int2-token", with: "my-own"), to: "out/tables/errors.csv")
        let warning = "out/tables/errors.csv was changed after the run made it"
        for name in ["model.gguf", "text.txt", "out/capture.h5"] {
            try FileManager.default.removeItem(at: folder[name])
        }

        let report = try BuiltCommand.run("report", "out", in: folder.url)
        #expect(report.code == 0 && report.errors.contains("warning: \(warning)"), "\(report.errors)")
        let page = try contents(folder, "out/report.html")
        #expect(page.contains("not what the run computed"))
        #expect(page.contains("<li>tables/errors.csv was changed after the run made it.</li>"))
        let notebook = try BuiltCommand.run("export", "notebook", "out", in: folder.url)
        #expect(notebook.code == 0 && notebook.errors.contains("warning: \(warning)"))
        #expect(try contents(folder, "out.ipynb").contains("`tables/errors.csv` was changed"))
        let latex = try BuiltCommand.run("export", "latex", "out", "--table", "errors", in: folder.url)
        #expect(latex.code == 0 && latex.errors.contains("warning: \(warning)"))
        #expect(try contents(folder, "out/latex/errors.tex").contains("was changed after the run made it"))
    }

    @Test(.enabled(if: notebookPython != nil, "KVATLAS_NOTEBOOK_PYTHON names no Python with nbclient"))
    func nbclientExecutesIt() throws {
        let folder = try makeRun()
        #expect(
            try BuiltCommand.run("export", "notebook", "out", "--out", "notes/study.ipynb", in: folder.url).code == 0
        )
        // From the notebook's folder, from one above, and with the capture gone.
        let first = try execute(folder, "notes/study.ipynb", from: "notes")
        #expect(first.code == 0, "\(first.output)")
        for part in ["layers,", "channels of the capture are those of statistics-channel.csv", "key largest |x|"] {
            #expect(first.output.contains(part), "\(part) is not in\n\(first.output)")
        }
        #expect(first.output.contains("2 pictures drawn"))
        try FileManager.default.removeItem(at: folder["out/capture.h5"])
        let second = try execute(folder, "notes/study.ipynb", from: ".")
        #expect(second.code == 0, "\(second.output)")
        #expect(second.output.contains("capture.h5 was not kept"))

        let table = try contents(folder, "out/tables/errors.csv")
        try folder.write(table + "\n", to: "out/tables/errors.csv")
        #expect(
            try execute(folder, "notes/study.ipynb", from: "notes").output.contains("tables/errors.csv was changed")
        )

        try FileManager.default.removeItem(at: folder["out"])
        let third = try execute(folder, "notes/study.ipynb", from: "notes")
        #expect(third.code == 1 && third.output.contains("there is no run at"), "\(third.output)")
        #expect(third.output.contains("kvatlas run m.yaml --out out"))
    }

    private func execute(_ folder: TemporaryFolder, _ notebook: String, from start: String) throws
        -> (code: Int32, output: String)
    {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: notebookPython ?? "python3")
        process.arguments = [
            URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .appendingPathComponent("Fixtures/notebook/execute_notebook.py").path,
            folder.path(notebook), folder.path(start),
        ]
        let out = try folder.openForWriting("notebook.log")
        process.standardOutput = out
        process.standardError = out
        try process.run()
        process.waitUntilExit()
        return (process.terminationStatus, try contents(folder, "notebook.log"))
    }
}
