/// Splits CSV text into records, with the line on which each begins.
struct CSVParser {
    struct Field {
        let text: String
        /// An empty field without quotes.
        let isMissing: Bool
    }

    struct Record {
        let line: Int
        let fields: [Field]
    }

    let file: String
    let text: String

    /// - Throws: ``ReportingError/malformed(file:line:column:problem:expected:)`` for an open quote, text after
    ///   a closing quote, or a record whose length differs from the header's.
    /// - Complexity: O(length of the text).
    func records() throws -> [Record] {
        var bytes = Array(text.utf8)
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
        var records: [Record] = []
        var fields: [Field] = []
        var (position, line, firstLine) = (0, 1, 1)
        while position < bytes.count {
            fields.append(try field(bytes, &position, &line))
            if position < bytes.count, bytes[position] == UInt8(ascii: ",") {
                position += 1
                // A comma at the very end still opens a last, empty field.
                if position < bytes.count { continue }
                fields.append(Field(text: "", isMissing: true))
            }
            if position < bytes.count, bytes[position] == 0x0D { position += 1 }
            if position < bytes.count, bytes[position] == 0x0A { position += 1 }
            line += 1
            defer {
                fields = []
                firstLine = line
            }
            if fields.count == 1, fields[0].isMissing { continue }
            if let width = records.first?.fields.count, width != fields.count {
                throw ReportingError.malformed(
                    file: file,
                    line: firstLine,
                    column: "",
                    problem: "\(fields.count) fields",
                    expected: "\(width), as the header has"
                )
            }
            records.append(Record(line: firstLine, fields: fields))
        }
        return records
    }

    private func field(_ bytes: [UInt8], _ position: inout Int, _ line: inout Int) throws -> Field {
        let quote = UInt8(ascii: "\"")
        func isEnd(_ byte: UInt8) -> Bool { byte == UInt8(ascii: ",") || byte == 0x0A || byte == 0x0D }
        guard bytes[position] == quote else {
            let start = position
            while position < bytes.count, !isEnd(bytes[position]) { position += 1 }
            return Field(text: String(decoding: bytes[start..<position], as: UTF8.self), isMissing: start == position)
        }
        let openLine = line
        var content: [UInt8] = []
        position += 1
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            if byte != quote {
                if byte == 0x0A { line += 1 }
                content.append(byte)
            } else if position < bytes.count, bytes[position] == quote {
                content.append(quote)
                position += 1
            } else if position == bytes.count || isEnd(bytes[position]) {
                return Field(text: String(decoding: content, as: UTF8.self), isMissing: false)
            } else {
                throw ReportingError.malformed(
                    file: file,
                    line: line,
                    column: "",
                    problem: "text after a closing quote",
                    expected: "a comma or the end of the line; a quote inside quotes is doubled"
                )
            }
        }
        throw ReportingError.malformed(
            file: file,
            line: openLine,
            column: "",
            problem: "a quote is opened and never closed",
            expected: ""
        )
    }
}
