import Foundation
import HDF5
import Inference
import TensorCore

/// What the recorder hands to the writer's thread.
enum CaptureBlock: Sendable {
    /// Rows of the tensor with this index.
    case rows(tensor: Int, RowBuffer)
    /// The next rows of `/tokens`.
    case tokens([TokenRow])
    case sequence(CaptureSequence)

    /// Bytes it keeps in memory, about.
    var byteCount: Int {
        switch self {
        case .rows(_, let buffer): buffer.byteCount
        case .tokens(let rows): rows.reduce(0) { $0 + 64 + $1.text.utf8.count + $1.bytesHex.utf8.count }
        case .sequence(let sequence): 64 + sequence.name.utf8.count
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
    private let sequences: [String: Dataset]
    private let sequenceScale: Dataset
    private var overflowed: [Int]
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
        tensors = try keys.map { key in
            let group = try groups[key.layer] ?? layers.createGroup(CaptureSchema.layerName(key.layer))
            groups[key.layer] = group
            let shape = [0, key.tensor.heads(in: metadata), metadata.headDim]
            let dataset = try group.createDataset(key.tensor.rawValue, datatype, shape: shape, storage: byToken)
            try dataset.attach(token, axis: 0)
            for (index, axis) in [key.tensor.headAxis, .channel].enumerated() {
                guard let scale = scales[axis] else { continue }
                try dataset.attach(scale, axis: index + 1)
            }
            if datatype == .float16 { try dataset.attributes.write("overflowed", .integer(0)) }
            return dataset
        }
        overflowed = [Int](repeating: 0, count: keys.count)
        try file.flush()
    }

    /// Appends one block; on the disk for sure after `flush`.
    func append(_ block: CaptureBlock) throws {
        switch block {
        case .rows(let tensor, let buffer):
            try tensors[tensor].append(buffer.rows, rows: buffer.storage, as: elementDatatype)
            guard buffer.overflowed > 0 else { return }
            overflowed[tensor] += buffer.overflowed
            try tensors[tensor].attributes.write("overflowed", .integer(overflowed[tensor]))
        case .tokens(let rows):
            let columns = [rows.map { Int($0.id) }, rows.map { $0.sequence }, rows.map { $0.position }]
            for (dataset, column) in zip(tokenIntegers, columns) { try dataset.append(column) }
            for (dataset, column) in zip(tokenTexts, [rows.map { $0.text }, rows.map { $0.bytesHex }]) {
                try dataset.append(column)
            }
            try tokenScale.append(Array(tokenCount..<tokenCount + rows.count))
            tokenCount += rows.count
        case .sequence(let sequence):
            try sequenceScale.append([sequence.id])
            try sequences["id"]?.append([sequence.id])
            try sequences["name"]?.append([sequence.name])
            try sequences["start"]?.append([sequence.start])
            try sequences["length"]?.append([sequence.length])
        }
    }

    /// Hands all rows to the system, then says in `flushed_tokens` how many tokens are safe.
    ///
    /// Two flushes, since HDF5 writes its metadata piece by piece: a kill
    /// inside the first can leave datasets that claim more rows than can be
    /// read, but never fewer than the attribute says.
    func flush() throws {
        try file.flush()
        let tokens = try commonTokenCount()
        guard tokens > flushedTokens else { return }
        flushedTokens = tokens
        try root.attributes.write("flushed_tokens", .integer(tokens))
        try file.flush()
    }

    /// Tokens that every tensor and the table of tokens have.
    func commonTokenCount() throws -> Int {
        try tensors.reduce(tokenCount) { min($0, try $1.shape.first ?? 0) }
    }

    func close(complete: Bool) throws {
        try flush()
        if complete { try root.attributes.write("complete", .integer(1)) }
        try file.close()
    }
}
