import Foundation
import HDF5
import Inference
import TensorCore

/// What the recorder hands to the writer's thread.
enum CaptureBlock: Sendable {
    /// The next rows of every tensor of a layer; of rows that not all have, none is kept.
    case rows(layer: Int, firstTensor: Int, [RowBuffer])
    /// The next row of `/sequences`, and those of `/tokens` that its tensors will bring.
    case sequence(CaptureSequence, [TokenRow])

    /// Bytes it keeps in memory, about.
    var byteCount: Int {
        switch self {
        case .rows(_, _, let buffers): buffers.reduce(0) { $0 + $1.byteCount }
        case .sequence(let sequence, let rows):
            rows.reduce(64 + sequence.name.utf8.count) { $0 + 64 + $1.text.utf8.count + $1.bytesHex.utf8.count }
        }
    }
}

/// The capture file while it is written. Used by one thread at a time.
final class CaptureStore: @unchecked Sendable {
    let path: String
    private let file: File
    private let root: Group
    private let elementDatatype: Datatype
    private let tensors: [Dataset]
    private let tokenIntegers: [Dataset]
    private let tokenTexts: [Dataset]
    private let tokenScale: Dataset
    /// The scale of each layer's own tensors.
    private let layerScales: [Int: Dataset]
    private let sequences: [String: Dataset]
    private let sequenceScale: Dataset
    private var overflowed: [Int]
    /// Rows of `/tokens` whose tensors are not in the file yet.
    private var waitingTokens: [TokenRow] = []
    private var tokenCount = 0
    /// Tokens that every tensor has in the file for sure.
    private(set) var flushedTokens = 0

    /// Makes the file with all its groups and datasets, still without rows, and `complete` = 0.
    ///
    /// - Parameter keys: the tensors, in the order of their indices.
    init(
        path: String,
        metadata: CaptureMetadata,
        keys: [TensorKey],
        datatype: Datatype,
        chunkTokens: Int,
        overwrite: Bool
    ) throws {
        self.path = path
        elementDatatype = datatype
        file = try File.create(at: path, overwrite: overwrite)
        root = try file.root
        try root.attributes.write("format", .string(CaptureSchema.format))
        try root.attributes.write("format_version", .integer(CaptureSchema.version))
        try root.attributes.write("complete", .integer(0))
        try root.attributes.write("flushed_tokens", .integer(0))
        let sequenceGroup = try root.createGroup("sequences")
        try metadata.write(to: root, model: try root.createGroup("model"), sequences: sequenceGroup)

        // At the root, where every group's datasets find them: so does netCDF.
        let byToken = Storage(chunkRows: chunkTokens)
        let bySequence = Storage(chunkRows: CaptureSchema.sequenceChunkRows)
        let token = try root.createDimensionScale(Axis.token.rawValue, count: 0, storage: byToken)
        let sequence = try root.createDimensionScale("sequence", count: 0, storage: bySequence)
        var scales: [Axis: DimensionScale] = [:]
        for (axis, count) in [
            (Axis.channel, metadata.headDim), (.kvHead, metadata.kvHeads), (.head, metadata.heads),
        ] where axis != .head || keys.contains(where: { $0.tensor == .query }) {
            scales[axis] = try root.createDimensionScale(axis.rawValue, count: count, storage: Storage())
        }

        let tokenGroup = try root.createGroup("tokens")
        func column(_ group: Group, _ name: String, _ type: Datatype, _ scale: DimensionScale) throws -> Dataset {
            let storage = scale.name == token.name ? byToken : bySequence
            let dataset = try group.createDataset(name, type, shape: [0], storage: storage)
            try dataset.attach(scale, axis: 0)
            return dataset
        }
        tokenScale = token.dataset
        sequenceScale = sequence.dataset
        tokenIntegers = try CaptureSchema.tokenIntegerColumns.map { try column(tokenGroup, $0, .int32, token) }
        tokenTexts = try CaptureSchema.tokenTextColumns.map { try column(tokenGroup, $0, .string, token) }
        sequences = [
            "id": try column(sequenceGroup, "id", .int64, sequence),
            "name": try column(sequenceGroup, "name", .string, sequence),
            "start": try column(sequenceGroup, "start", .int64, sequence),
            "length": try column(sequenceGroup, "length", .int64, sequence),
        ]

        let layers = try root.createGroup("layers")
        var groups: [Int: Group] = [:]
        // A layer has its own, since netCDF takes an axis to be as long as its longest dataset and fills the others
        // with zeros: with one for all, layers that a killed recording had not reached would hold such rows.
        var layerScales: [Int: DimensionScale] = [:]
        tensors = try keys.map { key in
            let group = try groups[key.layer] ?? layers.createGroup(CaptureSchema.layerName(key.layer))
            groups[key.layer] = group
            let layerToken =
                try layerScales[key.layer]
                ?? group.createDimensionScale(Axis.token.rawValue, count: 0, storage: byToken)
            layerScales[key.layer] = layerToken
            let shape = [0, key.tensor.heads(in: metadata), metadata.headDim]
            let dataset = try group.createDataset(key.tensor.rawValue, datatype, shape: shape, storage: byToken)
            try dataset.attach(layerToken, axis: 0)
            for (index, axis) in [key.tensor.headAxis, .channel].enumerated() {
                guard let scale = scales[axis] else { continue }
                try dataset.attach(scale, axis: index + 1)
            }
            if datatype == .float16 { try dataset.attributes.write("overflowed", .integer(0)) }
            return dataset
        }
        self.layerScales = layerScales.mapValues { $0.dataset }
        overflowed = [Int](repeating: 0, count: keys.count)
        try file.flush()
    }

    /// Appends one block; on the disk for sure after `flush`.
    func append(_ block: CaptureBlock) throws {
        switch block {
        case .rows(let layer, let firstTensor, let buffers):
            try append(buffers, layer: layer, tensors: firstTensor..<firstTensor + buffers.count)
        case .sequence(let sequence, let rows):
            waitingTokens += rows
            try sequenceScale.append([sequence.id])
            try sequences["id"]?.append([sequence.id])
            try sequences["name"]?.append([sequence.name])
            try sequences["start"]?.append([sequence.start])
            try sequences["length"]?.append([sequence.length])
        }
    }

    private func append(_ buffers: [RowBuffer], layer: Int, tensors indices: Range<Int>) throws {
        guard let scale = layerScales[layer] else { return }
        let before = try rowCount(scale)
        let count = buffers.reduce(.max) { min($0, $1.rows) }
        try growTogether([scale] + tensors[indices], from: before) {
            for (index, buffer) in zip(indices, buffers) {
                try tensors[index].append(count, rows: buffer.storage, as: elementDatatype)
            }
            try scale.append(Array(before..<before + count))
        }
        for (index, buffer) in zip(indices, buffers) where buffer.overflowed > 0 {
            overflowed[index] += buffer.overflowed
            try tensors[index].attributes.write("overflowed", .integer(overflowed[index]))
        }
    }

    /// Appends to `/tokens` what every tensor has.
    private func appendTokens(upTo end: Int) throws {
        let rows = waitingTokens.prefix(end - tokenCount)
        let columns = [rows.map { Int($0.id) }, rows.map { $0.sequence }, rows.map { $0.position }]
        try growTogether([tokenScale] + tokenIntegers + tokenTexts, from: tokenCount) {
            for (dataset, column) in zip(tokenIntegers, columns) { try dataset.append(column) }
            for (dataset, column) in zip(tokenTexts, [rows.map { $0.text }, rows.map { $0.bytesHex }]) {
                try dataset.append(column)
            }
            try tokenScale.append(Array(tokenCount..<tokenCount + rows.count))
        }
        waitingTokens.removeFirst(rows.count)
        tokenCount += rows.count
    }

    /// Lets all datasets of an axis grow, or none.
    private func growTogether(_ datasets: [Dataset], from rows: Int, _ body: () throws -> Void) throws {
        do {
            try body()
        } catch {
            // What is said is why it could not grow.
            for dataset in datasets { try? dataset.shrink(to: rows) }
            throw error
        }
    }

    /// Hands all rows to the system, then those of `/tokens`, with `flushed_tokens`, that every tensor has.
    ///
    /// Two flushes, since HDF5 writes its metadata piece by piece: a kill
    /// inside the first can leave datasets that claim more rows than can be
    /// read, but never fewer than the attribute says.
    func flush() throws {
        try file.flush()
        let tokens = try commonTokenCount()
        guard tokens > flushedTokens else { return }
        try appendTokens(upTo: tokens)
        try root.attributes.write("flushed_tokens", .integer(tokens))
        try file.flush()
        flushedTokens = tokens
    }

    /// Tokens that every tensor has.
    private func commonTokenCount() throws -> Int { try tensors.reduce(.max) { min($0, try rowCount($1)) } }

    func close(complete: Bool) throws {
        try flush()
        if complete { try root.attributes.write("complete", .integer(1)) }
        try file.close()
    }
}
