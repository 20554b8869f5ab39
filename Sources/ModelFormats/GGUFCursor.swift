/// A place in a mapped file that moves forward and never past the end.
struct GGUFCursor {
    let file: MappedFile
    var offset = 0

    var remaining: Int { file.byteCount - offset }

    /// Moves over `byteCount` bytes.
    ///
    /// - Returns: where they start.
    mutating func take(_ byteCount: UInt64, _ what: @autoclosure () -> String) throws -> Int {
        guard byteCount <= UInt64(remaining) else {
            throw GGUFError(
                file.path,
                at: offset,
                .truncated(what: what(), byteCount: byteCount, fileByteCount: file.byteCount)
            )
        }
        defer { offset += Int(byteCount) }
        return offset
    }

    mutating func integer<Value: FixedWidthInteger>(
        _ type: Value.Type,
        _ what: @autoclosure () -> String
    ) throws -> Value {
        let start = try take(UInt64(MemoryLayout<Value>.size), what())
        return file.bytes.littleEndian(type, at: start)
    }

    mutating func string(_ what: @autoclosure () -> String) throws -> String {
        let length = try integer(UInt64.self, what())
        let start = try take(length, what())
        guard let text = file.bytes.text(in: start..<offset) else {
            throw GGUFError(file.path, at: start, .notUTF8(what: what()))
        }
        return text
    }

    /// A number of items that take at least `smallestItem` bytes each.
    mutating func count(_ what: @autoclosure () -> String, smallestItem: Int) throws -> Int {
        let start = offset
        let count = try integer(UInt64.self, "the number of \(what())")
        let limit = remaining / smallestItem
        guard count <= UInt64(limit) else {
            throw GGUFError(file.path, at: start, .impossibleCount(what: what(), count: count, limit: limit))
        }
        return Int(count)
    }

    mutating func skipStrings(_ count: Int, key: String) throws {
        for index in 0..<count {
            let length = try integer(UInt64.self, "string \(index) of key '\(key)'")
            _ = try take(length, "string \(index) of key '\(key)'")
        }
    }
}
