import Experiments
import Foundation
import Reporting
import TensorCore

/// A CSV file that is written row by row and gets its name when it is whole.
final class TableStream {
    let path: String
    private let schema: Table
    private let partial: String
    private let file: FileHandle
    private var isFinished = false
    private(set) var rowCount = 0

    /// Makes `PATH.partial` with the header.
    ///
    /// - Parameter schema: the table's name and columns; its rows are ignored.
    /// - Throws: `FileError.unwritable`.
    init(_ schema: Table, path: String) throws {
        self.path = path
        self.schema = Table(name: schema.name, meaning: schema.meaning, columns: schema.columns)
        partial = path + ".partial"
        guard FileManager.default.createFile(atPath: partial, contents: nil),
            let file = FileHandle(forWritingAtPath: partial)
        else { throw FileError.unwritable(path: path, reason: String(cString: strerror(errno))) }
        self.file = file
        try write(CSV.text(of: self.schema))
    }

    deinit {
        guard !isFinished else { return }
        try? file.close()
        unlink(partial)
    }

    func append(_ rows: [[Table.Value]]) throws {
        var table = schema
        rows.forEach { table.append($0) }
        let text = CSV.text(of: table)
        // Without the header, which has no line feed of its own.
        guard let end = text.utf8.firstIndex(of: 0x0A) else { return }
        try write(String(text[text.utf8.index(after: end)...]))
        rowCount += rows.count
    }

    /// Gives the file its name.
    func finish() throws {
        do { try file.close() } catch { throw FileError.unwritable(path: path, reason: error.localizedDescription) }
        guard rename(partial, path) == 0 else {
            throw FileError.unwritable(path: path, reason: String(cString: strerror(errno)))
        }
        isFinished = true
    }

    private func write(_ text: String) throws {
        do { try file.write(contentsOf: Data(text.utf8)) } catch {
            throw FileError.unwritable(path: path, reason: error.localizedDescription)
        }
    }
}
