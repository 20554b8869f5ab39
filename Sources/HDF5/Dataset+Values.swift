import CHDF5

extension Dataset {
    /// Adds texts at the end of a one-dimensional dataset of strings.
    ///
    /// - Throws: `HDF5Error`: `nulInText` for a text with a NUL, which would end it.
    public func append(_ texts: [String]) throws {
        try withCStrings(texts, at: place) { try append(texts.count, rows: $0, as: .string) }
    }

    /// Adds integers at the end of a one-dimensional dataset.
    public func append(_ integers: [Int]) throws {
        try integers.map { Int64($0) }.withUnsafeBytes {
            guard let rows = $0.baseAddress else { return }
            try append(integers.count, rows: rows, as: .int64)
        }
    }

    /// Fills a one-dimensional dataset of fixed size.
    public func write(_ integers: [Int]) throws {
        try locked {
            guard try shape == [integers.count] else { throw mismatch("write", "it has the shape \(try shape)") }
            guard !integers.isEmpty else { return }
            let type = try Datatype.int64.native(at: place)
            let all = kvatlas_h5_all()
            let result = H5Dwrite(handle.id, type.id, all, all, kvatlas_h5_none(), integers.map { Int64($0) })
            try check(result, "write", at: place)
        }
    }

    /// Fills a dataset of fixed size, the last axis fastest.
    ///
    /// - Throws: `HDF5Error`: `wrongType` unless there are as many numbers as elements.
    public func write(_ numbers: [Double]) throws {
        try locked {
            let elements = try shape.reduce(1, *)
            guard elements == numbers.count else { throw mismatch("write", "it has the shape \(try shape)") }
            guard !numbers.isEmpty else { return }
            let type = try Datatype.float64.native(at: place)
            let all = kvatlas_h5_all()
            let result = H5Dwrite(handle.id, type.id, all, all, kvatlas_h5_none(), numbers)
            try check(result, "write", at: place)
        }
    }

    /// The texts of some rows of a one-dimensional dataset; bytes that are not UTF-8 are replaced.
    public func readStrings(rows: Range<Int>) throws -> [String] {
        try locked {
            let type = try Handle(H5Dget_type(handle.id), closing: H5Tclose, "read the type of", at: place)
            guard H5Tis_variable_str(type.id) > 0, try shape.count == 1 else {
                throw mismatch("read", "it is no list of texts of any length")
            }
            var texts = [UnsafeMutablePointer<CChar>?](repeating: nil, count: rows.count)
            try texts.withUnsafeMutableBytes {
                guard let target = $0.baseAddress else { return }
                try read(rows: rows, as: .string, into: target)
            }
            defer { for text in texts { H5free_memory(text) } }
            return texts.map { $0.map { String(cString: $0) } ?? "" }
        }
    }

    /// The integers of some rows of a one-dimensional dataset.
    public func readIntegers(rows: Range<Int>) throws -> [Int] {
        guard try shape.count == 1 else { throw mismatch("read", "it has the shape \(try shape)") }
        var integers = [Int64](repeating: 0, count: rows.count)
        try integers.withUnsafeMutableBytes {
            guard let target = $0.baseAddress else { return }
            try read(rows: rows, as: .int64, into: target)
        }
        return integers.map { Int($0) }
    }
}

/// Lends C strings, one pointer a text, to `body`.
///
/// - Throws: `HDF5Error`: `nulInText`.
func withCStrings(_ texts: [String], at place: Place, _ body: (UnsafeRawPointer) throws -> Void) throws {
    guard !texts.isEmpty else { return }
    if let bad = texts.first(where: { $0.utf8.contains(0) }) {
        let shown = bad.replacing("\0", with: "\\0")
        throw HDF5Error(
            code: .nulInText,
            action: "write text to",
            place: place,
            reason: "\"\(shown)\" contains a NUL"
        )
    }
    // One block for all texts: 2 allocations instead of one a text.
    var bytes: [CChar] = []
    var starts: [Int] = []
    for text in texts {
        starts.append(bytes.count)
        bytes.append(contentsOf: text.utf8.lazy.map { CChar(bitPattern: $0) })
        bytes.append(0)
    }
    try bytes.withUnsafeBufferPointer { bytes in
        let pointers = starts.map { start in bytes.baseAddress.map { $0 + start } }
        try pointers.withUnsafeBytes { raw in
            guard let base = raw.baseAddress else { return }
            try body(base)
        }
    }
}
