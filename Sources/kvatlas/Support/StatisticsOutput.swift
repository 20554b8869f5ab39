import ArgumentParser
import Capture
import Evaluation
import Experiments
import Foundation
import Reporting
import Statistics
import TensorCore

/// Where the tables of `kvatlas stats` go: row by row into files that get their names when all is done.
final class StatisticsOutput {
    enum Destination {
        case file(String)
        case folder(String)
        case standardOutput

        /// - Throws: `ValidationError` for several tables and a place for one.
        init(_ out: String, _ settings: StatisticsStudySettings) throws {
            let isOne = settings.grains.count == 1 && !settings.histogram
            if out == "-" || out.hasSuffix(".csv") {
                guard isOne else {
                    throw ValidationError("several tables need a folder for --out, not '\(out)'")
                }
                self = out == "-" ? .standardOutput : .file(out)
            } else {
                self = .folder(out)
            }
        }
    }

    static let archiveName = "statistics.h5"

    private let destination: Destination
    private var folder: TableFolder?
    private var streams: [String: TableStream] = [:]
    /// Rows of the tables that become arrays, which number as many as there are channels; and of what goes to stdout.
    private var kept: [String: Table] = [:]
    private let schemas: [Table]
    /// Takes what becomes arrays, if anything does.
    private(set) var archive: StatisticsArchive?
    /// NaN and infinite elements by tensor, in `layer 3 key`.
    private(set) var nonfinite: [(place: String, count: Int)] = []
    private let countingTable: String?
    private(set) var rowCounts: [String: Int] = [:]
    /// The files that were written, when all is done.
    private(set) var paths: [String] = []

    /// Checks that nothing is in the way and makes the files, still without their names.
    ///
    /// - Throws: `FileError`; `HDF5Error`.
    init(
        _ destination: Destination,
        _ settings: StatisticsStudySettings,
        of capture: CaptureFile,
        overwrite: Bool
    ) throws {
        self.destination = destination
        let tables = Grain.allCases.filter { settings.grains.contains($0) }.map { StatisticsTable.empty($0) }
        countingTable = tables.first?.name
        switch destination {
        case .standardOutput:
            schemas = tables
            for table in tables { kept[table.name] = table }
        case .file(let path):
            schemas = tables
            try refuseExisting(path, overwrite: overwrite)
            for table in tables { streams[table.name] = try TableStream(table, path: path) }
        case .folder(let path):
            schemas = tables + [OutlierChannelTable.empty()] + (settings.histogram ? [HistogramTable.empty()] : [])
            let files = schemas.map { TableFolder.file($0.name) } + [Self.archiveName]
            let folder = try TableFolder(path, files: files, overwrite: overwrite)
            self.folder = folder
            for table in schemas {
                streams[table.name] = try TableStream(table, path: folder.path(TableFolder.file(table.name)))
            }
            for table in tables where table.name != StatisticsTable.empty(.token).name { kept[table.name] = table }
            if !kept.isEmpty || settings.histogram {
                let layers = settings.layers?.sorted() ?? capture.layersPresent
                archive = try StatisticsArchive(of: capture, layers: layers, at: folder.path(Self.archiveName))
            }
        }
    }

    /// Adds rows of a table; those of tables that nobody asked for are dropped.
    func append(_ rows: [[Table.Value]], to table: String) throws {
        guard streams[table] != nil || kept[table] != nil else { return }
        rowCounts[table, default: 0] += rows.count
        if table == countingTable { countNonfinite(rows) }
        try streams[table]?.append(rows)
        if kept[table] != nil { rows.forEach { kept[table]?.append($0) } }
    }

    private func countNonfinite(_ rows: [[Table.Value]]) {
        guard let schema = schemas.first(where: { $0.name == countingTable }), let layer = schema.index(of: "layer"),
            let tensor = schema.index(of: "tensor"), let count = schema.index(of: "nonfinite")
        else { return }
        for row in rows {
            guard let found = row[count].integer, found > 0, let name = row[tensor].string else { continue }
            let place = "layer \(row[layer].integer ?? 0) \(name)"
            if nonfinite.last?.place == place {
                nonfinite[nonfinite.count - 1].count += found
            } else {
                nonfinite.append((place, found))
            }
        }
    }

    /// Gives all files their names.
    func finish() throws {
        if case .standardOutput = destination {
            for schema in schemas {
                if let table = kept[schema.name] { Terminal.printResult(String(CSV.text(of: table).dropLast())) }
            }
            return
        }
        if let archive, let folder {
            try archive.finish(schemas.compactMap { kept[$0.name] })
            paths.append(folder.path(Self.archiveName))
        }
        if let folder { paths.append(try folder.document(schemas)) }
        for schema in schemas {
            guard let stream = streams[schema.name] else { continue }
            try stream.finish()
            paths.append(stream.path)
        }
    }
}

/// What `kvatlas stats --json` prints.
struct StatisticsRunSummary: Encodable {
    let capture: String
    let tokens: Int
    let bytes: Int
    let seconds: Double
    let tensors: [String]
    let layers: [Int]
    /// Layers of the model that the capture lacks.
    let missingLayers: [Int]
    let grains: [Grain]
    let rows: [String: Int]
    let nonfiniteElements: Int
    let nonfinitePlaces: [String]
    /// Tokens that quantiles come from.
    let quantileTokens: Int
    let files: [String]

    enum CodingKeys: String, CodingKey {
        case capture, tokens, bytes, seconds, tensors, layers, grains, rows, files
        case missingLayers = "missing_layers"
        case nonfiniteElements = "nonfinite_elements"
        case nonfinitePlaces = "nonfinite_places"
        case quantileTokens = "quantile_tokens"
    }

    init(_ file: CaptureFile, _ settings: StatisticsStudySettings, _ output: StatisticsOutput, seconds: Double) {
        let layers = (settings.layers ?? file.layersPresent).sorted()
        let tensors = file.tensorsPresent.filter { settings.tensors?.contains($0) != false }
        capture = file.path
        tokens = file.tokenCount
        bytes = layers.reduce(0) { sum, layer in
            file.tensors(inLayer: layer).filter { tensors.contains($0) }.reduce(sum) {
                $0 + file.tokenCount * file.headCount($1) * file.metadata.headDim * file.elementType.bytesPerBlock
            }
        }
        self.seconds = seconds
        self.tensors = tensors.map { $0.rawValue }
        self.layers = layers
        missingLayers = (0..<file.metadata.layers).filter { !file.layersPresent.contains($0) }
        grains = settings.grains
        rows = output.rowCounts
        nonfiniteElements = output.nonfinite.reduce(0) { $0 + $1.count }
        nonfinitePlaces = output.nonfinite.map { "\($0.place): \($0.count)" }
        quantileTokens = TokenSample(tokens: file.tokenCount).count
        files = output.paths
    }

    /// What a person should know beside the numbers.
    var notes: [String] {
        var notes: [String] = []
        if !missingLayers.isEmpty {
            let model = layers.count + missingLayers.count
            notes.append(
                "the capture lacks layer(s) \(missingLayers.map { "\($0)" }.joined(separator: ", ")) of \(model)"
            )
        }
        if nonfiniteElements > 0 {
            let shown = nonfinitePlaces.prefix(3).joined(separator: "; ") + (nonfinitePlaces.count > 3 ? "; …" : "")
            notes.append("\(nonfiniteElements) element(s) are NaN or infinite and left out (\(shown))")
        }
        if quantileTokens < tokens {
            notes.append("quantiles come from \(quantileTokens) of \(tokens) tokens; all else from all")
        }
        return notes
    }
}
