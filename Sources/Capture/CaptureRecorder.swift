import Foundation
import HDF5
import Inference
import TensorCore

/// A tap that writes what it sees into a capture file.
///
/// `record` converts and copies; a thread of its own writes whole chunks of
/// tokens and flushes after them, so that capture costs a small part of the
/// prefill time and a killed process loses only what was not flushed. At most
/// 64 MB wait in memory, beside chunks that wait for other tensors of their
/// layer. The file is `PATH.partial` until `finish` renames it.
///
/// Unchecked, because the lock guards all that changes: `abandon` may be
/// called while another thread records.
public final class CaptureRecorder: Tap, @unchecked Sendable {
    /// Where the finished capture will be.
    public let path: String
    /// Where it is until then.
    public var partialPath: String { path + ".partial" }

    private let metadata: CaptureMetadata
    private let elementType: ElementType
    private let keys: [TensorKey]
    private let indexOfKey: [TensorKey: Int]
    private let columnsOfLayer: [Int: Range<Int>]
    private let chunkTokens: Int
    private let store: CaptureStore
    private let writer: CaptureWriter

    private let lock = NSLock()
    private var columns: [RecordedColumn]
    private var sequence: CaptureSequence?
    private var sequenceCount = 0
    private var tokenCount = 0
    private var result: CaptureResult?
    private var hasStopped = false

    /// Makes `path.partial` with all groups and datasets, so that a bad output shows before any work is done.
    ///
    /// - Parameters:
    ///   - layers: layers of the model to capture, in any order.
    ///   - elementType: `.float16` or `.float32`.
    ///   - overwrite: whether an existing file, finished or partial, may be
    ///     replaced; a finished one stays until `finish`.
    /// - Throws: `CaptureError`.
    public init(
        path: String,
        metadata: CaptureMetadata,
        tensors: Set<CapturedTensor>,
        layers: [Int],
        elementType: ElementType = .float16,
        overwrite: Bool = false
    ) throws {
        guard let datatype = elementType.captureDatatype else {
            throw CaptureError.unsupportedElementType(elementType)
        }
        guard !tensors.isEmpty else { throw CaptureError.nothingChosen(what: "tensors") }
        guard !layers.isEmpty else { throw CaptureError.nothingChosen(what: "layers") }
        if let layer = layers.first(where: { $0 < 0 || $0 >= metadata.layers }) {
            throw CaptureError.noSuchLayer(layer: layer, modelLayers: metadata.layers)
        }
        try checkOutput(path, overwrite: overwrite)

        self.path = path
        self.metadata = metadata
        self.elementType = elementType
        keys = Set(layers).sorted().flatMap { layer in
            CapturedTensor.allCases.filter { tensors.contains($0) }.map { TensorKey(layer: layer, tensor: $0) }
        }
        indexOfKey = Dictionary(uniqueKeysWithValues: keys.enumerated().map { ($1, $0) })
        columnsOfLayer = keys.enumerated().reduce(into: [:]) { ranges, key in
            let first = ranges[key.element.layer]?.lowerBound ?? key.offset
            ranges[key.element.layer] = first..<key.offset + 1
        }
        columns = keys.map { RecordedColumn(rowElements: $0.tensor.heads(in: metadata) * metadata.headDim) }
        let bytesPerToken = columns.reduce(0) { $0 + $1.rowElements } * elementType.bytesPerBlock
        chunkTokens = CaptureSchema.chunkTokens(bytesPerToken: bytesPerToken)
        let partialPath = path + ".partial"
        do {
            store = try CaptureStore(
                path: partialPath,
                metadata: metadata,
                keys: keys,
                datatype: datatype,
                chunkTokens: chunkTokens,
                overwrite: overwrite
            )
        } catch {
            throw CaptureError.writing(error, path: partialPath, tokens: 0)
        }
        writer = CaptureWriter(store: store, byteLimit: CaptureSchema.bufferBytes / 2)
    }

    deinit { abandon() }

    public func wants(_ tensor: CapturedTensor, layer: Int) -> Bool {
        indexOfKey[TensorKey(layer: layer, tensor: tensor)] != nil
    }

    /// Announces the tokens whose tensors come next.
    ///
    /// - Parameter tokenTexts: the piece of each token as text; where pieces
    ///   are not whole characters pass `tokenBytes` instead, which loses nothing.
    /// - Precondition: as many texts as tokens.
    public func beginSequence(name: String, tokens: [Int32], tokenTexts: [String]) throws {
        try beginSequence(name: name, tokens: tokens, tokenBytes: tokenTexts.map { Array($0.utf8) })
    }

    /// Announces the tokens whose tensors come next.
    ///
    /// - Parameter tokenBytes: the piece of each token, which need not be UTF-8.
    /// - Throws: `CaptureError`: `tokensMissing` if the sequence before is not whole.
    /// - Precondition: as many pieces as tokens.
    public func beginSequence(name: String, tokens: [Int32], tokenBytes: [[UInt8]]) throws {
        precondition(tokens.count == tokenBytes.count, "\(tokenBytes.count) pieces for \(tokens.count) tokens")
        try lock.withLock {
            try checkRecording()
            try checkSequenceIsWhole()
            let next = CaptureSequence(id: sequenceCount, name: name, start: tokenCount, length: tokens.count)
            let rows = zip(tokens, tokenBytes).enumerated().map { position, token in
                TokenRow(id: token.0, sequence: next.id, position: position, piece: token.1)
            }
            try writer.enqueue(.sequence(next, rows))
            sequence = next
            sequenceCount += 1
            for index in columns.indices { columns[index].received = 0 }
            tokenCount += tokens.count
        }
    }

    /// - Throws: `CaptureError`; also what the writer's thread met since the last call, such as `diskFull`.
    public func record(
        _ tensor: CapturedTensor,
        layer: Int,
        firstToken: Int,
        tokens: Int,
        heads: Int,
        headDim: Int,
        values: UnsafePointer<Float>
    ) throws {
        guard let index = indexOfKey[TensorKey(layer: layer, tensor: tensor)] else { return }
        try lock.withLock {
            try checkRecording()
            let received = columns[index].received
            let length = sequence?.length ?? 0
            guard firstToken == received, received + tokens <= length else {
                throw CaptureError.unexpectedTokens(
                    path: partialPath,
                    tensor: keys[index].path,
                    first: firstToken,
                    count: tokens,
                    expectedFirst: received,
                    length: length
                )
            }
            let expectedHeads = tensor.heads(in: metadata)
            guard heads == expectedHeads, headDim == metadata.headDim else {
                throw CaptureError.unexpectedShape(
                    path: partialPath,
                    tensor: keys[index].path,
                    heads: heads,
                    headDim: headDim,
                    expected: "\(expectedHeads) heads of \(metadata.headDim) channels"
                )
            }
            columns[index].received += tokens
            columns[index].append(tokens, values, chunkTokens, elementType)
            try sendWholeChunks(ofLayer: layer)
        }
    }

    /// Writes what is left, marks the capture complete and gives it its name.
    ///
    /// - Throws: `CaptureError`; the partial file stays then, marked incomplete.
    @discardableResult
    public func finish() throws -> CaptureResult {
        try lock.withLock {
            if let result { return result }
            try checkRecording()
            hasStopped = true
            do {
                // First: tokens are missing because of it.
                try writer.check()
                try checkSequenceIsWhole()
                guard tokenCount > 0 else { throw CaptureError.nothingRecorded(path: partialPath) }
                try sendRemainders()
                try writer.drain()
                try store.close(complete: true)
            } catch {
                closeIncomplete()
                if case CaptureError.nothingRecorded = error { unlink(partialPath) }
                throw CaptureError.writing(error, path: partialPath, tokens: store.flushedTokens)
            }
            guard rename(partialPath, path) == 0 else {
                let reason = String(cString: strerror(errno))
                throw CaptureError.cannotRename(from: partialPath, to: path, reason: reason)
            }
            let finished = makeResult(path: path, tokens: tokenCount)
            result = finished
            return finished
        }
    }

    /// Ends the recording before its time, as on Ctrl-C: the partial file is closed validly, marked incomplete.
    ///
    /// - Returns: what is there; `nil` if the recording had ended before.
    @discardableResult
    public func abandon() -> CaptureResult? {
        lock.withLock {
            guard !hasStopped else { return nil }
            hasStopped = true
            // Errors have no place to go: the file is as whole as it can be.
            try? sendRemainders()
            return makeResult(path: partialPath, tokens: closeIncomplete())
        }
    }
}

// MARK: - Steps, all under the lock

extension CaptureRecorder {
    private func checkRecording() throws {
        guard !hasStopped else { throw CaptureError.stopped(path: partialPath) }
    }

    private func checkSequenceIsWhole() throws {
        guard let sequence else { return }
        for (key, column) in zip(keys, columns) where column.received != sequence.length {
            throw CaptureError.tokensMissing(
                path: partialPath,
                tensor: key.path,
                recorded: column.received,
                announced: sequence.length
            )
        }
    }

    /// Sends chunks that all tensors of the layer have, so that none is longer than another in the file.
    private func sendWholeChunks(ofLayer layer: Int) throws {
        guard let indices = columnsOfLayer[layer] else { return }
        while columns[indices].allSatisfy({ $0.hasWholeChunk }) {
            let buffers = indices.compactMap { columns[$0].takeWholeChunk() }
            try writer.enqueue(.rows(layer: layer, firstTensor: indices.lowerBound, buffers))
        }
    }

    private func sendRemainders() throws {
        for index in columns.indices { columns[index].endChunks() }
        for layer in columnsOfLayer.keys.sorted() { try sendWholeChunks(ofLayer: layer) }
    }

    /// - Returns: tokens that every tensor has.
    @discardableResult
    private func closeIncomplete() -> Int {
        try? writer.drain()
        try? store.close(complete: false)
        return store.flushedTokens
    }

    private func makeResult(path: String, tokens: Int) -> CaptureResult {
        let overflowed = zip(keys, columns).filter { $1.overflowed > 0 }.map { ($0.path, $1.overflowed) }
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        return CaptureResult(
            path: path,
            tokens: tokens,
            byteCount: (attributes?[.size] as? NSNumber)?.intValue ?? 0,
            overflowed: Dictionary(uniqueKeysWithValues: overflowed)
        )
    }
}
