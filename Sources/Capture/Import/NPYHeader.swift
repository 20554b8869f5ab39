import ModelFormats
import TensorCore

/// How numbers of an imported array are stored.
enum ImportedElement: String, Sendable {
    case float16, bfloat16, float32, float64, int32, int64
    /// 16 bits of an integer or without a type, which stand for a float that NumPy does not know.
    case bits16 = "16 raw bits"

    var byteCount: Int {
        switch self {
        case .float16, .bfloat16, .bits16: 2
        case .float32, .int32: 4
        case .float64, .int64: 8
        }
    }

    var isInteger: Bool { self == .int32 || self == .int64 }

    /// `nil` for types that are no numbers of a model.
    init?(_ type: SafetensorsType) {
        switch type {
        case .float16: self = .float16
        case .bfloat16: self = .bfloat16
        case .float32: self = .float32
        case .float64: self = .float64
        case .int32: self = .int32
        case .int64: self = .int64
        case .int16, .uint16: self = .bits16
        default: return nil
        }
    }
}

/// The header of a `.npy` file, which is a Python literal of a dictionary with three keys.
///
/// Source: NumPy Enhancement Proposal 1, "A Simple File Format for NumPy Arrays", versions 1.0 to 3.0.
struct NPYHeader: Equatable {
    /// NumPy's name of the type, e.g. `<f2`.
    let descriptor: String
    let isFortranOrder: Bool
    let shape: [Int]
    /// Bytes from the beginning to the first element.
    let byteCount: Int

    /// The most that a header of three keys may take here.
    static let limit = 1 << 16

    /// - Parameter bytes: the beginning of the file, at least the header if the file has it whole.
    /// - Throws: `ImportError` with `location` for anything that is not such a header.
    init(_ bytes: [UInt8], location: String) throws {
        guard bytes.starts(with: [0x93] + Array("NUMPY".utf8)), bytes.count >= 10 else {
            throw ImportError(location, "does not begin with \\x93NUMPY", expected: "an array that NumPy saved")
        }
        let version = bytes[6], lengthBytes = version == 1 ? 2 : 4
        guard (1...3).contains(version), bytes.count >= 8 + lengthBytes else {
            throw ImportError(location, "is of npy version \(version)", expected: "version 1, 2 or 3")
        }
        let length = ByteFields(bytes[8..<8 + lengthBytes]).int(at: 0, bytes: lengthBytes)
        let start = 8 + lengthBytes
        guard length <= Self.limit - start, start + length <= bytes.count else {
            throw ImportError.damaged(location, "its header of \(length) bytes is not all there")
        }
        var parser = PythonLiteralParser(bytes[start..<start + length], location: location)
        let fields = try parser.header()
        descriptor = fields.descriptor
        isFortranOrder = fields.isFortranOrder
        shape = fields.shape
        byteCount = start + length
    }

    /// `nil` for types that are no numbers of a model.
    var element: ImportedElement? {
        switch descriptor {
        case "<f2": .float16
        case "<f4": .float32
        case "<f8": .float64
        case "<i4": .int32
        case "<i8": .int64
        case "|V2", "<V2", "<u2", "<i2": .bits16
        case "bfloat16": .bfloat16
        default: nil
        }
    }
}

/// `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`, and nothing else.
private struct PythonLiteralParser {
    private let bytes: ArraySlice<UInt8>
    private var position: Int
    private let location: String

    init(_ bytes: ArraySlice<UInt8>, location: String) {
        self.bytes = bytes
        position = bytes.startIndex
        self.location = location
    }

    mutating func header() throws -> (descriptor: String, isFortranOrder: Bool, shape: [Int]) {
        var descriptor: String?, isFortranOrder: Bool?, shape: [Int]?
        try expect("{")
        while !skip("}") {
            let key = try string()
            try expect(":")
            switch key {
            case "descr" where descriptor == nil:
                // A list describes records with named fields.
                if peek() == UInt8(ascii: "[") {
                    throw ImportError(
                        location,
                        "its elements are records",
                        expected: "float16, bfloat16, float32 or float64",
                        remedy: "save each field as an array of its own"
                    )
                }
                descriptor = try string()
            case "fortran_order" where isFortranOrder == nil: isFortranOrder = try boolean()
            case "shape" where shape == nil: shape = try tuple()
            default: throw damaged("has the key '\(shownName(key))' here")
            }
            if !skip(",") {
                try expect("}")
                break
            }
        }
        while let byte = peek() {
            guard byte == 0x0A || byte == 0 else { throw damaged("goes on after its end") }
            position += 1
        }
        guard let descriptor, let isFortranOrder, let shape else {
            throw damaged("lacks one of its keys descr, fortran_order, shape")
        }
        return (descriptor, isFortranOrder, shape)
    }

    private func damaged(_ problem: String) -> ImportError {
        .damaged("\(location), byte \(position) of the member", "the npy header \(problem)")
    }

    /// The next byte that is no blank.
    private mutating func peek() -> UInt8? {
        while position < bytes.endIndex, bytes[position] == 0x20 { position += 1 }
        return position < bytes.endIndex ? bytes[position] : nil
    }

    private mutating func skip(_ letter: Unicode.Scalar) -> Bool {
        guard peek() == UInt8(ascii: letter) else { return false }
        position += 1
        return true
    }

    private mutating func expect(_ letter: Unicode.Scalar) throws {
        guard skip(letter) else { throw damaged("has no '\(letter)' here") }
    }

    private mutating func string() throws -> String {
        guard let quote = peek(), quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") else {
            throw damaged("has no text here")
        }
        position += 1
        let start = position
        while position < bytes.endIndex, bytes[position] != quote { position += 1 }
        guard position < bytes.endIndex else { throw damaged("ends inside a text") }
        defer { position += 1 }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    private mutating func boolean() throws -> Bool {
        _ = peek()
        for (word, value) in [("True", true), ("False", false)] where bytes[position...].starts(with: word.utf8) {
            position += word.utf8.count
            return value
        }
        throw damaged("has neither True nor False here")
    }

    private mutating func tuple() throws -> [Int] {
        var sizes: [Int] = []
        try expect("(")
        while !skip(")") {
            _ = peek()
            let start = position
            while position < bytes.endIndex, (0x30...0x39).contains(bytes[position]) { position += 1 }
            guard start < position, let size = Int(String(decoding: bytes[start..<position], as: UTF8.self)) else {
                throw damaged("has no size of an axis here")
            }
            sizes.append(size)
            guard sizes.count <= 32 else { throw damaged("has more than 32 axes") }
            if !skip(",") {
                try expect(")")
                break
            }
        }
        return sizes
    }
}
