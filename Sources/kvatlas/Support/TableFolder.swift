import Experiments
import Foundation
import Reporting
import TensorCore

/// A folder that a command puts tables into, with a `README.md` that says what their columns mean.
struct TableFolder {
    static let readme = "README.md"

    private let url: URL

    /// Checks that nothing is in the way and makes the folder.
    ///
    /// - Parameter files: that will be written, beside the README.
    /// - Throws: `FileError`.
    init(_ path: String, files: [String], overwrite: Bool) throws {
        url = URL(fileURLWithPath: path, isDirectory: true)
        for name in files { try refuseExisting(self.path(name), overwrite: overwrite) }
        do {
            try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        } catch { throw FileError.unwritable(path: path, reason: error.localizedDescription) }
    }

    /// The name of a table's file.
    static func file(_ table: String) -> String { "\(table).csv" }

    func path(_ name: String) -> String { url.appendingPathComponent(name).path }

    /// Writes what columns mean, beside what the README says of tables of other commands that are still there.
    ///
    /// - Returns: the README's path.
    @discardableResult
    func document(_ tables: [Table]) throws -> String {
        let readme = path(Self.readme)
        var documented = FileManager.default.fileExists(atPath: readme) ? try TableDocumentation.read(readme) : [:]
        documented = documented.filter { FileManager.default.fileExists(atPath: path(Self.file($0.key))) }
        for table in tables { documented[table.name] = TableDocumentation(table) }
        try TableDocumentation.write(
            documented.values.sorted { $0.name < $1.name }.map {
                Table(name: $0.name, meaning: $0.meaning, columns: $0.columns)
            },
            to: readme
        )
        return readme
    }
}
