import Foundation
import Plotting
import TensorCore

/// A run as a Jupyter notebook: its findings and figures, and cells that go on from its files.
///
/// The notebook holds the figures and no other outputs; its cells read the run's tables with pandas and its capture
/// with h5py and xarray, and draw with matplotlib. It is the same file for the same run.
public enum NotebookExport {
    /// Bytes of the figures that a notebook holds; a repository and a browser take such a file.
    static let svgLimit = 850_000

    /// - Parameters:
    ///   - content: what the run's report shows.
    ///   - runPath: the run's folder relative to the notebook's.
    ///   - folderName: the last component of the notebook's folder, so that the run is also found when Python starts
    ///     in a folder above; empty for none.
    public static func text(_ content: ReportContent, runPath: String, folderName: String) -> String {
        var cells: [Notebook.Cell] = [.markdown("title", title(content))]
        if !content.alterations.isEmpty { cells.append(.markdown("warning", warning(content.alterations))) }
        cells.append(.markdown("summary", summary(content)))
        cells.append(.markdown("setup-text", setupText))
        cells.append(.code("setup", setup(runPath, folderName, command: command(content))))
        cells.append(.code("tables", NotebookCode.tables))
        let embedded = embedded(content.figures)
        let rest = content.figures.map { $0.id }.filter { !embedded.contains($0) }
        let note =
            rest.isEmpty
            ? "" : " Run the cells of \(rest.joined(separator: ", ")) to see them: they would make this file large."
        cells.append(
            .markdown(
                "figures-text",
                "## Figures of the run\n\nAs the run drew them, from `figures/` of its folder." + note
            )
        )
        cells += content.figures.enumerated().map { index, figure in
            .code(
                String("figure-\(index)-\(identifier(figure.id))".prefix(64)),
                "SVG(filename=str(RUN / \(python(figure.file))))",
                svg: embedded.contains(figure.id) ? figure.svg : nil
            )
        }
        if StructureOverview.table(content.tables) != nil {
            cells.append(.markdown("structure-text", NotebookCode.structureText))
            cells.append(.code("structure", NotebookCode.structure))
        }
        let redraws = NotebookRedraw.all.filter { $0.isPossible(content.tables) }
        if !redraws.isEmpty {
            cells.append(
                .markdown(
                    "redraw-text",
                    "## Figures drawn again\n\nWith matplotlib, from the tables; change what you like."
                )
            )
            for redraw in redraws {
                cells.append(.markdown("redraw-\(redraw.id)-text", redraw.text))
                cells.append(.code("redraw-\(redraw.id)", redraw.code))
            }
        }
        cells.append(.markdown("capture-text", NotebookCode.captureText))
        cells.append(.code("capture-h5py", NotebookCode.captureWithH5py))
        cells.append(.code("capture-channels", NotebookCode.captureChannels))
        cells.append(.code("capture-xarray", NotebookCode.captureWithXarray))
        cells.append(.markdown("origin", origin(content)))
        return Notebook(cells: cells).text
    }

    /// Writes the notebook so that a reader sees the old file or the whole new one; folders are made.
    ///
    /// - Throws: ``ReportingError/unwritable(file:reason:)``.
    public static func write(_ content: ReportContent, runDirectory: String, to path: String) throws {
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().standardizedFileURL
        let text = text(
            content,
            runPath: relativePath(of: URL(fileURLWithPath: runDirectory).path, from: folder.path),
            folderName: folder.lastPathComponent
        )
        try TextFile.write(text, to: path)
    }

    /// A path as seen from a folder: `../runs/study`; links are not followed.
    static func relativePath(of path: String, from folder: String) -> String {
        func parts(_ path: String) -> [String] {
            URL(fileURLWithPath: path).standardizedFileURL.pathComponents.filter { $0 != "/" }
        }
        let (target, start) = (parts(path), parts(folder))
        let common = zip(target, start).prefix { $0 == $1 }.count
        let steps = Array(repeating: "..", count: start.count - common) + target[common...]
        return steps.isEmpty ? "." : steps.joined(separator: "/")
    }

    /// Ids of the figures that the file holds: in order, as long as there is room; those that show a finding for the
    /// first time before those that show it again.
    private static func embedded(_ figures: [ReportContent.FigureEntry]) -> Set<String> {
        var titles: Set<String> = []
        let isFirst = figures.map { titles.insert($0.escapedTitle).inserted }
        let ordered = zip(figures, isFirst).filter { $0.1 } + zip(figures, isFirst).filter { !$0.1 }
        var bytes = 0
        var embedded: Set<String> = []
        for (figure, _) in ordered where bytes + figure.svg.utf8.count <= svgLimit {
            bytes += figure.svg.utf8.count
            embedded.insert(figure.id)
        }
        return embedded
    }

    private static func title(_ content: ReportContent) -> String {
        let model = content.context.model
        let heading = model.isEmpty ? "The key/value cache" : "The key/value cache of \(escaped(model))"
        return "# \(heading)\n\n"
            + [escaped(content.context.sentence), "Run `\(content.name)`."]
            .filter { !$0.isEmpty }.joined(separator: " ")
    }

    private static func warning(_ alterations: [Alteration]) -> String {
        "**What is shown here is not what the run computed.** Its checksums say so:\n\n"
            + alterations.map { "- `\($0.file)` \($0.problem)" }.joined(separator: "\n")
    }

    private static func summary(_ content: ReportContent) -> String {
        var text = "## What this run shows\n"
        for verdict in content.verdicts {
            text += "\n- **\(escaped(verdict.claim))**: \(verdict.outcome.rawValue). \(escaped(verdict.sentence))"
        }
        let findings = StructureFinding.all(content.tables)
        for finding in findings { text += "\n- **\(escaped(finding.topic))**: \(escaped(finding.sentence))" }
        if content.verdicts.isEmpty, findings.isEmpty {
            // Titles are escaped for XML, which Markdown reads as well.
            for figure in content.figures { text += "\n- \(figure.escapedTitle)" }
        }
        return text
    }

    private static let setupText = """
        ## Where the run is

        The cells below need pandas and matplotlib; those that open the capture also need h5py, xarray and h5netcdf:
        `pip install pandas matplotlib h5py xarray h5netcdf`.
        """

    private static func setup(_ runPath: String, _ folderName: String, command: String) -> String {
        """
        # The run's folder, relative to this notebook's. If it moved, change this line or set KVATLAS_RUN.
        RUN_PATH = \(python(runPath))

        \(NotebookCode.findRun)
        RUN = find_run(RUN_PATH, notebook_folder=\(python(folderName)), made_by=\(python(command)))
        print("run:", os.path.relpath(RUN))
        """
    }

    /// The command line that made the run, to be typed again; the program's own path is left out.
    private static func command(_ content: ReportContent) -> String {
        guard case .array(let words) = content.provenance?["command"] else { return "kvatlas run MANIFEST" }
        return (["kvatlas"] + words.dropFirst().compactMap { $0.string }).joined(separator: " ")
    }

    private static func origin(_ content: ReportContent) -> String {
        var text = "## Where it comes from\n"
        func add(_ name: String, _ value: String?) {
            if let value, !value.isEmpty { text += "\n- \(name): `\(value.replacing("`", with: "'"))`" }
        }
        add("made by", command(content))
        add("tool version", content.provenance?["toolVersion"]?.string)
        add("model", content.provenance?["model"]?["name"]?.string)
        add("model's SHA-256", content.provenance?["model"]?["sha256"]?.string)
        if case .array(let texts) = content.provenance?["texts"] {
            for item in texts { add("text \(item["name"]?.string ?? "")", item["sha256"]?.string) }
        }
        return text + "\n\n`manifest.yaml` and `provenance.json` of the run say the rest."
    }

    private static func identifier(_ text: String) -> String {
        String(text.map { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") ? $0 : "-" })
    }

    /// A Python literal.
    private static func python(_ text: String) -> String { JSONValue.string(text).text }

    /// Text that Markdown shows as it is.
    private static func escaped(_ text: String) -> String {
        String(text.flatMap { "\\`*_[]<>|#$".contains($0) ? ["\\", $0] : [$0] })
    }
}
