import TensorCore

/// A safetensors file or index that cannot be used, with the byte where reading stopped.
public struct SafetensorsError: ActionableError, Equatable {
    public enum Reason: Sendable, Equatable {
        case truncated(fileByteCount: Int)
        /// The file is of another kind.
        case wrongStart(found: [UInt8])
        case headerTooLarge(length: UInt64, limit: Int)
        case headerPastEnd(length: Int, fileByteCount: Int)
        /// The header is no strict JSON, or not of the format's form.
        case invalidHeader(String)
        case missingKey(tensor: String, key: String)
        case unknownType(tensor: String, type: String)
        case invalidShape(tensor: String, shape: [Int], type: String)
        case invalidOffsets(tensor: String, offsets: [Int])
        /// `end` and `available` count from the start of the data.
        case tensorPastEnd(tensor: String, end: Int, available: Int)
        case wrongByteCount(tensor: String, expected: Int, found: Int)
        case overlap(tensor: String, other: String)
        case hole(tensor: String, byteCount: Int)
        case trailingBytes(Int)
        case missingTensor(String, nearest: String?)
        case unsupportedType(tensor: String, type: String)
        /// A folder without a safetensors file or index.
        case noFile
        /// An index that is no strict JSON, or has no map of tensors.
        case invalidIndex(String)
        /// A shard that an index must not name: it would leave the folder.
        case invalidShardName(tensor: String, shard: String)
        /// Tensors that the index puts into a shard which does not have them.
        case missingFromShard(tensors: [String], shard: String)
    }

    /// Path of the file.
    public let path: String
    /// Where in the file, if the problem has a place.
    public let byteOffset: Int?
    public let reason: Reason

    init(_ path: String, at byteOffset: Int?, _ reason: Reason) {
        self.path = path
        self.byteOffset = byteOffset
        self.reason = reason
    }

    public var location: String? { byteOffset.map { "\(path), byte \($0)" } ?? path }

    public var problem: String {
        switch reason {
        case .truncated(let count): "the file has only \(count) bytes"
        case .wrongStart(let found): "not a safetensors file: begins with \(FileKind.describe(found))"
        case .headerTooLarge(let length, _): "the file asks for a header of \(length) bytes"
        case .headerPastEnd(let length, let count):
            "the header of \(length) bytes reaches past the file's end at \(count)"
        case .invalidHeader(let problem): "the header cannot be read: \(problem)"
        case .missingKey(let tensor, let key): "tensor '\(tensor)' has no '\(key)'"
        case .unknownType(let tensor, let type): "tensor '\(tensor)' has the unknown type '\(type)'"
        case .invalidShape(let tensor, let shape, let type):
            "tensor '\(tensor)' has the shape \(shape), which in \(type) is no whole number of bytes below 2^60"
        case .invalidOffsets(let tensor, let offsets): "tensor '\(tensor)' has the offsets \(offsets)"
        case .tensorPastEnd(let tensor, let end, let available):
            "tensor '\(tensor)' ends at byte \(end) of the data, of which there are \(available)"
        case .wrongByteCount(let tensor, _, let found): "tensor '\(tensor)' has \(found) bytes of data"
        case .overlap(let tensor, let other): "tensors '\(other)' and '\(tensor)' overlap"
        case .hole(let tensor, let count): "\(count) bytes before tensor '\(tensor)' belong to no tensor"
        case .trailingBytes(let count): "\(count) bytes at the end belong to no tensor"
        case .missingTensor(let name, let nearest):
            "no tensor '\(name)'" + (nearest.map { "; nearest is '\($0)'" } ?? "")
        case .unsupportedType(let tensor, let type): "tensor '\(tensor)' has the type \(type), which is not supported"
        case .noFile: "the folder has neither model.safetensors nor model.safetensors.index.json"
        case .invalidIndex(let problem): "the index cannot be read: \(problem)"
        case .invalidShardName(let tensor, let shard): "tensor '\(tensor)' is said to be in the file '\(shard)'"
        case .missingFromShard(let tensors, let shard):
            "'\(shard)' lacks \(tensors.count) tensor\(tensors.count == 1 ? "" : "s") that the index puts there: "
                + tensors.joined(separator: ", ")
        }
    }

    public var expected: String? {
        switch reason {
        case .truncated: "at least the 8 bytes of the header's length"
        case .wrongStart: "the length of a JSON header"
        case .headerTooLarge(_, let limit): "at most \(limit), the format's limit"
        case .headerPastEnd, .tensorPastEnd: "a complete file"
        case .invalidHeader: "a JSON object of tensors"
        case .missingKey: "dtype, shape and data_offsets"
        case .unknownType: "one of \(SafetensorsType.allCases.map { $0.rawValue }.joined(separator: ", "))"
        case .invalidShape, .missingTensor, .noFile, .missingFromShard: nil
        case .invalidOffsets: "a first byte and the one after the last"
        case .wrongByteCount(_, let expected, _): "\(expected), by its type and shape"
        case .overlap, .hole, .trailingBytes: "data that follow each other up to the end of the file"
        case .unsupportedType: "F32, F16 or BF16"
        case .invalidIndex: "an object 'weight_map' that names a file for each tensor"
        case .invalidShardName: "the plain name of a file beside the index"
        }
    }

    public var remedy: String? {
        switch reason {
        case .wrongStart(let found): FileKind.remedy(found)
        case .truncated, .headerPastEnd, .tensorPastEnd, .headerTooLarge:
            "the download or copy is incomplete: download the file again and compare its size and SHA-256"
        case .invalidHeader, .missingKey, .unknownType, .invalidShape, .invalidOffsets, .wrongByteCount, .overlap,
            .hole, .trailingBytes, .invalidIndex, .invalidShardName:
            "the file is damaged or was written by a faulty program: download it again and compare its SHA-256"
        case .missingTensor: "the model is of another kind, or not all of it was saved"
        case .unsupportedType: "save the model in float32, float16 or bfloat16"
        case .noFile: "name a folder with the model's weights, or a file; convert PyTorch's .bin files to safetensors"
        case .missingFromShard: "index and shards are of different versions: download all of them again"
        }
    }
}
