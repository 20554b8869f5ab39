import Foundation

/// A step of a run: what it depends on, what it writes, how it is done.
struct Stage {
    enum ID: String, CaseIterable, Codable {
        case capture, statistics, magnitude, errors, report
    }

    let id: ID
    /// SHA-256 over settings and the fingerprints of the stages before it.
    let fingerprint: String
    /// Does the work; returns the files made, relative to the run's folder, and a line on what was done.
    let body: (_ progress: (Double) throws -> Void) throws -> (outputs: [String], summary: String)
}

/// What is remembered of a stage that succeeded: `.stages/ID.json` in the run's folder.
struct StageStamp: Codable, Equatable {
    /// Raise when a stage's tables, files or maths change, so that old results are made anew.
    static let formatVersion = 1
    /// Larger files are compared by size alone: hashing a capture would take longer than it protects.
    private static let largestHashedFile = 64 << 20

    let fingerprint: String
    /// SHA-256 by path relative to the run's folder, or the size of a large file.
    let outputs: [String: String]
    let seconds: Double
    let finished: String
    let summary: String

    static func path(of id: Stage.ID, in folder: URL) -> URL {
        folder.appendingPathComponent(".stages/\(id.rawValue).json")
    }

    static func read(_ id: Stage.ID, in folder: URL) -> StageStamp? {
        guard let data = try? Data(contentsOf: path(of: id, in: folder)) else { return nil }
        return try? JSONDecoder().decode(StageStamp.self, from: data)
    }

    func write(_ id: Stage.ID, in folder: URL) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try AtomicFile.write(try encoder.encode(self), to: Self.path(of: id, in: folder).path)
    }

    /// What identifies the content of an output; `nil` if it is not there.
    static func mark(_ output: String, in folder: URL) throws -> String? {
        let path = folder.appendingPathComponent(output).path
        guard let size = try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int else { return nil }
        return size > largestHashedFile ? "\(size) bytes" : try SHA256.hash(ofFile: path)
    }

    /// Whether the outputs are as they were left.
    func check(in folder: URL) throws -> OutputState {
        var missing = false
        for (output, mark) in outputs.sorted(by: { $0.key < $1.key }) {
            guard let now = try Self.mark(output, in: folder) else {
                missing = true
                continue
            }
            if now != mark { return .changed(output) }
        }
        return missing ? .missing : .intact
    }

    enum OutputState: Equatable {
        case intact
        case missing
        /// Edited after it was made; the first such file.
        case changed(String)
    }
}
