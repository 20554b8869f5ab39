import Capture
import Foundation
import HDF5
import Inference
import Kernels
import TestSupport
import Testing

/// What is left of a recording that does not reach its end.
@Suite struct InterruptionTests {
    private let synthetic = SyntheticCapture(
        layers: 2,
        heads: 2,
        kvHeads: 1,
        headDim: 16,
        sequenceLengths: [1024, 700],
        tensors: Set(CapturedTensor.allCases)
    )

    /// The state of the file that a killed process would leave: what has been handed to the system.
    ///
    /// Waits until the writer's thread has flushed `tokens` tokens.
    private func snapshot(
        of partial: String,
        in folder: String,
        tokens: Int,
        until isReached: (CaptureFile) throws -> Bool = { _ in true }
    ) throws -> CaptureFile {
        for attempt in 0..<500 {
            let copy = folder + "/copy-\(attempt).h5"
            try FileManager.default.copyItem(atPath: partial, toPath: copy)
            if let capture = try? CaptureFile(path: copy, allowIncomplete: true), capture.tokenCount >= tokens,
                (try? isReached(capture)) == true
            {
                return capture
            }
            Thread.sleep(forTimeInterval: 0.01)
        }
        throw CaptureError.incomplete(path: partial, tokens: 0, announced: tokens)
    }

    @Test func everyFlushedTokenIsThereAfterAKill() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/capture.h5"
            let recorder = try synthetic.makeRecorder(path: path)
            try synthetic.record(sequence: 0, into: recorder)
            let capture = try snapshot(of: recorder.partialPath, in: folder, tokens: 1024)
            #expect(!capture.isComplete)
            #expect(capture.sequences.map { $0.length } == [1024])
            let flushed = try File.open(at: capture.path).root.attributes.integer("flushed_tokens")
            #expect(flushed == 512 || flushed == 1024)
            for layer in 0..<2 {
                for tensor in CapturedTensor.allCases {
                    let row = capture.headCount(tensor) * 16
                    let expected = HalfConversion.toHalf(synthetic.values(tensor, layer: layer))
                    let actual = try capture.readHalf(tensor, layer: layer, tokens: 0..<1024)
                    #expect(actual == Array(expected[..<(1024 * row)]))
                }
            }
            #expect(try capture.readTokens(1020..<1024) == [252, 253, 254, 255])
            try synthetic.record(sequence: 1, into: recorder)
            #expect(try recorder.finish().tokens == 1724)
        }
    }

    @Test func onlyWholeChunksAreWrittenBeforeTheEnd() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/capture.h5"
            let recorder = try synthetic.makeRecorder(path: path)
            try synthetic.record(sequence: 0, into: recorder)
            try synthetic.record(sequence: 1, into: recorder)
            let capture = try snapshot(of: recorder.partialPath, in: folder, tokens: 1536)
            #expect(capture.tokenCount == 1536)
            #expect(capture.sequences.map { $0.tokens } == [0..<1024, 1024..<1536])
            let abandoned = recorder.abandon()
            #expect(abandoned?.tokens == 1724 && abandoned?.path == recorder.partialPath)
            let closed = try File.open(at: recorder.partialPath).root.attributes
            #expect(try closed.integer("flushed_tokens") == 1724)
            #expect(try closed.integer("complete") == 0)
        }
    }

    /// netCDF takes an axis to be as long as the longest dataset on it, and xarray shows zeros for rows that others lack.
    @Test func whatAKillInTheMiddleLeavesHasNoRowsThatWereNotWritten() throws {
        try withTemporaryFolder { folder in
            let recorder = try synthetic.makeRecorder(path: folder + "/capture.h5")
            try stopInLayer1(recorder, of: synthetic)
            // In the end, when the writer's thread rests.
            let columns = ["id", "sequence", "position", "text", "bytes_hex"].map { "tokens/" + $0 }
            let tensors = ["token"] + CapturedTensor.allCases.map { $0.rawValue }
            let capture = try snapshot(of: recorder.partialPath, in: folder, tokens: 512) { capture in
                try (["token"] + columns).allSatisfy { try rows(in: capture.path, $0) == 512 }
                    && tensors.allSatisfy { try rows(in: capture.path, "layers/000/" + $0) == 1024 }
                    && tensors.allSatisfy { try rows(in: capture.path, "layers/001/" + $0) == 512 }
            }
            #expect(capture.tokenCount == 512 && capture.announcedTokens == 3840)
            #expect(try File.open(at: capture.path).root.attributes.integer("flushed_tokens") == 512)
            let error = try captureError { _ = try CaptureFile(path: capture.path) }
            #expect(error?.problem.hasSuffix("512 of 3840 tokens are there") == true)
            // Of layer 1, queries had come and keys had not: they go with the recording.
            #expect(recorder.abandon()?.tokens == 512)
            #expect(try rows(in: recorder.partialPath, "layers/001/query") == 512)
        }
    }

    private func rows(in path: String, _ name: String) throws -> Int? {
        try File.open(at: path).root.dataset(name).shape.first
    }

    @Test func layersThatLagBehindLimitTheTokens() throws {
        try withTemporaryFolder { folder in
            let recorder = try synthetic.makeRecorder(path: folder + "/capture.h5")
            try synthetic.record(sequence: 0, into: recorder)
            let ids = [Int32](repeating: 1, count: 700)
            try recorder.beginSequence(name: "t", tokens: ids, tokenTexts: ids.map { _ in "t" })
            let values = [Float](repeating: 1, count: 512 * 16)
            try recorder.record(.key, layer: 0, firstToken: 0, tokens: 512, heads: 1, headDim: 16, values: values)
            #expect(recorder.abandon()?.tokens == 1024)
            let capture = try CaptureFile(path: recorder.partialPath, allowIncomplete: true)
            #expect(capture.tokenCount == 1024)
            #expect(capture.sequences.map { $0.length } == [1024])
        }
    }

    @Test func aRecorderThatIsDroppedClosesItsFile() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/capture.h5"
            do {
                let recorder = try synthetic.makeRecorder(path: path)
                try synthetic.record(sequence: 0, into: recorder)
            }
            let capture = try CaptureFile(path: path + ".partial", allowIncomplete: true)
            #expect(!capture.isComplete && capture.tokenCount == 1024)
            #expect(!FileManager.default.fileExists(atPath: path))
        }
    }

    @Test func abandoningFromAnotherThreadStopsTheRecording() throws {
        try withTemporaryFolder { folder in
            let recorder = try synthetic.makeRecorder(path: folder + "/capture.h5")
            try synthetic.record(sequence: 0, into: recorder)
            let thread = Thread { recorder.abandon() }
            thread.start()
            let error = try captureError {
                for _ in 0..<10_000 {
                    let index = 1
                    try synthetic.record(sequence: index, into: recorder)
                }
            }
            #expect(error == .stopped(path: recorder.partialPath))
            #expect(try !CaptureFile(path: recorder.partialPath, allowIncomplete: true).isComplete)
        }
    }
}
