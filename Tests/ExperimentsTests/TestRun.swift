import Experiments
import Foundation
import Inference
import TestSupport

/// A folder with a small random model, a text and a manifest.
struct TestRun {
    let folder: String

    /// Two layers, two key/value heads of 32 channels, a context of 64 tokens.
    static func with<Result>(_ body: (TestRun) throws -> Result) throws -> Result {
        try withTemporaryFolder { folder in
            let run = TestRun(folder: folder)
            var shape = RandomModel.Shape()
            shape.contextLength = 64
            try RandomModel.write(path: run.path("model.gguf"), seed: 1, shape: shape)
            try run.write(String(repeating: "the tide and the moon. ", count: 4), to: "text.txt")
            return try body(run)
        }
    }

    func path(_ name: String) -> String { folder + "/" + name }

    func write(_ text: String, to name: String) throws {
        try Data(text.utf8).write(to: URL(filePath: path(name)))
    }

    func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path(name)) }

    func contents(_ name: String) throws -> String { try String(contentsOfFile: path(name), encoding: .utf8) }

    static let head = """
        name: small
        model: model.gguf
        texts: [text.txt]

        """

    /// Loads a manifest of `head` and `rest`; its output goes to `run` in the folder.
    func load(_ rest: String = "", head: String = head, overrides: [String] = []) throws -> Manifest {
        try write(head + rest, to: "experiment.yaml")
        var manifest = try Manifest.load(path("experiment.yaml"), overrides: overrides)
        if !rest.contains("output:") { manifest.output.directory = path("run") }
        return manifest
    }

    /// What is wrong with a manifest of `head` and `rest`.
    func complaints(_ rest: String = "", head: String = head, overrides: [String] = []) throws -> [Complaint] {
        do {
            _ = try load(rest, head: head, overrides: overrides)
            return []
        } catch let error as ManifestError {
            return error.complaints
        }
    }

    @discardableResult
    func perform(_ manifest: Manifest, replaces: Bool = false, observer: RecordingObserver = RecordingObserver()) throws
        -> RecordingObserver
    {
        _ = try Runner(manifest, command: ["kvatlas", "run"], replaces: replaces, observer: observer).run()
        return observer
    }
}

/// Notes which stages ran and which were skipped.
final class RecordingObserver: RunObserver {
    private(set) var ran: [String] = []
    private(set) var skipped: [String] = []
    private(set) var warnings: [String] = []
    /// Stops the run in this stage.
    var interruptedStage: String?

    struct Interruption: Error {}

    func begin(_ title: String) -> (Double) throws -> Void {
        if title != "checksums" { ran.append(title) }
        return { _ in if title == self.interruptedStage { throw Interruption() } }
    }

    func finish(_ summary: String) {}
    func skip(_ title: String, summary: String) { skipped.append(title) }
    func warn(_ message: String) { warnings.append(message) }
}

/// The error of type `Failure` that `body` throws; any other is passed on.
func error<Failure: Error, Result>(of type: Failure.Type, _ body: () throws -> Result) throws -> Failure? {
    do {
        _ = try body()
        return nil
    } catch let error as Failure {
        return error
    }
}
