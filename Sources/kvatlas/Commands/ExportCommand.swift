import ArgumentParser
import Experiments
import Foundation
import Reporting
import TensorCore

struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write a run in the form that another tool takes: a Jupyter notebook, LaTeX tables.",
        discussion: """
            Both need the run's folder alone, no model and no capture.

            Examples:
              kvatlas export notebook runs/01-distribution
              kvatlas export latex runs/01-distribution --table paper-table-2
            """,
        subcommands: [ExportNotebookCommand.self, ExportLatexCommand.self]
    )
}

struct ExportNotebookCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "notebook",
        abstract: "Write a run as a Jupyter notebook.",
        discussion: """
            The notebook holds the findings and the figures; its cells read the run's tables with pandas and its \
            capture with h5py and xarray, and draw two figures with matplotlib. It finds the run by a path relative to \
            itself. In a checkout it goes to notebooks-export, elsewhere beside the run's folder.

            Examples:
              kvatlas export notebook runs/01-distribution
              kvatlas export notebook runs/qwen --out ~/qwen.ipynb --overwrite
            """
    )

    @Argument(help: ArgumentHelp("The run's folder.", valueName: "run"), completion: .directory)
    var folder: String

    @Option(
        help: ArgumentHelp("The notebook to write (default: notebooks-export/NAME.ipynb).", valueName: "file.ipynb"),
        completion: .file(extensions: ["ipynb"])
    )
    var out: String?

    @Flag(help: "Replace the notebook if it exists.")
    var overwrite = false

    func run() throws {
        let alterations = try checkRun(folder)
        let target = out ?? Self.defaultTarget(folder)
        try refuseExisting(target, overwrite: overwrite)
        let content = try Report.build(runDirectory: folder, alterations: alterations)
        for figure in content.missingFigures {
            Terminal.printError("warning: figure \(figure.id) is missing: \(figure.reason)")
        }
        try NotebookExport.write(content, runDirectory: folder, to: target)
        Terminal.printResult(target)
    }

    /// `notebooks-export/NAME.ipynb` of the checkout around the working directory, else `NAME.ipynb` beside the run.
    private static func defaultTarget(_ run: String) -> String {
        let run = URL(fileURLWithPath: run).standardizedFileURL
        let name = run.lastPathComponent + ".ipynb"
        let manager = FileManager.default
        let here = URL(fileURLWithPath: manager.currentDirectoryPath)
        var folder = here
        while folder.path != "/" {
            let exports = folder.appendingPathComponent("notebooks-export")
            if manager.fileExists(atPath: exports.path),
                manager.fileExists(atPath: folder.appendingPathComponent("Package.swift").path)
            {
                return folder == here ? "notebooks-export/\(name)" : exports.appendingPathComponent(name).path
            }
            folder.deleteLastPathComponent()
        }
        return run.deletingLastPathComponent().appendingPathComponent(name).path
    }
}

struct ExportLatexCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "latex",
        abstract: "Write a run's tables as LaTeX, with booktabs.",
        discussion: """
            One fragment a table, to be \\input, with caption and label, findings.tex, what the run shows in \
            sentences, and all-tables.tex, a document that shows them all. structure-overview sums the structure study \
            up, a row a tensor. Numbers are rounded and stand point under point in plain columns; columns with one \
            value in all rows go into the caption. Tables of more than \(LatexExport.rowLimit) rows are written only \
            if named.

            Examples:
              kvatlas export latex runs/01-distribution
              kvatlas export latex runs/01-distribution --table paper-table-2 --out thesis/tables
            """
    )

    @Argument(help: ArgumentHelp("The run's folder.", valueName: "run"), completion: .directory)
    var folder: String

    @Option(
        help: ArgumentHelp("The folder to write to (default: latex in the run's folder).", valueName: "folder"),
        completion: .directory
    )
    var out: String?

    @Option(
        name: .customLong("table"),
        parsing: .upToNextOption,
        help: ArgumentHelp("Tables to write, by name (default: those short enough for print).", valueName: "name")
    )
    var tables: [String] = []

    @Flag(help: "Replace files that exist.")
    var overwrite = false

    func run() throws {
        let alterations = try checkRun(folder)
        let content = try Report.build(runDirectory: folder, alterations: alterations)
        let made = LatexExport.madeTables(content.tables).map { $0.name }
        let known = made + content.tables.keys.sorted()
        for name in tables where !known.contains(name) {
            throw UsageError(
                command: "export latex",
                underlying: UnknownNameError(what: "table", name: name, allowed: known)
            )
        }
        let names = tables.isEmpty ? made + LatexExport.defaultTables(content.tables) : tables
        let target = out ?? folder + "/latex"
        let files = LatexExport.files(content, names: names)
        for file in files { try refuseExisting(target + "/" + file.name, overwrite: overwrite) }
        try LatexExport.write(files, to: target)
        let long = known.filter { (content.tables[$0]?.rows.count ?? 0) > LatexExport.rowLimit && !names.contains($0) }
        if tables.isEmpty, !long.isEmpty {
            Terminal.printError(
                "left out, as they have over \(LatexExport.rowLimit) rows: \(long.joined(separator: ", "))"
            )
        }
        for file in files { Terminal.printResult(target + "/" + file.name) }
    }
}
