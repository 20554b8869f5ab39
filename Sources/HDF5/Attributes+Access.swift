import CHDF5

extension Attributes {
    /// Sets an attribute, in place if there is one of the same type and length.
    ///
    /// An empty list is stored as a list of length 0.
    public func write(_ name: String, _ value: Attribute) throws {
        switch value {
        case .string(let text):
            try withCStrings([text], at: place) { try write(name, .string, count: nil, $0) }
        case .integer(let integer):
            try withUnsafeBytes(of: Int64(integer)) { try write(name, .int64, count: nil, $0.baseAddress) }
        case .double(let number):
            try withUnsafeBytes(of: number) { try write(name, .float64, count: nil, $0.baseAddress) }
        case .strings(let texts) where texts.isEmpty:
            try write(name, .string, count: 0, nil)
        case .strings(let texts):
            try withCStrings(texts, at: place) { try write(name, .string, count: texts.count, $0) }
        case .integers(let integers):
            try integers.map { Int64($0) }.withUnsafeBytes {
                try write(name, .int64, count: integers.count, $0.baseAddress)
            }
        case .doubles(let numbers):
            try numbers.withUnsafeBytes { try write(name, .float64, count: numbers.count, $0.baseAddress) }
        }
    }

    /// - Parameter count: length of a list, or `nil` for a single value.
    private func write(_ name: String, _ type: Datatype, count: Int?, _ values: UnsafeRawPointer?) throws {
        try locked {
            let action = "write attribute \(name) of"
            let stored = try type.stored(at: place)
            let space = try Handle(
                count.map { H5Screate_simple(1, [hsize_t($0)], nil) } ?? H5Screate(H5S_SCALAR),
                closing: H5Sclose,
                action,
                at: place
            )
            let attribute = try existing(name, stored, space, action) ?? create(name, stored, space, action)
            guard let values, count != 0 else { return }
            let native = try type.native(at: place)
            try check(H5Awrite(attribute.id, native.id, values), action, at: place)
        }
    }

    /// An attribute of this name, type and length; one that differs is removed.
    private func existing(_ name: String, _ type: Handle, _ space: Handle, _ action: String) throws -> Handle? {
        guard try contains(name) else { return nil }
        let attribute = try Handle(
            H5Aopen(owner.id, name, kvatlas_h5_none()),
            closing: H5Aclose,
            action,
            at: place
        )
        let oldType = try Handle(H5Aget_type(attribute.id), closing: H5Tclose, action, at: place)
        let oldSpace = try Handle(H5Aget_space(attribute.id), closing: H5Sclose, action, at: place)
        if H5Tequal(oldType.id, type.id) > 0, H5Sextent_equal(oldSpace.id, space.id) > 0 { return attribute }
        try attribute.close(action, at: place)
        try check(H5Adelete(owner.id, name), action, at: place)
        return nil
    }

    private func create(_ name: String, _ type: Handle, _ space: Handle, _ action: String) throws -> Handle {
        let none = kvatlas_h5_none()
        return try Handle(
            H5Acreate2(owner.id, name, type.id, space.id, none, none),
            closing: H5Aclose,
            action,
            at: place
        )
    }

    /// The value of an attribute; an array of several axes comes as one list.
    ///
    /// - Throws: `HDF5Error`: `notFound`, or `wrongType` for a type that this module does not read.
    public func read(_ name: String) throws -> Attribute {
        try locked {
            let action = "read attribute \(name) of"
            guard try contains(name) else {
                throw HDF5Error(code: .notFound, action: action, place: place, reason: "there is none of that name")
            }
            let attribute = try Handle(
                H5Aopen(owner.id, name, kvatlas_h5_none()),
                closing: H5Aclose,
                action,
                at: place
            )
            let type = try Handle(H5Aget_type(attribute.id), closing: H5Tclose, action, at: place)
            let space = try Handle(H5Aget_space(attribute.id), closing: H5Sclose, action, at: place)
            let isSingle = H5Sget_simple_extent_type(space.id) == H5S_SCALAR
            let count = Int(try check(H5Sget_simple_extent_npoints(space.id), action, at: place))
            func values<Value>(_ none: Value, _ memory: Datatype) throws -> [Value] {
                guard count > 0 else { return [] }
                let native = try memory.native(at: place)
                var values = [Value](repeating: none, count: count)
                let result = values.withUnsafeMutableBytes { H5Aread(attribute.id, native.id, $0.baseAddress) }
                try check(result, action, at: place)
                return values
            }
            switch Datatype(storedType: type.id) {
            case .int32, .int64:
                let integers = try values(Int64(0), .int64).map { Int($0) }
                return isSingle ? .integer(integers[0]) : .integers(integers)
            case .float16, .float32, .float64:
                let numbers = try values(0.0, .float64)
                return isSingle ? .double(numbers[0]) : .doubles(numbers)
            case .string:
                let texts = try readTexts(attribute, type, count, action)
                return isSingle ? .string(texts[0]) : .strings(texts)
            case nil:
                throw HDF5Error(code: .wrongType, action: action, place: place, reason: "it is no number and no text")
            }
        }
    }

    /// Texts of any length are pointers that HDF5 allocates; those of a fixed length lie side by side.
    private func readTexts(_ attribute: Handle, _ type: Handle, _ count: Int, _ action: String) throws -> [String] {
        guard count > 0 else { return [] }
        if H5Tis_variable_str(type.id) > 0 {
            var pointers = [UnsafeMutablePointer<CChar>?](repeating: nil, count: count)
            let result = pointers.withUnsafeMutableBytes { H5Aread(attribute.id, type.id, $0.baseAddress) }
            try check(result, action, at: place)
            defer { for pointer in pointers { H5free_memory(pointer) } }
            return pointers.map { $0.map { String(cString: $0) } ?? "" }
        }
        let size = H5Tget_size(type.id)
        var bytes = [UInt8](repeating: 0, count: count * size)
        let result = bytes.withUnsafeMutableBytes { H5Aread(attribute.id, type.id, $0.baseAddress) }
        try check(result, action, at: place)
        return (0..<count).map { index in
            String(decoding: bytes[index * size..<(index + 1) * size].prefix { $0 != 0 }, as: UTF8.self)
        }
    }
}
