import Capture
import Foundation
import Inference
import Kernels
import TensorCore
import TestSupport
import Testing

@Suite struct ScanTests {
    private func synthetic(_ type: ElementType = .float16) -> SyntheticCapture {
        SyntheticCapture(
            layers: 2,
            heads: 3,
            kvHeads: 1,
            headDim: 7,
            sequenceLengths: [600, 1, 500],
            elementType: type
        )
    }

    /// All elements of some tokens, as they were handed out.
    private func scanned(_ scan: CaptureScan, _ tokens: Range<Int>) throws -> (halves: [UInt16], floats: [Float]) {
        var (halves, floats) = ([UInt16](), [Float]())
        var next = tokens.lowerBound
        try scan.forEachRun(of: tokens) { elements, run in
            #expect(run.lowerBound == next)
            next = run.upperBound
            switch elements {
            case .half(let elements):
                #expect(elements.count == run.count * scan.width)
                halves += elements
            case .float(let elements): floats += elements
            }
        }
        #expect(next == tokens.upperBound)
        return (halves, floats)
    }

    @Test(arguments: [0..<1101, 0..<0, 511..<513, 512..<1024, 1100..<1101, 3..<900])
    func elementsAreThoseThatHDF5Reads(tokens: Range<Int>) throws {
        try withTemporaryFolder { folder in
            for type in [ElementType.float16, .float32] {
                try synthetic(type).write(to: folder + "/c.h5", overwrite: true)
                let capture = try CaptureFile(path: folder + "/c.h5")
                for tensor in [CapturedTensor.query, .key] {
                    let scan = try capture.scan(tensor, layer: 1)
                    #expect(scan.isDirect)
                    let found = try scanned(scan, tokens)
                    if type == .float16 {
                        #expect(found.halves == (try capture.readHalf(tensor, layer: 1, tokens: tokens)))
                    } else {
                        #expect(found.floats == (try capture.readFloat(tensor, layer: 1, tokens: tokens)))
                    }
                }
            }
        }
    }

    @Test func aCaptureThatWasCutShortIsReadThroughHDF5() throws {
        try withTemporaryFolder { folder in
            let recorder = try synthetic().makeRecorder(path: folder + "/c.h5", overwrite: false)
            try synthetic().record(sequence: 0, into: recorder)
            recorder.abandon()
            let capture = try CaptureFile(path: folder + "/c.h5.partial", allowIncomplete: true)
            let scan = try capture.scan(.key, layer: 0)
            #expect(!scan.isDirect)
            let tokens = 0..<capture.tokenCount
            #expect(try scanned(scan, tokens).halves == (try capture.readHalf(.key, layer: 0, tokens: tokens)))
        }
    }

    @Test func aChangedByteNamesFileDatasetAndChunk() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/c.h5"
            try synthetic().write(to: path)
            let halves = HalfConversion.toHalf(synthetic().values(.value, layer: 1))
            // A run of the second chunk, which begins at token 512.
            let pattern = halves[(600 * 7)..<(610 * 7)].withUnsafeBytes { Data($0) }
            var bytes = try Data(contentsOf: URL(filePath: path))
            let place = try #require(bytes.firstRange(of: pattern)).lowerBound
            bytes[place] ^= 4
            try bytes.write(to: URL(filePath: path))
            let capture = try CaptureFile(path: path)
            let scan = try capture.scan(.value, layer: 1)
            #expect(try scanned(scan, 0..<512).halves == Array(halves[..<(512 * 7)]))
            let error = try captureError { _ = try scanned(scan, 0..<1101) }
            let text = "\(String(describing: error))"
            for part in [path, "/layers/001/value", "chunk 1", "rows 512 to 1023", "checksum"] {
                #expect(text.contains(part), "\(part) in \(text)")
            }
            // HDF5 agrees.
            #expect(try captureError { _ = try capture.readHalf(.value, layer: 1, tokens: 512..<513) } != nil)
        }
    }

    @Test func tokensThatAreNotThereAreRefused() throws {
        try withTemporaryFolder { folder in
            try synthetic().write(to: folder + "/c.h5")
            let capture = try CaptureFile(path: folder + "/c.h5")
            let scan = try capture.scan(.key, layer: 0)
            #expect(try captureError { _ = try scanned(scan, 1000..<1102) } != nil)
            #expect(try captureError { _ = try capture.scan(.key, layer: 2) } != nil)
            #expect(try captureError { _ = try capture.scan(.keyPreRope, layer: 0) } != nil)
        }
    }

    @Test func aGeneratedCaptureSaysSoAndDependsOnItsSeed() throws {
        try withTemporaryFolder { folder in
            func elements(_ seed: UInt64, _ name: String) throws -> [UInt16] {
                let generated = GeneratedCapture(
                    layers: 2,
                    heads: 2,
                    kvHeads: 1,
                    headDim: 66,
                    tokens: 700,
                    seed: seed
                )
                try generated.write(to: "\(folder)/\(name).h5")
                let capture = try CaptureFile(path: "\(folder)/\(name).h5")
                #expect(capture.metadata.name == "generated" && capture.tokenCount == 700)
                #expect(capture.tensorsPresent == [.key, .value])
                return try capture.readHalf(.key, layer: 1, tokens: 0..<700)
            }
            let first = try elements(1, "a")
            #expect(try elements(1, "b") == first)
            #expect(try elements(2, "c") != first)
        }
    }
}
