import Capture
import Experiments
import Foundation
import TensorCore

extension CaptureSummary {
    var text: String {
        let model = metadata
        let rows = [
            ["file", path],
            ["format", "kvatlas-capture version \(formatVersion)"],
            ["complete", isComplete ? "yes" : "no: cut short; studies need --allow-incomplete"],
            ["size", byteText(byteCount)],
            ["tokens", "\(tokenCount) in \(sequences.count) sequence(s)"],
            ["tensors", tensorsPresent.map(\.rawValue).joined(separator: ", ") + " as \(elementType.rawValue)"],
            ["layers", "\(layersPresent.count) of \(model.layers)"],
            ["model", "\(model.name) (\(model.architecture)), weights \(model.weightType)"],
            ["heads", "\(model.heads) query, \(model.kvHeads) key/value, \(model.headDim) channels each"],
            ["rope", "base \(model.ropeBase), layout \(model.ropeLayout)"],
            ["weights sha256", model.weightsSHA256],
            ["created", "\(model.created) by kvatlas \(model.toolVersion)"],
            ["command", model.command],
        ]
        let sequenceRows = sequences.map { ["\($0.id)", $0.name, "\($0.start)", "\($0.length)"] }
        return [
            TextColumns(rows).text,
            TextColumns([["sequence", "name", "start", "length"]] + sequenceRows).text,
            TextColumns([["dataset", "type", "shape", "size", "filters"]] + datasetRows).text,
        ].joined(separator: "\n\n")
    }

    /// One row a dataset; layers whose datasets are alike share one, with all their numbers.
    private var datasetRows: [[String]] {
        var rows: [[String]] = []
        var layers: [[String]: [Int]] = [:]
        for dataset in datasets {
            let facts = [
                dataset.elementType, zip(dataset.axes, dataset.shape).map { "\($0) \($1)" }.joined(separator: " × "),
                byteText(dataset.storedBytes), dataset.filters.joined(separator: ", "),
            ]
            let parts = dataset.path.split(separator: "/")
            guard parts.count == 3, parts[0] == "layers", let layer = Int(parts[1]) else {
                rows.append([dataset.path] + facts)
                continue
            }
            let row = [String(parts[2])] + facts
            if layers.updateValue((layers[row] ?? []) + [layer], forKey: row) == nil { rows.append(row) }
        }
        return rows.map { row in
            layers[row].map { ["/layers/{\(LayerSelection.only($0).text)}/\(row[0])"] + row.dropFirst() } ?? row
        }
    }
}
