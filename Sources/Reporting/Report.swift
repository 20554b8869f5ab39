import Foundation
import TensorCore

/// A figure that a run asks for.
public struct FigureRequest: Sendable, Equatable, Codable {
    public var id: String
    public var selection: FigureSelection

    public init(id: String, selection: FigureSelection = FigureSelection()) {
        self.id = id
        self.selection = selection
    }

    /// `channel-profile-layer-7-key`, distinct for distinct selections.
    public var fileStem: String {
        var stem = id
        if let layers = selection.layers { stem += "-layer-" + layers.map { String($0) }.joined(separator: "-") }
        if let head = selection.head { stem += "-head-\(head)" }
        for names in [selection.tensors, selection.metrics, selection.schemes, selection.statistic.map { [$0] }] {
            for name in names ?? [] {
                stem += "-" + String(name.map { $0.isLetter || $0.isNumber || $0 == "-" ? $0 : "-" })
            }
        }
        return String(stem.prefix(120))
    }
}

/// A run's report, from its files alone: no model, no capture.
///
/// A run folder holds `tables/*.csv` and, if there, `tables/README.md`,
/// `manifest.yaml`, `provenance.json` and `figures.json` (the list of
/// ``FigureRequest`` to draw; without it, every figure of a capture, and those of the structure study whose
/// tables are there).
public enum Report {
    /// Reads a run and draws its figures.
    ///
    /// - Parameters:
    ///   - context: what captions say; without it, the `figureContext` of `provenance.json`.
    ///   - alterations: files that are not as the run left them, for the page to say so.
    /// - Throws: ``ReportingError`` for a folder without tables or files that cannot be read. A figure that
    ///   cannot be drawn is no error here: the report says so.
    public static func build(
        runDirectory: String,
        context: FigureContext? = nil,
        alterations: [Alteration] = []
    ) throws -> ReportContent {
        let root = URL(fileURLWithPath: runDirectory)
        let tables = try tables(in: root.appendingPathComponent("tables").path)
        guard !tables.isEmpty else { throw ReportingError.notARun(directory: runDirectory) }
        let provenance = try existing("provenance.json", in: root).map { try JSONValue.read($0) }
        let caption = context ?? FigureContext(provenance: provenance)
        let asked = try existing("figures.json", in: root).map { try requests(in: $0) }
        var figures: [ReportContent.FigureEntry] = []
        var missing: [ReportContent.MissingFigure] = []
        let usual = FigureCatalogue.ids + FigureCatalogue.structureIDs(drawnFrom: Set(tables.keys))
        let all = asked ?? usual.map { FigureRequest(id: $0) }
        for request in all {
            // The bare id where it is enough: selections of many metrics make long names.
            let isOnly = all.filter { $0.id == request.id }.count == 1
            let stem = isOnly ? request.id : request.fileStem
            do {
                let svg = try FigureCatalogue.figure(
                    id: request.id,
                    tables: tables,
                    context: caption,
                    selection: request.selection,
                    documentID: stem
                )
                figures.append(ReportContent.FigureEntry(id: stem, svg: svg, file: "figures/\(stem).svg"))
            } catch {
                missing.append(ReportContent.MissingFigure(id: stem, reason: "\(error)"))
            }
        }
        return ReportContent(
            name: root.standardizedFileURL.lastPathComponent,
            context: caption,
            verdicts: try Verdict.all(tables),
            tables: tables,
            figures: figures,
            missingFigures: missing,
            manifest: try existing("manifest.yaml", in: root).map { try TextFile.read($0) },
            provenance: provenance,
            alterations: alterations
        )
    }

    /// Builds the report and writes `figures/*.svg` and `report.html` into the run's folder, replacing older ones;
    /// an older figure that cannot be drawn any more is removed.
    ///
    /// - Returns: what the report shows.
    /// - Throws: ``ReportingError``.
    @discardableResult
    public static func write(
        runDirectory: String,
        context: FigureContext? = nil,
        alterations: [Alteration] = []
    ) throws -> ReportContent {
        let content = try build(runDirectory: runDirectory, context: context, alterations: alterations)
        let root = URL(fileURLWithPath: runDirectory)
        for figure in content.figures {
            try TextFile.write(figure.svg, to: root.appendingPathComponent(figure.file).path)
        }
        // One of an earlier report would be taken for this one's.
        for figure in content.missingFigures {
            try? FileManager.default.removeItem(at: root.appendingPathComponent("figures/\(figure.id).svg"))
        }
        try HTMLReport.write(content: content, to: root.appendingPathComponent("report.html").path)
        return content
    }

    /// Path of a file of the run, or `nil` if there is none.
    private static func existing(_ name: String, in root: URL) -> String? {
        let path = root.appendingPathComponent(name).path
        return FileManager.default.fileExists(atPath: path) ? path : nil
    }

    /// All CSV files of a folder by name, with the documentation beside them.
    ///
    /// - Throws: ``ReportingError`` with file, line and column.
    public static func tables(in directory: String) throws -> [String: Table] {
        let folder = URL(fileURLWithPath: directory)
        let documentationPath = folder.appendingPathComponent("README.md").path
        let documentation =
            FileManager.default.fileExists(atPath: documentationPath)
            ? try TableDocumentation.read(documentationPath) : [:]
        let names = ((try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? [])
            .filter { $0.hasSuffix(".csv") && !$0.hasPrefix(".") }.sorted()
        var tables: [String: Table] = [:]
        for file in names {
            let name = String(file.dropLast(4))
            tables[name] = try CSV.read(folder.appendingPathComponent(file).path, documentation: documentation[name])
        }
        return tables
    }

    /// Writes the list of figures that a report of this run shows, to `figures.json`.
    ///
    /// - Throws: ``ReportingError/unwritable(file:reason:)``.
    public static func write(requests: [FigureRequest], runDirectory: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let text = String(decoding: try encoder.encode(requests), as: UTF8.self)
        try TextFile.write(
            text + "\n",
            to: URL(fileURLWithPath: runDirectory).appendingPathComponent("figures.json").path
        )
    }

    private static func requests(in path: String) throws -> [FigureRequest] {
        do {
            return try JSONDecoder().decode([FigureRequest].self, from: Data(TextFile.read(path).utf8))
        } catch let error as DecodingError {
            throw ReportingError.malformed(
                file: path,
                line: 1,
                column: "",
                problem: "not a list of figures: \(Self.words(for: error))",
                expected: #"[{"id": "channel-profile", "selection": {"layers": [0]}}], as 'kvatlas run' writes it"#
            )
        }
    }

    /// Where and what, without the decoder's own names of things.
    private static func words(for error: DecodingError) -> String {
        func place(_ path: [any CodingKey]) -> String {
            let parts = path.map { key in key.intValue.map { "item \($0 + 1)" } ?? "'\(key.stringValue)'" }
            return parts.isEmpty ? "the file" : parts.joined(separator: ", ")
        }
        switch error {
        case .keyNotFound(let key, let context):
            return "\(place(context.codingPath)) has no '\(key.stringValue)'"
        case .valueNotFound(_, let context): return "\(place(context.codingPath)) is empty"
        case .typeMismatch(let type, let context):
            let wanted: String =
                switch type {
                case is String.Type: "a text"
                case is Int.Type: "a whole number"
                case is [Any].Type: "a list"
                default: "of another kind than a list of figures has there"
                }
            return "\(place(context.codingPath)) is not \(wanted)"
        case .dataCorrupted(let context):
            return context.codingPath.isEmpty ? "it is not JSON" : "\(place(context.codingPath)) cannot be read"
        @unknown default: return "it cannot be read"
        }
    }
}

extension FigureContext {
    /// From the member `figureContext` of a run's provenance; unknown parts stay empty.
    init(provenance: JSONValue?) {
        let context = provenance?["figureContext"] ?? provenance
        let model = context?["model"]
        self.init(
            model: model?.string ?? model?["name"]?.string ?? "",
            text: context?["text"]?.string ?? context?["text"]?["name"]?.string ?? "",
            tokens: context?["tokens"]?.integer
        )
    }
}
