/// One value of a GGUF file's metadata, in the kind in which it is stored.
public enum MetadataValue: Sendable, Equatable {
    case uint8(UInt8)
    case int8(Int8)
    case uint16(UInt16)
    case int16(Int16)
    case uint32(UInt32)
    case int32(Int32)
    case float32(Float)
    case boolean(Bool)
    case string(String)
    case array(MetadataArray)
    case uint64(UInt64)
    case int64(Int64)
    case float64(Double)

    /// The kinds and their numbers in the file. Source: the GGUF specification, `gguf_metadata_value_type`.
    public enum Kind: UInt32, Sendable, CaseIterable {
        case uint8, int8, uint16, int16, uint32, int32, float32, boolean, string, array, uint64, int64, float64

        /// Bytes of one value; `nil` for strings and arrays, whose length is stored with them.
        var fixedByteCount: Int? {
            switch self {
            case .uint8, .int8, .boolean: 1
            case .uint16, .int16: 2
            case .uint32, .int32, .float32: 4
            case .uint64, .int64, .float64: 8
            case .string, .array: nil
            }
        }
    }

    public var kind: Kind {
        switch self {
        case .uint8: .uint8
        case .int8: .int8
        case .uint16: .uint16
        case .int16: .int16
        case .uint32: .uint32
        case .int32: .int32
        case .float32: .float32
        case .boolean: .boolean
        case .string: .string
        case .array: .array
        case .uint64: .uint64
        case .int64: .int64
        case .float64: .float64
        }
    }

    /// The value of any integer kind that fits `Int`, else `nil`.
    public var integer: Int? {
        switch self {
        case .uint8(let value): Int(value)
        case .int8(let value): Int(value)
        case .uint16(let value): Int(value)
        case .int16(let value): Int(value)
        case .uint32(let value): Int(value)
        case .int32(let value): Int(value)
        case .uint64(let value): Int(exactly: value)
        case .int64(let value): Int(exactly: value)
        case .float32, .float64, .boolean, .string, .array: nil
        }
    }

    /// The value of any integer or floating-point kind, else `nil`.
    public var number: Double? {
        switch self {
        case .float32(let value): Double(value)
        case .float64(let value): value
        case .uint64(let value): Double(value)
        default: integer.map { Double($0) }
        }
    }

    public var string: String? { if case .string(let text) = self { text } else { nil } }
    public var boolean: Bool? { if case .boolean(let value) = self { value } else { nil } }
    public var array: MetadataArray? { if case .array(let array) = self { array } else { nil } }
}
