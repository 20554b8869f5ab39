import ArgumentParser
import Capture
import Experiments
import Foundation
import Reporting
import TensorCore

/// The capture that a study reads.
struct CaptureOptions: ParsableArguments {
    @Argument(
        help: ArgumentHelp("The capture file.", valueName: "file.h5"),
        completion: .file(extensions: ["h5", "partial"])
    )
    var capture: String

    @Flag(help: "Read a capture that was cut short, up to its last whole token.")
    var allowIncomplete = false

    func open() throws -> CaptureFile { try CaptureFile(path: capture, allowIncomplete: allowIncomplete) }

    /// A `--layers` list as numbers that the capture has; `nil` for none given.
    func layers(_ list: String?, command: String, of file: CaptureFile) throws -> [Int]? {
        guard let list else { return nil }
        let selection = try UsageError.wrap(command) { try LayerSelection(parsing: list) }
        return try selection.resolve(among: file.layersPresent)
    }
}

/// Where a table goes: a CSV file that must not exist yet, or stdout.
struct TableOutputOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("The CSV file to write, or - for stdout.", valueName: "file.csv"),
        completion: .file(extensions: ["csv"])
    )
    var out: String

    @Flag(help: "Replace the output if it exists.")
    var overwrite = false

    /// Call before the work whose result is to be written.
    func check() throws {
        if out != "-" { try refuseExisting(out, overwrite: overwrite) }
    }

    func write(_ table: Table) throws {
        if out == "-" {
            Terminal.printResult(String(CSV.text(of: table).dropLast()))
            return
        }
        try check()
        try CSV.write(table, to: out)
        Terminal.printError("\(table.rows.count) rows written")
        Terminal.printResult(out)
    }
}

/// Nothing existing is replaced unless told.
func refuseExisting(_ path: String, overwrite: Bool) throws {
    if !overwrite, FileManager.default.fileExists(atPath: path) {
        throw FileError.exists(path: path, flag: "--overwrite")
    }
}

/// Before minutes of work whose result has nowhere to go.
func refuseMissingFolder(of path: String) throws {
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
    guard FileManager.default.isWritableFile(atPath: folder) else {
        throw FileError.unwritable(path: path, reason: "no folder \(folder) that can be written to")
    }
}
