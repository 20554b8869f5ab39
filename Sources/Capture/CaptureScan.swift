import HDF5
import Inference
import Kernels
import TensorCore

/// Elements of a capture as they are stored.
public enum CaptureElements {
    /// float16, given by its bits.
    case half(UnsafeBufferPointer<UInt16>)
    case float(UnsafeBufferPointer<Float>)
}

/// One tensor of one layer, walked token by token in pieces that stay in cache.
///
/// Chunks without compression are copied from the file as they lie there, each checked against its checksum on the way;
/// others, and those of a capture that was cut short, are read through HDF5. Any number of threads can walk at once.
/// (Looking at them in a mapped file, without a copy, took two threads twice as long: page faults, and interruptions of
/// each other to give the pages back.)
public struct CaptureScan: Sendable {
    public let capture: CaptureFile
    public let tensor: CapturedTensor
    public let layer: Int
    private let stored: (chunks: StoredChunks, mapping: FileMapping)?

    /// Rows of a chunk that are checked and handed out at a time, while they are in cache.
    private static let pieceRows = 256
    /// Bytes read at a time where HDF5 reads.
    private static let slabBytes = 1 << 20

    init(_ capture: CaptureFile, _ tensor: CapturedTensor, layer: Int, _ dataset: Dataset) throws {
        self.capture = capture
        self.tensor = tensor
        self.layer = layer
        stored = try capture.mapping.flatMap { mapping in
            try dataset.storedChunks(in: mapping).map { ($0, mapping) }
        }
    }

    /// Elements of one token.
    public var width: Int { capture.headCount(tensor) * capture.metadata.headDim }

    /// Whether the file is read directly and not through HDF5.
    public var isDirect: Bool { stored != nil }

    /// Hands the elements of some tokens to `body`, `[token, head, channel]`, in the order of the tokens.
    ///
    /// The elements are those of whole tokens, which `body` is told; they are there only while it runs. A checksum is
    /// known when its chunk has been handed out: what came of a walk that throws is to be dropped.
    ///
    /// - Parameter slabBytes: about how much is read at a time where HDF5 reads; 1 MB for `nil`.
    /// - Throws: `CaptureError`: `tokensOutOfRange`, `storage` if a checksum does not match; what `body` throws.
    /// - Complexity: O(elements); memory of 256 tokens, or of `slabBytes`.
    public func forEachRun(
        of tokens: Range<Int>,
        slabBytes: Int? = nil,
        _ body: (_ elements: CaptureElements, _ tokens: Range<Int>) throws -> Void
    ) throws {
        try capture.checkTokens(tokens)
        guard let (chunks, mapping) = stored else {
            return try readRuns(of: tokens, slabBytes ?? Self.slabBytes, body)
        }
        let pieceRows = min(Self.pieceRows, chunks.rowsPerChunk)
        let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: pieceRows * chunks.rowBytes, alignment: 64)
        defer { piece.deallocate() }
        guard let base = piece.baseAddress else { return }
        for index in chunks.chunks(of: tokens) {
            let rows = chunks.rows(ofChunk: index)
            var checksum = Fletcher32()
            for first in stride(from: 0, to: chunks.rowsPerChunk, by: pieceRows) {
                let end = min(chunks.rowsPerChunk, first + pieceRows)
                let found = (rows.lowerBound + first..<rows.lowerBound + end).clamped(to: rows).clamped(to: tokens)
                guard chunks.hasChecksum || !found.isEmpty else { continue }
                try reading { try chunks.read(first..<end, ofChunk: index, from: mapping, into: base) }
                if chunks.hasChecksum {
                    checksum.update(UnsafeRawBufferPointer(rebasing: piece[..<((end - first) * chunks.rowBytes)]))
                }
                guard !found.isEmpty else { continue }
                let start = (found.lowerBound - rows.lowerBound - first) * chunks.rowBytes
                let part = UnsafeRawBufferPointer(rebasing: piece[start..<start + found.count * chunks.rowBytes])
                try body(elements(part), found)
            }
            let stored = try reading { try chunks.checksum(ofChunk: index, from: mapping) }
            if let stored, !isSame(checksum.value, stored) {
                throw CaptureError.storage(chunks.damaged(chunk: index, file: capture.path))
            }
        }
    }

    private func reading<Result>(_ body: () throws -> Result) throws -> Result {
        do { return try body() } catch { throw CaptureError.reading(error, path: capture.path) }
    }

    /// The bytes hold this type, and nobody writes them meanwhile. Rows begin at multiples of an element's size.
    private func elements(_ bytes: UnsafeRawBufferPointer) -> CaptureElements {
        capture.elementType == .float32
            ? .float(bytes.assumingMemoryBound(to: Float.self)) : .half(bytes.assumingMemoryBound(to: UInt16.self))
    }

    private func readRuns(
        of tokens: Range<Int>,
        _ slabBytes: Int,
        _ body: (CaptureElements, Range<Int>) throws -> Void
    ) throws {
        let rows = max(1, slabBytes / max(1, width * capture.elementType.bytesPerBlock))
        // Whole chunks of the file, where they are powers of two: a chunk is decoded anew for each read.
        let step = rows < 512 ? rows : rows / 512 * 512
        for first in stride(from: tokens.lowerBound, to: tokens.upperBound, by: step) {
            let slab = first..<min(tokens.upperBound, first + step)
            if capture.elementType == .float32 {
                let elements = try capture.readFloat(tensor, layer: layer, tokens: slab)
                try elements.withUnsafeBufferPointer { try body(.float($0), slab) }
            } else {
                let elements = try capture.readHalf(tensor, layer: layer, tokens: slab)
                try elements.withUnsafeBufferPointer { try body(.half($0), slab) }
            }
        }
    }
}

/// Whether a chunk has its checksum; old versions of HDF5 stored it with the bytes of each half exchanged.
private func isSame(_ checksum: UInt32, _ stored: UInt32) -> Bool {
    checksum == stored || (checksum & 0xFF00_FF00) >> 8 | (checksum & 0x00FF_00FF) << 8 == stored
}

extension CaptureFile {
    /// A way to walk one tensor of one layer without copies.
    ///
    /// - Throws: `CaptureError`: `layerAbsent`, `tensorAbsent`, `storage`.
    /// - Complexity: O(chunks).
    public func scan(_ tensor: CapturedTensor, layer: Int) throws -> CaptureScan {
        do {
            return try CaptureScan(self, tensor, layer: layer, try dataset(tensor, layer, 0..<0))
        } catch { throw CaptureError.reading(error, path: path) }
    }
}
