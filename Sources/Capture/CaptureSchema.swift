import Foundation
import HDF5
import Inference
import TensorCore

/// Names and sizes of the capture file's layout, version 1.
enum CaptureSchema {
    static let format = "kvatlas-capture"
    static let version = 1

    /// `/layers/007`
    static func layerGroup(_ layer: Int) -> String { "layers/" + layerName(layer) }

    static func layerName(_ layer: Int) -> String { String(format: "%03d", layer) }

    /// Columns of `/tokens` that hold integers, as they are stored.
    static let tokenIntegerColumns = ["id", "sequence", "position"]
    /// Columns of `/tokens` that hold text.
    ///
    /// `text` is the piece as text, with U+FFFD for what is not UTF-8;
    /// `bytes_hex` has all its bytes in hexadecimal where that happened, and
    /// is empty elsewhere.
    static let tokenTextColumns = ["text", "bytes_hex"]

    /// Rows of a chunk of `/sequences`. One, so that a later sequence never
    /// rewrites a chunk that was flushed before.
    static let sequenceChunkRows = 1

    /// Bytes that may wait in memory: half in incomplete chunks, half in the writer's queue.
    static let bufferBytes = 64 << 20

    /// Tokens of one chunk: a power of two from 16 to 512, so that incomplete
    /// chunks of all tensors together fit half of the buffer.
    ///
    /// Only whole chunks are written before the end: a chunk that was flushed
    /// is never touched again, so that no kill can tear it.
    static func chunkTokens(bytesPerToken: Int) -> Int {
        var tokens = 512
        while tokens > 16, tokens * bytesPerToken > bufferBytes / 2 { tokens /= 2 }
        return tokens
    }
}

extension CapturedTensor {
    /// Name of the axis between token and channel.
    var headAxis: Axis { self == .query ? .head : .kvHead }

    /// Heads that a model has of this tensor.
    func heads(in metadata: CaptureMetadata) -> Int { self == .query ? metadata.heads : metadata.kvHeads }
}

extension ElementType {
    /// The stored type, for the two that a capture can hold.
    var captureDatatype: Datatype? {
        switch self {
        case .float16: .float16
        case .float32: .float32
        default: nil
        }
    }
}

/// One tensor of one layer.
struct TensorKey: Hashable {
    let layer: Int
    let tensor: CapturedTensor

    var path: String { CaptureSchema.layerGroup(layer) + "/" + tensor.rawValue }
}
