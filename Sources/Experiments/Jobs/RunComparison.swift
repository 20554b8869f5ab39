import Capture
import Evaluation
import Foundation
import Reporting
import TensorCore

extension ComparisonSubject {
    /// A finished run, from its files: `provenance.json`, `manifest.yaml` and `tables`.
    ///
    /// Statistics that the run did not ask for are computed of its capture, if that is still there.
    ///
    /// - Parameter progress: called with the share that is done of that, from 0 to 1.
    /// - Throws: `RunError.notARun`, `ReportingError`, `ManifestError`, `CaptureError`, what `progress` throws.
    public init(run folder: String, progress: (Double) throws -> Void = { _ in }) throws {
        try RunFolder.check(folder)
        let url = URL(fileURLWithPath: folder, isDirectory: true)
        func path(_ name: String) -> String { url.appendingPathComponent(name).path }
        var facts: [Fact] = []
        if let provenance = Provenance.read(in: url) {
            facts = [
                Fact("model", provenance.figureContext.model), Fact("weights_sha256", provenance.model.sha256),
                Fact("texts", provenance.texts.map { $0.name }.joined(separator: ", ")),
                Fact("text_sha256", provenance.texts.map { $0.sha256 }.joined(separator: ", ")),
                Fact("tokens", provenance.figureContext.tokens.map { "\($0)" } ?? "unknown"),
            ]
        }
        var tables = try Report.tables(in: path(RunFolder.tables))
        var modelLayers: Int?
        if FileManager.default.fileExists(atPath: path(RunFolder.capture)) {
            let capture = try CaptureFile(path: path(RunFolder.capture))
            modelLayers = capture.metadata.layers
            let known = Set(facts.map { $0.key })
            facts += Self.facts(of: capture.metadata).filter { !known.contains($0.key) }
            if !["statistics-layer", "statistics-channel"].allSatisfy({ tables[$0] != nil }) {
                tables.merge(try Self.statistics(of: capture, progress: progress)) { own, _ in own }
            }
        }
        self.init(
            name: folder,
            facts: facts,
            settings: try Manifest.flattened(path(RunFolder.manifest)).map { Fact($0.key, $0.value) },
            modelLayers: modelLayers,
            tables: tables
        )
    }
}

extension Manifest {
    /// Keys that say where files are and how a run is called, not what was done: checksums tell files apart.
    private static let placeKeys: Set<String> = ["name", "description", "model.path", "output.directory"]

    /// The scalars of a resolved manifest by the path of their keys; a list of scalars is one text.
    ///
    /// - Throws: `ManifestError`, `FileError`.
    static func flattened(_ path: String) throws -> [(key: String, value: String)] {
        func entries(_ value: YAMLValue, _ key: String) -> [(key: String, value: String)] {
            switch value.content {
            case .scalar(let text, _): return [(key, text)]
            case .null: return []
            case .sequence(let items):
                let texts = items.compactMap { $0.plainText }
                if texts.count == items.count { return [(key, texts.joined(separator: ", "))] }
                return items.enumerated().flatMap { entries($1, "\(key)[\($0)]") }
            case .mapping(let members):
                return members.flatMap { entries($0.value, ManifestReader.join(key, $0.key)) }
            }
        }
        return entries(try ManifestSource.read(path), "").filter { entry in
            !placeKeys.contains(entry.key) && !(entry.key.contains("texts[") && entry.key.hasSuffix(".path"))
        }
    }
}
