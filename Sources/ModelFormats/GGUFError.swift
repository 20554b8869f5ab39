import TensorCore

/// A GGUF file that cannot be used, with the byte where reading stopped.
public struct GGUFError: ActionableError, Equatable {
    public enum Reason: Sendable, Equatable {
        case wrongMagic(found: [UInt8])
        case bigEndian
        case unsupportedVersion(UInt32)
        /// The file ends before `what`, which needs `byteCount` bytes.
        case truncated(what: String, byteCount: UInt64, fileByteCount: Int)
        /// A count so large that its items cannot fit what is left of the file.
        case impossibleCount(what: String, count: UInt64, limit: Int)
        case notUTF8(what: String)
        case unknownValueKind(key: String, number: UInt32)
        case invalidBoolean(key: String, value: UInt8)
        case nestedArray(key: String)
        case duplicateKey(String)
        case duplicateTensor(String)
        case invalidAlignment(String)
        case invalidDimensions(tensor: String, problem: String)
        case unsupportedElementType(tensor: String, number: UInt32)
        case misalignedTensor(tensor: String, offset: UInt64, alignment: Int)
        case tensorPastEnd(tensor: String, start: UInt64, byteCount: Int, fileByteCount: Int)
        /// Their data share bytes.
        case overlappingTensors(String, String)
        /// More than this program is ready to hold.
        case tooMany(what: String, count: UInt64, limit: Int)
        /// Part of a split model that was named in place of the first.
        case notFirstPart(number: Int, first: String?)
        /// A split model whose parts do not belong together.
        case invalidSplit(String)
        /// Only from `GGUFWriter`: the file exists already.
        case fileExists
        /// Only from `GGUFWriter`.
        case notWritable(message: String)
        /// Only from `GGUFWriter`.
        case wrongTensorSize(tensor: String, expected: Int, found: Int)
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
        case .wrongMagic(let found): "not a GGUF file: begins with \(FileKind.describe(found))"
        case .bigEndian: "GGUF file in big-endian byte order"
        case .unsupportedVersion(let version): "GGUF version \(version) is not supported"
        case .truncated(let what, let byteCount, let fileByteCount):
            "the file ends at byte \(fileByteCount), inside \(what), which needs \(byteCount) bytes"
        case .impossibleCount(let what, let count, let limit):
            "\(count) \(what), but the rest of the file holds at most \(limit)"
        case .notUTF8(let what): "\(what) is not valid UTF-8"
        case .unknownValueKind(let key, let number): "value kind \(number) of key '\(key)' is unknown"
        case .invalidBoolean(let key, let value): "boolean in key '\(key)' has the value \(value)"
        case .nestedArray(let key): "key '\(key)' holds an array of arrays"
        case .duplicateKey(let key): "key '\(key)' occurs twice"
        case .duplicateTensor(let name): "tensor '\(name)' occurs twice"
        case .invalidAlignment(let value): "general.alignment is \(value)"
        case .invalidDimensions(let tensor, let problem): "tensor '\(tensor)' \(problem)"
        case .unsupportedElementType(let tensor, let number):
            "tensor '\(tensor)' has element type \(number)"
                + (GGUFElementTypes.unsupportedNames[number].map { " (\($0)), which is not supported" }
                    ?? ", which is unknown")
        case .misalignedTensor(let tensor, let offset, let alignment):
            "tensor '\(tensor)' has the data offset \(offset), no multiple of the alignment \(alignment)"
        case .tensorPastEnd(let tensor, let start, let byteCount, let fileByteCount):
            "tensor '\(tensor)' of \(byteCount) bytes at byte \(start) reaches past the file's end at \(fileByteCount)"
        case .overlappingTensors(let first, let second): "the data of tensors '\(first)' and '\(second)' overlap"
        case .tooMany(let what, let count, _): "\(count) \(what)"
        case .notFirstPart(let number, _): "this is part \(number) of a split model"
        case .invalidSplit(let problem): "the parts of this split model do not belong together: \(problem)"
        case .fileExists: "the file exists already"
        case .notWritable(let message): "cannot write: \(message)"
        case .wrongTensorSize(let tensor, _, let found): "tensor '\(tensor)' was given \(found) bytes"
        }
    }

    public var expected: String? {
        switch reason {
        case .wrongMagic: "the letters GGUF"
        case .bigEndian: "little-endian"
        case .unsupportedVersion: "version 2 or 3"
        case .truncated, .tensorPastEnd: "a complete file"
        case .impossibleCount, .duplicateKey, .duplicateTensor, .overlappingTensors, .invalidSplit: nil
        case .tooMany(_, _, let limit): "at most \(limit)"
        case .notFirstPart(_, let first): first.map { "the first part, '\($0)'" } ?? "the first part"
        case .notUTF8: "UTF-8 text"
        case .unknownValueKind: "a kind from 0 to \(MetadataValue.Kind.allCases.count - 1)"
        case .invalidBoolean: "0 or 1"
        case .nestedArray: "an array of numbers, booleans or strings"
        case .invalidAlignment: "a power of two from 8 to 65536, as a 32-bit integer"
        case .invalidDimensions: "1 to 4 sizes from 1 up, the first a multiple of the element type's block"
        case .unsupportedElementType: "one of \(GGUFElementTypes.supportedList)"
        case .misalignedTensor: "an aligned offset"
        case .fileExists: "a new path"
        case .notWritable: nil
        case .wrongTensorSize(_, let expected, _): "\(expected) bytes"
        }
    }

    public var remedy: String? {
        switch reason {
        case .wrongMagic(let found): FileKind.remedy(found)
        case .bigEndian: "convert it to little-endian, or get the usual little-endian file"
        case .unsupportedVersion(let version):
            version < 2
                ? "convert the model again with a current llama.cpp converter"
                : "the file is newer than this program, or damaged: update, or download it again"
        case .truncated, .tensorPastEnd:
            "the download or copy is incomplete: download the file again and compare its size and SHA-256"
        case .impossibleCount, .notUTF8, .unknownValueKind, .invalidBoolean, .duplicateKey, .duplicateTensor,
            .invalidAlignment, .invalidDimensions, .misalignedTensor, .overlappingTensors, .tooMany:
            "the file is damaged or was written by a faulty program: download it again and compare its SHA-256"
        case .nestedArray: "write the model's metadata without it"
        case .unsupportedElementType: "take the model in another quantization, for example Q4_K_M, Q8_0 or F16"
        case .notFirstPart: "name the first part; the others are found beside it"
        case .invalidSplit: "put all parts of one download into one folder under their original names"
        case .fileExists: "remove it, or allow overwriting"
        case .notWritable: "check the folder's permissions and free space"
        case .wrongTensorSize: nil
        }
    }
}
