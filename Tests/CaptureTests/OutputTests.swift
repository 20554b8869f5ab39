import Capture
import Foundation
import HDF5
import Inference
import Kernels
import TensorCore
import TestSupport
import Testing

/// Outputs that a recorder must refuse at its start, and those that fail later.
@Suite struct OutputTests {
    private let synthetic = SyntheticCapture(layers: 1, headDim: 8, sequenceLengths: [20])

    private func startError(_ path: String, overwrite: Bool = false) throws -> CaptureError? {
        try captureError { try synthetic.makeRecorder(path: path, overwrite: overwrite).abandon() }
    }

    @Test func nothingExistingIsOverwrittenUntold() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/capture.h5"
            try synthetic.write(to: path)
            let before = try Data(contentsOf: URL(filePath: path))
            let error = try startError(path)
            #expect(
                error?.description == "\(path): the file exists already\n  choose another --out, or pass --overwrite"
            )
            #expect(try Data(contentsOf: URL(filePath: path)) == before)
            #expect(!FileManager.default.fileExists(atPath: path + ".partial"))

            var other = synthetic
            other.seed = 2
            try other.write(to: path, overwrite: true)
            #expect(try Data(contentsOf: URL(filePath: path)) != before)
        }
    }

    @Test func theOldFileStaysUntilTheNewOneIsWhole() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/capture.h5"
            try synthetic.write(to: path)
            let before = try Data(contentsOf: URL(filePath: path))
            let recorder = try synthetic.makeRecorder(path: path, overwrite: true)
            try synthetic.record(sequence: 0, into: recorder)
            recorder.abandon()
            #expect(try Data(contentsOf: URL(filePath: path)) == before)
        }
    }

    @Test func aPartialFileInTheWayIsKept() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/capture.h5"
            let recorder = try synthetic.makeRecorder(path: path)
            try synthetic.record(sequence: 0, into: recorder)
            recorder.abandon()
            #expect(try startError(path) == .partialExists(path: path + ".partial"))
            #expect(try CaptureFile(path: path + ".partial", allowIncomplete: true).tokenCount == 20)
            try synthetic.write(to: path, overwrite: true)
            #expect(!FileManager.default.fileExists(atPath: path + ".partial"))
        }
    }

    @Test func impossibleOutputsAreToldAtTheStart() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/none/capture.h5"
            #expect(try startError(path) == .folderMissing(path: path, folder: folder + "/none"))
            #expect(try startError(folder) == .isFolder(path: folder))
            try "text".write(toFile: folder + "/file", atomically: true, encoding: .utf8)
            let below = folder + "/file/capture.h5"
            #expect(try startError(below) == .folderMissing(path: below, folder: folder + "/file"))
        }
    }

    @Test(.enabled(if: getuid() == 0 && FileManager.default.fileExists(atPath: "/proc/self")))
    func aFolderThatTakesNoFileIsToldWithTheSystemsReason() throws {
        let error = try startError("/proc/capture.h5")
        let reason = String(cString: strerror(ENOENT))
        #expect(
            error?.description == """
                /proc/capture.h5.partial: the system makes no file in the folder /proc: \(reason)
                  choose an --out in another folder
                """
        )
    }

    @Test func aFolderThatIsNotWritableIsToldAtTheStart() throws {
        func check(_ folder: String) throws {
            let path = folder + "/capture.h5"
            #expect(try startError(path) == .folderNotWritable(path: path, folder: folder))
        }
        if getuid() != 0 {
            try withTemporaryFolder { folder in
                try FileManager.default.setAttributes([.posixPermissions: 0o555], ofItemAtPath: folder)
                try check(folder)
            }
        } else if canMount {
            // Permissions do not hold for root, a read-only file system does.
            try withTemporaryFileSystem("size=64k,ro") { try check($0) }
        }
    }

    @Test(.enabled(if: canMount, "this user may not mount a small file system"))
    func aFullDiskIsToldAndNothingPretendsToBeWhole() throws {
        try withTemporaryFileSystem("size=8m") { folder in
            let path = folder + "/capture.h5"
            let large = SyntheticCapture(layers: 2, heads: 4, kvHeads: 4, headDim: 64, sequenceLengths: [4096])
            let error = try captureError { try large.write(to: path) }
            guard case .diskFull(let place, let tokens) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(place == path + ".partial" && tokens >= 512 && tokens < 4096)
            #expect(
                error?.description.contains("the disk is full; \(tokens) tokens were written\n  free space") == true
            )
            #expect(!FileManager.default.fileExists(atPath: path))
            // In a scope of its own, since an open file keeps its space.
            do {
                let partial = try CaptureFile(path: place, allowIncomplete: true)
                #expect(!partial.isComplete && partial.tokenCount >= tokens)
                let expected = HalfConversion.toHalf(large.values(.value, layer: 1))[..<(tokens * 4 * 64)]
                #expect(try partial.readHalf(.value, layer: 1, tokens: 0..<tokens) == Array(expected))
            }
            // The file is closed: it can be replaced at once.
            try FileManager.default.removeItem(atPath: path + ".partial")
            try synthetic.write(to: path)
        }
    }

    @Test(.enabled(if: canMount, "this user may not mount a small file system"))
    func theEndTellsAFullDiskToo() throws {
        try withTemporaryFileSystem("size=8m") { folder in
            let large = SyntheticCapture(layers: 2, heads: 4, kvHeads: 4, headDim: 64, sequenceLengths: [4096])
            let recorder = try large.makeRecorder(path: folder + "/capture.h5")
            let first = try captureError { try large.record(sequence: 0, into: recorder) }
            let last = try captureError { try recorder.finish() }
            guard case .diskFull = last else {
                Issue.record("\(String(describing: last))")
                return
            }
            #expect(first == nil || first == last)
        }
    }

    @Test(.enabled(if: canMount, "this user may not mount a small file system"))
    func aDiskThatIsFullFromTheStartIsTold() throws {
        try withTemporaryFileSystem("size=8k") { folder in
            let path = folder + "/capture.h5"
            let error = try captureError { try synthetic.write(to: path) }
            #expect(error == .diskFull(path: path + ".partial", tokens: 0), "\(String(describing: error))")
        }
    }

    private func choiceError(
        _ path: String,
        _ tensors: Set<CapturedTensor>,
        _ layers: [Int],
        _ type: ElementType
    ) throws -> String? {
        let error = try captureError {
            _ = try CaptureRecorder(
                path: path,
                metadata: synthetic.metadata,
                tensors: tensors,
                layers: layers,
                elementType: type
            )
        }
        return error?.description
    }

    @Test func choicesThatMakeNoCaptureAreTold() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/capture.h5"
            let noTensor = try choiceError(path, [], [0], .float16)
            #expect(noTensor == "no tensors chosen for the capture; expected at least one of the tensors")
            let noLayer = try choiceError(path, [.key], [], .float16)
            #expect(noLayer == "no layers chosen for the capture; expected at least one of the layers")
            let layer = try choiceError(path, [.key], [0, 1], .float16)
            #expect(layer == "there is no layer 1; expected 0 to 0, since the model has 1 layers")
            let type = try choiceError(path, [.key], [0], .q4_0)
            #expect(type == "a capture cannot hold elements of type q4_0; expected f16 or f32")
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [])
        }
    }

    @Test func tokensThatDoNotFollowAreTold() throws {
        try withTemporaryFolder { folder in
            let recorder = try synthetic.makeRecorder(path: folder + "/capture.h5")
            let row = [Float](repeating: 1, count: 64)
            func record(_ first: Int, _ count: Int, heads: Int = 2) throws -> CaptureError? {
                try captureError {
                    try recorder.record(
                        .key,
                        layer: 0,
                        firstToken: first,
                        tokens: count,
                        heads: heads,
                        headDim: 8,
                        values: row
                    )
                }
            }
            guard case .unexpectedTokens = try record(0, 1) else {
                Issue.record("tokens without a sequence were accepted")
                return
            }
            try recorder.beginSequence(name: "s", tokens: [1, 2], tokenTexts: ["a", "b"])
            guard case .unexpectedShape = try record(0, 1, heads: 4) else {
                Issue.record("a wrong number of heads was accepted")
                return
            }
            #expect(try record(0, 1) == nil)
            guard case .unexpectedTokens = try record(0, 1), case .unexpectedTokens = try record(1, 2) else {
                Issue.record("tokens that do not follow were accepted")
                return
            }
            guard case .tokensMissing = try captureError({ try recorder.finish() }) else {
                Issue.record("a sequence that lacks tokens was finished")
                return
            }
            #expect(try record(1, 1) == .stopped(path: folder + "/capture.h5.partial"))
            #expect(recorder.abandon() == nil)
        }
    }

    @Test func aRecordingOfNothingLeavesNothing() throws {
        try withTemporaryFolder { folder in
            let recorder = try synthetic.makeRecorder(path: folder + "/capture.h5")
            let error = try captureError { try recorder.finish() }
            #expect(error == .nothingRecorded(path: folder + "/capture.h5.partial"))
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [])
        }
    }
}
