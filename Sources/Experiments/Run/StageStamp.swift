import Foundation

/// What is remembered of a stage: `.stages/ID.json` in the run's folder.
package struct StageStamp: Codable, Equatable {
    /// Raise when a stage's tables, files or maths change, so that old results are made anew.
    static let formatVersion = 3
    /// Larger files are compared by size alone: hashing a capture would take longer than it protects.
    private static let largestHashedFile = 64 << 20

    /// `nil` while the stage runs and after it was cut short: its outputs are then in no known state.
    package var fingerprint: String?
    /// SHA-256 by path relative to the run's folder, or the size of a large file.
    package var outputs: [String: String]
    package var seconds = 0.0
    /// ISO 8601, UTC.
    package var finished = ""
    package var summary = ""

    package static func path(of id: Stage.ID, in folder: URL) -> URL {
        folder.appendingPathComponent(".stages/\(id.rawValue).json")
    }

    package static func read(_ id: Stage.ID, in folder: URL) -> StageStamp? {
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
        var missing: String?
        for (output, mark) in outputs.sorted(by: { $0.key < $1.key }) {
            guard let now = try Self.mark(output, in: folder) else {
                missing = missing ?? output
                continue
            }
            if now != mark { return .changed(output) }
        }
        return missing.map { .missing($0) } ?? .intact
    }

    enum OutputState: Equatable {
        case intact
        /// The first output that is gone.
        case missing(String)
        /// Edited after it was made; the first such file.
        case changed(String)
    }
}
