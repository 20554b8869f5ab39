import Foundation

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
    let started = Date()

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
        let checksums = ChecksumCache(file: folder.url.appendingPathComponent(RunFolder.checksums))
        let progress = observer.begin("checksums")
        let inputs = try RunInputs(manifest, checksums: checksums, progress: progress)
        observer.finish("model \(inputs.model.sha256.prefix(12))")
        try checkModel(inputs.model)

        let stageRunner = StageRunner(folder: folder.url, replaces: replaces, observer: observer)
        let stages = try stages(inputs)
        if try stageRunner.plan(stages).steps.contains(where: { $0.runs }) {
            // Before the first stage, so that whatever an interrupted run leaves can be traced.
            try writeProvenance(inputs, isFinished: false)
        }
        try stageRunner.run(stages)
        if !manifest.output.keepsCapture { try removeCapture() }
        return folder.path(RunFolder.report)
    }

    /// Which stages `run()` would do, without doing or writing anything.
    ///
    /// - Parameter progress: receives the share of the model that is hashed.
    /// - Throws: `RunError`, `FileError`, what `progress` throws.
    public static func plan(
        _ manifest: Manifest,
        replaces: Bool,
        progress: (Double) throws -> Void = { _ in }
    ) throws -> RunPlan {
        let url = URL(fileURLWithPath: manifest.output.directory, isDirectory: true)
        try RunFolder.checkOwn(url.path)
        let inputs = try RunInputs(manifest, checksums: ChecksumCache(file: nil), progress: progress)
        if !replaces { try checkModel(inputs.model, in: url) }
        return try RunPlan(StageFingerprints(manifest, inputs).all, folder: url, replaces: replaces)
    }

    private func checkModel(_ model: Provenance.File) throws {
        if !replaces { try Self.checkModel(model, in: folder.url) }
    }

    /// Results of one model are not replaced by another's without being told to.
    private static func checkModel(_ model: Provenance.File, in folder: URL) throws {
        guard let there = Provenance.read(in: folder), there.model.sha256 != model.sha256 else { return }
        throw RunError.otherModel(path: folder.path, there: there.model.name, asked: model.name)
    }

    private func removeCapture() throws {
        let path = folder.path(RunFolder.capture)
        guard FileManager.default.fileExists(atPath: path) else { return }
        do { try FileManager.default.removeItem(atPath: path) } catch {
            throw FileError.unwritable(path: path, reason: FileError.reason(of: error))
        }
    }
}
