import HDF5
import Inference
import TensorCore

/// Why a capture cannot be written or read.
public enum CaptureError: ActionableError, Equatable {
    // Writing.

    /// The output is there already.
    case outputExists(path: String)
    /// An earlier run was stopped and left this.
    case partialExists(path: String)
    case folderMissing(path: String, folder: String)
    case folderNotWritable(path: String, folder: String)
    /// The folder is there, but the system makes no file in it, as in `/proc`.
    case noFileIn(path: String, folder: String, reason: String)
    case isFolder(path: String)
    case noSuchLayer(layer: Int, modelLayers: Int)
    case nothingChosen(what: String)
    case unsupportedElementType(ElementType)
    case diskFull(path: String, tokens: Int)
    /// The model gave other tokens than the sequence announced.
    case unexpectedTokens(path: String, tensor: String, first: Int, count: Int, expectedFirst: Int, length: Int)
    case unexpectedShape(path: String, tensor: String, heads: Int, headDim: Int, expected: String)
    /// At the end, a tensor lacks tokens of the last sequence.
    case tokensMissing(path: String, tensor: String, recorded: Int, announced: Int)
    case nothingRecorded(path: String)
    case stopped(path: String)
    case cannotRename(from: String, to: String, reason: String)

    // Reading.

    case fileMissing(path: String)
    case notHDF5(path: String)
    case truncated(path: String)
    case inUse(path: String)
    case notCapture(path: String, reason: String)
    case newerVersion(path: String, version: Int, supported: Int)
    /// `announced`: tokens of all sequences that were begun.
    case incomplete(path: String, tokens: Int, announced: Int)
    case inconsistent(path: String, object: String, reason: String)
    case layerAbsent(path: String, layer: Int, present: [Int], modelLayers: Int)
    case tensorAbsent(path: String, tensor: CapturedTensor, layer: Int, present: [CapturedTensor])
    case tokensOutOfRange(path: String, first: Int, end: Int, count: Int)

    /// What HDF5 says, where none of the above fits.
    case storage(HDF5Error)
}

extension CaptureError {
    /// The case that fits an error met while the capture at `path` was written.
    static func writing(_ error: any Error, path: String, tokens: Int) -> any Error {
        guard let error = error as? HDF5Error else { return error }
        switch error.code {
        case .diskFull: return CaptureError.diskFull(path: path, tokens: tokens)
        case .fileExists: return CaptureError.partialExists(path: path)
        case .inUse: return CaptureError.inUse(path: path)
        case .notPermitted: return CaptureError.folderNotWritable(path: path, folder: folder(of: path))
        case .noSuchFile:
            return CaptureError.noFileIn(path: path, folder: folder(of: path), reason: error.reason)
        default: return CaptureError.storage(error)
        }
    }

    /// The case that fits an error met while the capture at `path` was read.
    static func reading(_ error: any Error, path: String) -> any Error {
        guard let error = error as? HDF5Error else { return error }
        switch error.code {
        case .noSuchFile: return CaptureError.fileMissing(path: path)
        case .notHDF5: return CaptureError.notHDF5(path: path)
        case .truncated: return CaptureError.truncated(path: path)
        case .inUse: return CaptureError.inUse(path: path)
        case .isFolder: return CaptureError.isFolder(path: path)
        case .notFound, .wrongType:
            // "read attribute x of" wants an object, "open the group" has one.
            let action = error.action + (error.action.hasSuffix(" of") ? " it" : "")
            return CaptureError.inconsistent(
                path: path,
                object: error.object ?? "/",
                reason: "cannot \(action): \(error.reason)"
            )
        default: return CaptureError.storage(error)
        }
    }
}

/// The folder part of a path; `.` if it has none.
func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
}
