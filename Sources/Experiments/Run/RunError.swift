import TensorCore

/// Why a run cannot start or go on.
public enum RunError: ActionableError, Equatable {
    case foreignFolder(path: String)
    case otherModel(path: String, there: String, asked: String)
    case editedOutput(path: String)
    /// `process` holds the lock, if it said so.
    case busy(path: String, process: Int?)
    case notARun(path: String, missing: String)

    public var location: String? {
        switch self {
        case .foreignFolder(let path), .otherModel(let path, _, _), .editedOutput(let path), .busy(let path, _),
            .notARun(let path, _):
            path
        }
    }

    public var problem: String {
        switch self {
        case .foreignFolder: "the output folder has files that no run of kvatlas made"
        case .otherModel(_, let there, let asked): "the folder holds a run of \(there), not of \(asked)"
        case .editedOutput: "the file was changed after the run made it"
        case .busy(_, let process):
            "another run" + (process.map { " (process \($0))" } ?? "") + " is writing to this folder"
        case .notARun(_, let missing): "the folder holds no finished run: there is no \(missing)"
        }
    }

    public var remedy: String? {
        switch self {
        case .foreignFolder: "Choose an empty or new folder with --out."
        case .otherModel: "Choose another folder with --out, or pass --force to replace the results there."
        case .editedOutput: "Keep a copy elsewhere if you need it, then pass --force to make it again."
        case .busy: "Wait for it, or choose another folder with --out."
        case .notARun: "Run a manifest first: kvatlas run MANIFEST --out FOLDER."
        }
    }
}
