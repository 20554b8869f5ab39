import Foundation

/// Does the stages of a plan in a folder and stamps each that succeeded.
package struct StageRunner {
    let folder: URL
    let replaces: Bool
    let observer: any RunObserver

    /// - Parameters:
    ///   - folder: the run's folder, which exists.
    ///   - replaces: whether outputs edited by hand may be made anew.
    package init(folder: URL, replaces: Bool, observer: any RunObserver) {
        self.folder = folder
        self.replaces = replaces
        self.observer = observer
    }

    package func plan(_ stages: [Stage]) throws -> RunPlan {
        try RunPlan(stages.map { ($0.id, $0.fingerprint) }, folder: folder, replaces: replaces)
    }

    /// - Throws: `RunError.editedOutput`, `FileError`, what a stage throws; stages done before stay done.
    package func run(_ stages: [Stage]) throws {
        for (stage, step) in zip(stages, try plan(stages).steps) {
            switch step.action {
            case .skip(let summary): observer.skip(step.title, summary: summary)
            case .run: try perform(stage)
            }
        }
    }

    private func perform(_ stage: Stage) throws {
        let progress = observer.begin(stage.id.title)
        let start = Date()
        // Kept, so that after an interruption the outputs of older settings can still be told and removed.
        var stamp = StageStamp.read(stage.id, in: folder) ?? StageStamp(fingerprint: nil, outputs: [:])
        let before = Set(stamp.outputs.keys)
        stamp.fingerprint = nil
        try stamp.write(stage.id, in: folder)

        let result = try stage.body(progress)
        var outputs: [String: String] = [:]
        for output in result.outputs { outputs[output] = try StageStamp.mark(output, in: folder) }
        // A table that the settings no longer ask for must not end up in the report.
        for output in before.subtracting(outputs.keys) {
            try? FileManager.default.removeItem(at: folder.appendingPathComponent(output))
        }
        stamp = StageStamp(
            fingerprint: stage.fingerprint,
            outputs: outputs,
            seconds: Date().timeIntervalSince(start),
            finished: Date().ISO8601Format(),
            summary: result.summary
        )
        try stamp.write(stage.id, in: folder)
        observer.finish(result.summary)
    }
}
