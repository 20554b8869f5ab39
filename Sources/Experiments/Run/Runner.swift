import Capture
import Evaluation
import Foundation
import Inference
import Reporting
import TensorCore

/// Sees a run from outside: for progress bars and logs.
public protocol RunObserver {
    /// A stage begins; the closure takes the share done and may throw to stop.
    func begin(_ title: String) -> (Double) throws -> Void
    /// The stage that began last is done.
    func finish(_ summary: String)
    /// A stage is up to date and left alone.
    func skip(_ title: String, summary: String)
    /// Something a person should know that stops nothing.
    func warn(_ message: String)
}

/// Runs a manifest: capture, tables, figures, report; each stage only if something it depends on changed.
///
/// A stage's fingerprint covers the tool's version, its settings and the fingerprints of what it reads.
/// Stages that write tables do so atomically, so that a stopped run goes on where it stopped.
public struct Runner {
    let manifest: Manifest
    let folder: RunFolder
    let command: [String]
    let replaces: Bool
    let observer: any RunObserver

    /// - Parameter replaces: whether results of another model and hand-edited outputs may be replaced.
    /// - Throws: `RunError`, `FileError`.
    public init(_ manifest: Manifest, command: [String], replaces: Bool, observer: any RunObserver) throws {
        self.manifest = manifest
        self.command = command
        self.replaces = replaces
        self.observer = observer
        folder = try RunFolder(manifest.output.directory)
    }

    /// Does all stages; returns the path of the report.
    ///
    /// - Throws: what the stages throw, each with file and remedy; `RunError.editedOutput`, `RunError.otherModel`.
    public func run() throws -> String {
        let inputs = try readInputs()
        try checkModel(inputs.model)
        let stages = try stages(inputs)
        let states = try stages.map { try state(of: $0) }
        let studies: Set<Stage.ID> = [.statistics, .magnitude, .errors]
        // Without a study to make, a capture that was not kept need not come back.
        let needsCapture = zip(stages, states).contains { studies.contains($0.id) && $1 != .fresh }
        for (stage, state) in zip(stages, states) {
            let isFresh = state == .fresh || (stage.id == .capture && state == .missing && !needsCapture)
            if isFresh, let stamp = StageStamp.read(stage.id, in: folder.url) {
                observer.skip(stage.id.title, summary: stamp.summary)
            } else {
                try perform(stage)
            }
        }
        if !manifest.output.keepsCapture { try? FileManager.default.removeItem(atPath: folder.path(RunFolder.capture)) }
        return folder.path(RunFolder.report)
    }

    private enum State { case fresh, missing, stale }

    private func state(of stage: Stage) throws -> State {
        guard let stamp = StageStamp.read(stage.id, in: folder.url) else { return .stale }
        switch try stamp.check(in: folder.url) {
        case .changed(let output) where stage.id != .report && !replaces:
            throw RunError.editedOutput(path: folder.path(output))
        case .changed: return .stale
        case .missing: return stamp.fingerprint == stage.fingerprint ? .missing : .stale
        case .intact: return stamp.fingerprint == stage.fingerprint ? .fresh : .stale
        }
    }

    private func perform(_ stage: Stage) throws {
        let progress = observer.begin(stage.id.title)
        let start = Date()
        let stampPath = StageStamp.path(of: stage.id, in: folder.url)
        try? FileManager.default.removeItem(at: stampPath)
        let result = try stage.body(progress)
        var outputs: [String: String] = [:]
        for output in result.outputs { outputs[output] = try StageStamp.mark(output, in: folder.url) }
        let stamp = StageStamp(
            fingerprint: stage.fingerprint,
            outputs: outputs,
            seconds: Date().timeIntervalSince(start),
            finished: Date().ISO8601Format(),
            summary: result.summary
        )
        try stamp.write(stage.id, in: folder.url)
        observer.finish(result.summary)
    }

    /// Model and texts, read and hashed once.
    struct Inputs {
        let model: Provenance.File
        let texts: [TextFile]
    }

    private func readInputs() throws -> Inputs {
        let texts = try manifest.texts.map { try TextFile.load($0.path, name: $0.name) }
        let progress = observer.begin("checksum of the model")
        let sha256 = try SHA256.hash(ofFile: manifest.model.path, progress: progress)
        observer.finish(String(sha256.prefix(12)))
        let size = try FileManager.default.attributesOfItem(atPath: manifest.model.path)[.size] as? Int
        let model = Provenance.File(
            name: manifest.model.name,
            path: manifest.model.path,
            byteCount: size ?? 0,
            sha256: sha256
        )
        return Inputs(model: model, texts: texts)
    }

    /// Results of one model are not replaced by another's without being told to.
    private func checkModel(_ model: Provenance.File) throws {
        guard !replaces, let data = FileManager.default.contents(atPath: folder.path(RunFolder.provenance)),
            let there = try? JSONDecoder().decode(Provenance.self, from: data), there.model.sha256 != model.sha256
        else { return }
        throw RunError.otherModel(path: folder.url.path, there: there.model.name, asked: model.name)
    }
}

extension Stage.ID {
    var title: String {
        switch self {
        case .capture: "capture"
        case .statistics: "statistics"
        case .magnitude: "magnitudes"
        case .errors: "errors"
        case .report: "figures and report"
        }
    }
}
