import Foundation

/// Which stages of a run have to be done, and why.
public struct RunPlan: Sendable, Equatable, CustomStringConvertible {
    public enum Action: Sendable, Equatable {
        case run(reason: String)
        /// Up to date; what it did the last time.
        case skip(summary: String)
    }

    public struct Step: Sendable, Equatable {
        package let id: Stage.ID
        public let action: Action

        public var title: String { id.title }

        var runs: Bool { if case .run = action { true } else { false } }
    }

    public let directory: String
    public let steps: [Step]

    /// Decides from the stamps in `folder`; writes nothing.
    ///
    /// - Parameters:
    ///   - fingerprints: in the order of the stages.
    ///   - replaces: whether outputs edited by hand may be made anew.
    /// - Throws: `RunError.editedOutput`, `FileError` for an output that cannot be read.
    package init(_ fingerprints: [(id: Stage.ID, fingerprint: String)], folder: URL, replaces: Bool) throws {
        directory = folder.path
        var states: [Stage.ID: State] = [:]
        for (id, fingerprint) in fingerprints {
            states[id] = try State(of: id, fingerprint: fingerprint, in: folder, replaces: replaces)
        }
        // Backwards, since a lost file of a disposable stage matters only to those that read it.
        var runs: [Stage.ID: String] = [:]
        for (id, _) in fingerprints.reversed() {
            switch states[id] {
            case .stale(let reason): runs[id] = reason
            case .missing(let output):
                let reader = fingerprints.first { $0.id.reads.contains(id) && states[$0.id]?.needsInputs == true }
                if !id.isDisposable {
                    runs[id] = "\(output) is gone"
                } else if let reader {
                    runs[id] = "\(output) is gone and '\(reader.id.title)' needs it"
                }
            case .fresh, nil: break
            }
        }
        // Forwards: what reads files that are made anew is made anew.
        for (id, _) in fingerprints where runs[id] == nil {
            if let input = id.reads.first(where: { !$0.isDisposable && runs[$0] != nil }) {
                runs[id] = "'\(input.title)' is made anew"
            }
        }
        steps = fingerprints.map { id, _ in
            if let reason = runs[id] { return Step(id: id, action: .run(reason: reason)) }
            return Step(id: id, action: .skip(summary: StageStamp.read(id, in: folder)?.summary ?? ""))
        }
    }

    /// One line a stage, for a dry run.
    public var description: String {
        let width = steps.map { $0.title.count }.max() ?? 0
        let lines = steps.map { step in
            let title = step.title.padding(toLength: width, withPad: " ", startingAt: 0)
            return switch step.action {
            case .run(let reason): "  \(title)  runs: \(reason)"
            case .skip(let summary): "  \(title)  up to date" + (summary.isEmpty ? "" : " (\(summary))")
            }
        }
        return (["\(directory):"] + lines).joined(separator: "\n")
    }

    private enum State {
        case fresh
        case missing(String)
        case stale(String)

        var needsInputs: Bool { if case .fresh = self { false } else { true } }

        init(of id: Stage.ID, fingerprint: String, in folder: URL, replaces: Bool) throws {
            guard let stamp = StageStamp.read(id, in: folder) else {
                self = .stale("not done yet")
                return
            }
            guard let last = stamp.fingerprint else {
                self = .stale("it was cut short")
                return
            }
            let outputs = try stamp.check(in: folder)
            if case .changed(let output) = outputs {
                guard replaces || id.isAlwaysReplaceable else {
                    throw RunError.editedOutput(path: folder.appendingPathComponent(output).path)
                }
                self = .stale("\(output) was changed")
            } else if last != fingerprint {
                self = .stale("its settings or inputs changed")
            } else if case .missing(let output) = outputs {
                self = .missing(output)
            } else {
                self = .fresh
            }
        }
    }
}
