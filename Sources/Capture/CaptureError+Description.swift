import TensorCore

extension CaptureError {
    public var location: String? {
        switch self {
        case .noSuchLayer, .nothingChosen, .unsupportedElementType: nil
        case .storage(let error): error.path
        case .outputExists(let path), .partialExists(let path), .folderMissing(let path, _),
            .folderNotWritable(let path, _), .noFileIn(let path, _, _), .isFolder(let path), .diskFull(let path, _),
            .unexpectedTokens(let path, _, _, _, _, _), .unexpectedShape(let path, _, _, _, _),
            .tokensMissing(let path, _, _, _), .nothingRecorded(let path), .stopped(let path),
            .cannotRename(let path, _, _), .fileMissing(let path), .notHDF5(let path), .truncated(let path),
            .inUse(let path), .notCapture(let path, _), .newerVersion(let path, _, _), .incomplete(let path, _, _),
            .inconsistent(let path, _, _), .layerAbsent(let path, _, _, _), .tensorAbsent(let path, _, _, _),
            .tokensOutOfRange(let path, _, _, _):
            path
        }
    }

    public var problem: String {
        switch self {
        case .outputExists: "the file exists already"
        case .partialExists: "the partial capture of an earlier run is in the way"
        case .folderMissing(_, let folder): "the folder \(folder) does not exist"
        case .folderNotWritable(_, let folder): "the folder \(folder) is not writable"
        case .noFileIn(_, let folder, let reason): "the system makes no file in the folder \(folder): \(reason)"
        case .isFolder: "it is a folder, not a file"
        case .noSuchLayer(let layer, _): "there is no layer \(layer)"
        case .nothingChosen(let what): "no \(what) chosen for the capture"
        case .unsupportedElementType(let type): "a capture cannot hold elements of type \(type.rawValue)"
        case .diskFull(_, let tokens): "the disk is full; \(tokens) tokens were written"
        case .unexpectedTokens(_, let tensor, let first, let count, let expected, _):
            "\(tensor): received \(count) tokens from \(first), after \(expected) tokens of the sequence"
        case .unexpectedShape(_, let tensor, let heads, let headDim, _):
            "\(tensor): received \(heads) heads of \(headDim) channels"
        case .tokensMissing(_, let tensor, let recorded, let announced):
            "\(tensor) received \(recorded) of the last sequence's \(announced) tokens"
        case .nothingRecorded: "no token was recorded"
        case .stopped: "the recording was stopped"
        case .cannotRename(let from, let to, let reason): "cannot rename \(from) to \(to): \(reason)"
        case .fileMissing: "there is no such file"
        case .notHDF5: "is not an HDF5 file"
        case .truncated: "is a truncated HDF5 file, shorter than its header says"
        case .inUse: "another program is writing it"
        case .notCapture(_, let reason): "is an HDF5 file but not a capture: \(reason)"
        case .newerVersion(_, let version, _): "is a capture of format version \(version)"
        case .incomplete(_, let tokens, let announced):
            "is incomplete: its recording was stopped, and \(tokens) "
                + (announced > tokens ? "of \(announced) tokens are there" : "tokens are there")
        case .inconsistent(_, let object, let reason): "\(object) does not fit the capture: \(reason)"
        case .layerAbsent(_, let layer, _, _): "layer \(layer) was not captured"
        case .tensorAbsent(_, let tensor, let layer, _): "\(tensor.rawValue) was not captured in layer \(layer)"
        case .tokensOutOfRange(_, let first, let end, _): "there are no tokens \(first)..<\(end)"
        case .storage(let error): "cannot \(error.action)\(error.object.map { " " + $0 } ?? ""): \(error.reason)"
        }
    }

    public var expected: String? {
        switch self {
        case .noSuchLayer(_, let layers): "0 to \(layers - 1), since the model has \(layers) layers"
        case .nothingChosen(let what): "at least one of the \(what)"
        case .unsupportedElementType: "f16 or f32"
        case .unexpectedTokens(_, _, _, _, let first, let length): "tokens from \(first) to at most \(length - 1)"
        case .unexpectedShape(_, _, _, _, let expected): expected
        case .notCapture: "the attribute format = \"\(CaptureSchema.format)\" at /"
        case .newerVersion(_, _, let supported): "version \(supported) or older"
        case .layerAbsent(_, _, let present, _): "one of \(ranges(present))"
        case .tensorAbsent(_, _, _, let present): "one of \(present.map { $0.rawValue }.joined(separator: ", "))"
        case .tokensOutOfRange(_, _, _, let count): "tokens within 0..<\(count)"
        default: nil
        }
    }

    public var remedy: String? {
        switch self {
        case .outputExists: "choose another --out, or pass --overwrite"
        case .partialExists:
            "read it with --allow-incomplete, remove it, choose another --out, or pass --overwrite"
        case .folderMissing(_, let folder): "make it with: mkdir -p \(folder)"
        case .noFileIn: "choose an --out in another folder"
        case .folderNotWritable: "choose an --out in a folder that you own, or change its permissions"
        case .isFolder: "give the name of a file in it, such as capture.h5"
        case .diskFull(let path, _):
            "free space, or choose an --out on another disk; remove \(path) if those tokens are of no use"
        case .unexpectedTokens, .unexpectedShape, .tokensMissing:
            "this is a fault of the program that records, not of your input; please report it"
        case .nothingRecorded: "the texts gave no token: pass a --text that is not empty"
        case .fileMissing: "check the spelling, or make one with: kvatlas capture"
        case .notHDF5: "give a capture made by: kvatlas capture (a model is a .gguf file or a folder with config.json)"
        case .truncated: "copy or download it again, or capture anew"
        case .inUse: "wait until that program ends, or stop it"
        case .notCapture: "give a capture made by: kvatlas capture"
        case .newerVersion: "it was made by a newer kvatlas: update this one"
        case .incomplete(_, let tokens, _):
            tokens > 0 ? "use what is there with --allow-incomplete, or capture anew" : "capture anew"
        case .inconsistent: "the file was changed or is damaged: capture anew"
        case .layerAbsent(_, let layer, let present, let modelLayers):
            layer >= 0 && layer < modelLayers
                ? "capture it with: kvatlas capture --layers \(ranges((present + [layer]).sorted())) …"
                : "the model has \(modelLayers) layers, counted from 0"
        case .tensorAbsent(_, let tensor, _, let present):
            "capture it with: kvatlas capture --tensors "
                + (present + [tensor]).map { $0.rawValue }.joined(separator: ",") + " …"
        case .storage(let error): error.remedy
        case .noSuchLayer, .nothingChosen, .unsupportedElementType, .stopped, .cannotRename, .tokensOutOfRange: nil
        }
    }
}

/// `0-3,7`: numbers in rising order, written as the command line takes them.
func ranges(_ numbers: [Int]) -> String {
    var parts: [ClosedRange<Int>] = []
    for number in numbers {
        if let last = parts.last, number == last.upperBound + 1 {
            parts[parts.count - 1] = last.lowerBound...number
        } else {
            parts.append(number...number)
        }
    }
    return parts.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
        .joined(separator: ",")
}
