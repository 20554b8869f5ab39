import Foundation
import Reporting
import TensorCore

/// The folder of one run: `manifest.yaml`, `provenance.json`, `capture.h5`, `statistics.h5`, `tables`, `figures`, `report.html`.
public struct RunFolder {
    let url: URL
    private let lock: FileHandle

    static let capture = "capture.h5"
    static let calibration = "calibration.h5"
    static let calibrationCapture = "calibration-capture.h5"
    static let statistics = "statistics.h5"
    static let tables = "tables"
    static let figures = "figures"
    static let manifest = "manifest.yaml"
    static let provenance = "provenance.json"
    static let report = "report.html"
    private static let stages = ".stages"
    static let checksums = "\(stages)/checksums.json"

    /// Makes or enters the folder and keeps other runs out until this value is gone.
    ///
    /// - Throws: `RunError` for a folder with other files or a run in progress, `FileError.unwritable`.
    init(_ path: String) throws {
        url = URL(fileURLWithPath: path, isDirectory: true)
        let manager = FileManager.default
        let stages = url.appendingPathComponent(Self.stages, isDirectory: true)
        try Self.checkOwn(url.path)
        do {
            for folder in [stages, url.appendingPathComponent(Self.tables), url.appendingPathComponent(Self.figures)] {
                try manager.createDirectory(at: folder, withIntermediateDirectories: true)
            }
        } catch {
            throw FileError.unwritable(path: path, reason: FileError.reason(of: error))
        }
        let lockPath = stages.appendingPathComponent("lock").path
        let descriptor = open(lockPath, O_CREAT | O_RDWR | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw FileError.unwritable(path: path, reason: String(cString: strerror(errno)))
        }
        lock = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        // The kernel drops the lock with the process, however it ends.
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let holder = (try? lock.readToEnd()).flatMap { Int(String(decoding: $0, as: UTF8.self)) }
            throw RunError.busy(path: path, process: holder)
        }
        // Only for the message above: the lock itself, not the number, keeps others out.
        try? lock.truncate(atOffset: 0)
        try? lock.write(contentsOf: Data("\(ProcessInfo.processInfo.processIdentifier)".utf8))
    }

    /// Refuses a folder that holds anything but a run.
    ///
    /// - Throws: `RunError.foreignFolder`.
    static func checkOwn(_ path: String) throws {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        guard names.isEmpty || names.contains(stages) else { throw RunError.foreignFolder(path: path) }
    }

    func path(_ name: String) -> String { url.appendingPathComponent(name).path }

    /// Writes tables as CSV, and what their columns mean to `tables/README.md`; returns the CSV files.
    func write(_ tables: [Table]) throws -> [String] {
        let readme = path("\(Self.tables)/README.md")
        let isThere = FileManager.default.fileExists(atPath: readme)
        var documented = isThere ? try TableDocumentation.read(readme) : [:]
        // Tables of older settings are gone, and so is what their columns mean.
        documented = documented.filter { FileManager.default.fileExists(atPath: path("\(Self.tables)/\($0.key).csv")) }
        for table in tables { documented[table.name] = TableDocumentation(table) }
        let all = documented.values.sorted { $0.name < $1.name }
        try TableDocumentation.write(
            all.map { Table(name: $0.name, meaning: $0.meaning, columns: $0.columns) },
            to: readme
        )
        return try tables.map { table in
            let name = "\(Self.tables)/\(table.name).csv"
            try CSV.write(table, to: path(name))
            return name
        }
    }

    /// Checks that a finished run is there, so that its tables can be read.
    ///
    /// - Throws: `RunError.notARun`.
    public static func check(_ path: String) throws {
        for name in [manifest, provenance, tables] {
            guard FileManager.default.fileExists(atPath: URL(fileURLWithPath: path).appendingPathComponent(name).path)
            else {
                throw RunError.notARun(path: path, missing: name)
            }
        }
    }
}
