import Capture
import Foundation
import HDF5
import Inference
import TestSupport
import Testing

/// Inputs that a reader must refuse, each with what the message says.
@Suite struct RefusalTests {
    private func refusal(of path: String) throws -> CaptureError? {
        try captureError { _ = try CaptureFile(path: path) }
    }

    @Test func aMissingFileIsTold() throws {
        try withTemporaryFolder { folder in
            let error = try refusal(of: folder + "/none.h5")
            #expect(error == .fileMissing(path: folder + "/none.h5"))
            #expect(try refusal(of: folder) == .isFolder(path: folder))
        }
    }

    @Test(arguments: [0, 100, 100_000])
    func anotherKindOfFileIsNotHDF5(byteCount: Int) throws {
        try withTemporaryFolder { folder in
            let path = folder + "/text.h5"
            try Data(repeating: 65, count: byteCount).write(to: URL(filePath: path))
            let error = try refusal(of: path)
            #expect(error?.description.hasPrefix("\(path): is not an HDF5 file\n") == true)
        }
    }

    @Test func truncationAnywhereIsToldApartFromOtherFiles() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/capture.h5"
            try SyntheticCapture(layers: 1, headDim: 4).write(to: path)
            let whole = try Data(contentsOf: URL(filePath: path))
            for length in stride(from: 1024, to: whole.count, by: 1024) {
                let cut = folder + "/cut.h5"
                try whole.prefix(length).write(to: URL(filePath: cut))
                #expect(try refusal(of: cut) == .truncated(path: cut))
            }
        }
    }

    @Test func aFileOfAnotherProgramIsTold() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/other.h5"
            let file = try File.create(at: path)
            try file.root.attributes.write("title", .string("weather"))
            try file.close()
            let error = try refusal(of: path)
            #expect(error?.problem == "is an HDF5 file but not a capture: no attribute format")
            #expect(error?.expected == "the attribute format = \"kvatlas-capture\" at /")
        }
    }

    @Test func anotherFormatAndANewerVersionAreTold() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/other.h5"
            let file = try File.create(at: path)
            try file.root.attributes.write("format", .string("weather"))
            try file.close()
            #expect(try refusal(of: path)?.problem.hasSuffix("its attribute format is \"weather\"") == true)

            let newer = folder + "/newer.h5"
            let next = try File.create(at: newer)
            try next.root.attributes.write("format", .string("kvatlas-capture"))
            try next.root.attributes.write("format_version", .integer(2))
            try next.close()
            #expect(try refusal(of: newer) == .newerVersion(path: newer, version: 2, supported: 1))
        }
    }

    @Test func aMissingPartIsNamed() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/bare.h5"
            let file = try File.create(at: path)
            try file.root.attributes.write("format", .string("kvatlas-capture"))
            try file.root.attributes.write("format_version", .integer(1))
            try file.root.attributes.write("complete", .integer(1))
            try file.close()
            let error = try refusal(of: path)
            #expect(error?.problem.hasPrefix("/model does not fit the capture") == true, "\(String(describing: error))")
        }
    }

    @Test func anIncompleteCaptureIsRefusedUnlessAllowed() throws {
        try withTemporaryFolder { folder in
            let synthetic = SyntheticCapture(sequenceLengths: [40, 24])
            let path = folder + "/capture.h5"
            let recorder = try synthetic.makeRecorder(path: path)
            try synthetic.record(sequence: 0, into: recorder)
            let result = recorder.abandon()
            #expect(result?.tokens == 40)
            let error = try refusal(of: path + ".partial")
            #expect(error == .incomplete(path: path + ".partial", tokens: 40, announced: 40))
            #expect(error?.description.contains("40 tokens are there") == true)
            #expect(error?.description.contains("--allow-incomplete") == true)

            let capture = try CaptureFile(path: path + ".partial", allowIncomplete: true)
            #expect(!capture.isComplete && capture.tokenCount == 40)
            #expect(capture.sequences.map { $0.length } == [40])
        }
    }

    @Test func whatWasNotCapturedIsToldWithWhatWas() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/capture.h5"
            let synthetic = SyntheticCapture(layers: 12, headDim: 4, sequenceLengths: [3], tensors: [.key])
            let recorder = try CaptureRecorder(
                path: path,
                metadata: synthetic.metadata,
                tensors: [.key],
                layers: [0, 1, 2, 7]
            )
            try recorder.beginSequence(name: "s", tokens: [1], tokenTexts: ["a"])
            let row = [Float](repeating: 1, count: 8)
            for layer in [0, 1, 2, 7] {
                try recorder.record(.key, layer: layer, firstToken: 0, tokens: 1, heads: 2, headDim: 4, values: row)
            }
            try recorder.finish()
            let capture = try CaptureFile(path: path)
            let layer = try captureError { _ = try capture.readHalf(.key, layer: 5, tokens: 0..<1) }
            #expect(
                layer?.description == """
                    \(path): layer 5 was not captured; expected one of 0-2,7
                      capture it with: kvatlas capture --layers 0-2,5,7 …
                    """
            )
            let beyond = try captureError { _ = try capture.readHalf(.key, layer: 12, tokens: 0..<1) }
            #expect(beyond?.remedy == "the model has 12 layers, counted from 0")
            let tensor = try captureError { _ = try capture.readFloat(.value, layer: 7, tokens: 0..<1) }
            #expect(
                tensor?.description == """
                    \(path): value was not captured in layer 7; expected one of key
                      capture it with: kvatlas capture --tensors key,value …
                    """
            )
            let tokens = try captureError { _ = try capture.readHalf(.key, layer: 7, tokens: 0..<2) }
            #expect(tokens == .tokensOutOfRange(path: path, first: 0, end: 2, count: 1))
        }
    }

    @Test func aDamagedTensorIsToldWhenItIsRead() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/capture.h5"
            let synthetic = SyntheticCapture(layers: 1, sequenceLengths: [64], tensors: [.key])
            try synthetic.write(to: path)
            let bits = try CaptureFile(path: path).readHalf(.key, layer: 0, tokens: 0..<64)
            var bytes = try Data(contentsOf: URL(filePath: path))
            let stored = bits.withUnsafeBytes { Data($0.prefix(64)) }
            bytes[try #require(bytes.firstRange(of: stored)).lowerBound] ^= 4
            try bytes.write(to: URL(filePath: path))
            let capture = try CaptureFile(path: path)
            let error = try captureError { _ = try capture.readHalf(.key, layer: 0, tokens: 0..<1) }
            #expect(error?.description.contains("cannot read /layers/000/key") == true, "\(String(describing: error))")
        }
    }
}
