import Foundation
import Reporting
import TensorCore
import Testing

/// The notebook as a file; `ExportCommandTests` runs one.
struct NotebookExportTests {
    private struct Cell {
        let id, kind, source: String
        let outputs: [JSONValue]
    }

    private static func notebook(_ synthetic: SyntheticTables, alterations: [Alteration] = []) throws -> String {
        let run = try RunFolder(synthetic)
        let content = try Report.build(runDirectory: run.path, alterations: alterations)
        return NotebookExport.text(content, runPath: "../runs/study", folderName: "notebooks-export")
    }

    private static func cells(_ text: String) throws -> [Cell] {
        guard case .array(let cells) = try JSONValue.parse(text)["cells"] else { return [] }
        return cells.map { cell in
            var source = ""
            if case .array(let lines) = cell["source"] { source = lines.compactMap { $0.string }.joined() }
            var outputs: [JSONValue] = []
            if case .array(let list) = cell["outputs"] { outputs = list }
            return Cell(
                id: cell["id"]?.string ?? "",
                kind: cell["cell_type"]?.string ?? "",
                source: source,
                outputs: outputs
            )
        }
    }

    @Test func itIsNbformatFourPointFive() throws {
        let text = try Self.notebook(.outliers)
        let notebook = try JSONValue.parse(text)
        #expect(notebook["nbformat"]?.integer == 4 && notebook["nbformat_minor"]?.integer == 5)
        let cells = try Self.cells(text)
        #expect(Set(cells.map { $0.id }).count == cells.count)
        for cell in cells {
            #expect(cell.id.wholeMatch(of: #/[A-Za-z0-9_-]{1,64}/#) != nil, "\(cell.id)")
            #expect(["markdown", "code"].contains(cell.kind) && !cell.source.isEmpty)
        }
    }

    @Test func figuresAreEmbeddedAndNothingElseIs() throws {
        let run = try RunFolder(.outliers)
        let requests = ["channel-profile", "per-token-vs-per-channel", "error-by-layer"].map { FigureRequest(id: $0) }
        try Report.write(requests: requests, runDirectory: run.path)
        let content = try Report.build(runDirectory: run.path)
        #expect(content.figures.map { $0.id } == requests.map { $0.id })
        let cells = try Self.cells(NotebookExport.text(content, runPath: "run", folderName: ""))
        let shown = cells.filter { !$0.outputs.isEmpty }
        #expect(shown.map { $0.source } == content.figures.map { "SVG(filename=str(RUN / \"\($0.file)\"))" })
        for (cell, figure) in zip(shown, content.figures) {
            guard case .array(let lines) = cell.outputs.first?["data"]?["image/svg+xml"] else {
                Issue.record("\(cell.id) has no figure")
                continue
            }
            let isSame = lines.compactMap { $0.string }.joined() == figure.svg
            #expect(isSame, "\(cell.id) shows another figure")
        }
    }

    @Test func figuresBeyondItsSizeAreLeftToItsCells() throws {
        let run = try RunFolder(.outliers)
        let requests = (0..<24).flatMap { (layer: Int) -> [FigureRequest] in
            ["key", "value", nil].map { (tensor: String?) in
                FigureRequest(id: "channel-profile", selection: FigureSelection(layer: layer, tensor: tensor))
            }
        }
        try Report.write(requests: requests, runDirectory: run.path)
        let content = try Report.build(runDirectory: run.path)
        let text = NotebookExport.text(content, runPath: "run", folderName: "")
        let cells = try Self.cells(text).filter { $0.id.hasPrefix("figure-") }
        #expect(cells.count == content.figures.count)
        let left = zip(cells, content.figures).filter { $0.0.outputs.isEmpty }.map { $0.1.id }
        #expect(!left.isEmpty && left.count < cells.count / 2)
        let isSaid = text.contains("Run the cells of \(left.joined(separator: ", ")) to see them")
        #expect(isSaid)
        #expect(text.utf8.count < 1_000_000)
    }

    @Test func theSameRunIsTheSameFile() throws {
        let run = try RunFolder(.plain)
        let path = "\(run.path)/a/study.ipynb"
        try NotebookExport.write(try Report.build(runDirectory: run.path), runDirectory: run.path, to: path)
        let first = try run.read("a/study.ipynb")
        try NotebookExport.write(try Report.build(runDirectory: run.path), runDirectory: run.path, to: path)
        let isSame = try run.read("a/study.ipynb") == first
        #expect(isSame)
        #expect(first.contains("RUN_PATH = \\\"..\\\""))
        #expect(first.contains("notebook_folder=\\\"a\\\""))
    }

    @Test func itNamesNoPlaceOnTheMachineThatMadeIt() throws {
        let run = try RunFolder(.plain)
        try run.write(
            """
            {"figureContext": {"model": "m", "text": "t", "tokens": 4}, "toolVersion": "1",
             "command": ["/home/someone/.build/release/kvatlas", "run", "study.yaml"],
             "model": {"name": "m", "path": "/home/someone/m.gguf", "sha256": "ab"}}
            """,
            to: "provenance.json"
        )
        try NotebookExport.write(
            try Report.build(runDirectory: run.path),
            runDirectory: run.path,
            to: "\(run.path)/study.ipynb"
        )
        let text = try run.read("study.ipynb")
        #expect(!text.contains("/home/") && !text.contains(FileManager.default.temporaryDirectory.path))
        #expect(text.contains("kvatlas run study.yaml"))
    }

    @Test func itDrawsAgainWhatTheTablesAllow() throws {
        #expect(
            try Self.cells(Self.notebook(.plain)).map { $0.id }.filter {
                $0.hasPrefix("redraw-") && !$0.hasSuffix("text")
            }
                == ["redraw-magnitudes", "redraw-pairs"]
        )
        let run = try RunFolder(.plain, leavingOut: ["magnitude"])
        let text = NotebookExport.text(try Report.build(runDirectory: run.path), runPath: "r", folderName: "")
        #expect(try !Self.cells(text).contains { $0.id == "redraw-magnitudes" })
    }

    @Test func editedFilesAreNamedInIt() throws {
        let changed = Alteration(file: "tables/magnitude.csv", kind: .changed)
        let cells = try Self.cells(Self.notebook(.plain, alterations: [changed]))
        #expect(cells[1].source.contains("`tables/magnitude.csv` was changed after the run made it"))
        #expect(try !Self.cells(Self.notebook(.plain)).contains { $0.id == "warning" })
    }
}
