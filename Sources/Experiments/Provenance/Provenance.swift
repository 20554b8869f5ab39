import Foundation
import Kernels
import Reporting

/// Where the numbers of a run come from; `provenance.json` beside them.
public struct Provenance: Sendable, Codable, Equatable {
    public struct File: Sendable, Codable, Equatable {
        public let name: String
        public let path: String
        public let byteCount: Int
        public let sha256: String
    }

    public struct Stage: Sendable, Codable, Equatable {
        public let id: String
        /// SHA-256 over everything the stage's result depends on.
        public let fingerprint: String
        public let seconds: Double
        /// ISO 8601, UTC.
        public let finished: String
        public let outputs: [String: String]
    }

    public var tool = "kvatlas"
    public var toolVersion = ToolVersion.current
    public var command: [String]
    /// SHA-256 of `manifest.yaml` in the run's folder.
    public var manifestSHA256: String
    /// Of the run that last did a stage; ISO 8601, UTC.
    public var started: String
    /// When its report was begun; `nil` while it runs and after it was cut short.
    public var finished: String?
    public var model: File
    public var texts: [File]
    /// What captions say.
    public var figureContext: FigureContext
    public var machine = Machine.current
    public var instructionSet = InstructionSet.active.rawValue
    public var threads = Parallel.threadCount
    public var libraries = LibraryVersions.current
    public var stages: [Stage] = []

    static func read(in folder: URL) -> Provenance? {
        guard let data = try? Data(contentsOf: folder.appendingPathComponent(RunFolder.provenance)) else { return nil }
        return try? JSONDecoder().decode(Provenance.self, from: data)
    }

    func write(in folder: URL) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try AtomicFile.write(try encoder.encode(self), to: folder.appendingPathComponent(RunFolder.provenance).path)
    }
}

extension Provenance.Stage {
    /// `nil` for a stage that was cut short.
    init?(_ id: Stage.ID, _ stamp: StageStamp) {
        guard let fingerprint = stamp.fingerprint else { return nil }
        self.init(
            id: id.rawValue,
            fingerprint: fingerprint,
            seconds: stamp.seconds,
            finished: stamp.finished,
            outputs: stamp.outputs
        )
    }
}
