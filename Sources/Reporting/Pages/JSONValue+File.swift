import TensorCore

extension JSONValue {
    /// Reads a whole file.
    ///
    /// - Throws: ``ReportingError`` with file and line.
    public static func read(_ path: String) throws -> JSONValue { try parse(TextFile.read(path), file: path) }

    /// Reads a text; `file` is named in errors.
    public static func parse(_ text: String, file: String = "JSON") throws -> JSONValue {
        let bytes = Array(text.utf8)
        return try bytes.withUnsafeBytes { bytes in
            var reader = JSONReader(bytes)
            do {
                let value = try reader.value(.allowed)
                try reader.finish()
                return value
            } catch let failure as JSONReader.Failure {
                let line = 1 + bytes.prefix(failure.offset).reduce(0) { $0 + ($1 == UInt8(ascii: "\n") ? 1 : 0) }
                throw ReportingError.malformed(
                    file: file,
                    line: line,
                    column: "",
                    problem: failure.problem,
                    expected: "JSON"
                )
            }
        }
    }
}
