// The file's primitive encodings, in both directions: little-endian numbers, and
// strings as a 64-bit length followed by bytes.

extension UnsafeRawBufferPointer {
    /// - Precondition: `offset` and the bytes after it have been checked to lie inside.
    func littleEndian<Value: FixedWidthInteger>(_ type: Value.Type, at offset: Int) -> Value {
        Value(littleEndian: loadUnaligned(fromByteOffset: offset, as: Value.self))
    }

    /// The bytes as text, or `nil` if they are not UTF-8.
    func text(in range: Range<Int>) -> String? {
        String(validating: UnsafeRawBufferPointer(rebasing: self[range]), as: UTF8.self)
    }

    /// One number or boolean; `nil` for strings, arrays and a boolean that is neither 0 nor 1.
    ///
    /// - Precondition: as for `littleEndian`.
    func scalar(_ kind: MetadataValue.Kind, at offset: Int) -> MetadataValue? {
        switch kind {
        case .uint8: .uint8(self[offset])
        case .int8: .int8(Int8(bitPattern: self[offset]))
        case .uint16: .uint16(littleEndian(UInt16.self, at: offset))
        case .int16: .int16(littleEndian(Int16.self, at: offset))
        case .uint32: .uint32(littleEndian(UInt32.self, at: offset))
        case .int32: .int32(littleEndian(Int32.self, at: offset))
        case .float32: .float32(Float(bitPattern: littleEndian(UInt32.self, at: offset)))
        case .boolean: self[offset] <= 1 ? .boolean(self[offset] == 1) : nil
        case .uint64: .uint64(littleEndian(UInt64.self, at: offset))
        case .int64: .int64(littleEndian(Int64.self, at: offset))
        case .float64: .float64(Double(bitPattern: littleEndian(UInt64.self, at: offset)))
        case .string, .array: nil
        }
    }
}

extension [UInt8] {
    mutating func append(littleEndian value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
    }

    mutating func append(string text: String) {
        append(littleEndian: UInt64(text.utf8.count))
        append(contentsOf: text.utf8)
    }

    /// A metadata value without the number of its kind.
    mutating func append(payload value: MetadataValue) {
        switch value {
        case .uint8(let value): append(value)
        case .int8(let value): append(littleEndian: value)
        case .uint16(let value): append(littleEndian: value)
        case .int16(let value): append(littleEndian: value)
        case .uint32(let value): append(littleEndian: value)
        case .int32(let value): append(littleEndian: value)
        case .float32(let value): append(littleEndian: value.bitPattern)
        case .boolean(let value): append(value ? 1 : 0)
        case .string(let text): append(string: text)
        case .uint64(let value): append(littleEndian: value)
        case .int64(let value): append(littleEndian: value)
        case .float64(let value): append(littleEndian: value.bitPattern)
        case .array(let array):
            append(littleEndian: array.elementKind.rawValue)
            append(littleEndian: UInt64(array.count))
            array.withEncodedBytes { append(contentsOf: $0) }
        }
    }

    /// Zeros up to the next multiple of `alignment`.
    mutating func pad(to alignment: Int) {
        let excess = count % alignment
        if excess != 0 { append(contentsOf: repeatElement(0, count: alignment - excess)) }
    }
}
