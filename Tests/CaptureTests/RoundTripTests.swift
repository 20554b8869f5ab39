import Capture
import Foundation
import Inference
import Kernels
import TensorCore
import TestSupport
import Testing

@Suite struct RoundTripTests {
    @Test func elementsComeBackAsRoundedOnce() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/capture.h5"
            let synthetic = SyntheticCapture(
                sequenceLengths: [700, 33],
                tensors: Set(CapturedTensor.allCases),
                outliers: [.init(.key, head: 1, channel: 7, factor: 80)]
            )
            try synthetic.write(to: path)
            let capture = try CaptureFile(path: path)
            #expect(capture.isComplete)
            #expect(capture.tokenCount == 733)
            #expect(capture.tensorsPresent == CapturedTensor.allCases)
            #expect(capture.layersPresent == [0, 1])
            #expect(capture.metadata == synthetic.metadata)
            #expect(capture.elementType == .float16)
            #expect(capture.headCount(.query) == 4 && capture.headCount(.key) == 2)
            for layer in 0..<2 {
                for tensor in CapturedTensor.allCases {
                    let expected = HalfConversion.toHalf(synthetic.values(tensor, layer: layer))
                    #expect(try capture.readHalf(tensor, layer: layer, tokens: 0..<733) == expected)
                    let row = capture.headCount(tensor) * 32
                    let part = HalfConversion.toFloat(Array(expected[511 * row..<701 * row]))
                    #expect(try capture.readFloat(tensor, layer: layer, tokens: 511..<701) == part)
                }
            }
        }
    }

    @Test func whatLayersSeeAndHowTheyTurnComesBack() throws {
        try withTemporaryFolder { folder in
            var synthetic = SyntheticCapture(layers: 3, headDim: 8, sequenceLengths: [4])
            synthetic.attention = AttentionLayout(
                scale: 0.3,
                rotations: [
                    RotaryEmbedding(base: 1e6), RotaryEmbedding(base: 1e4, frequencyDivisors: [1, 1.5, 3.7, 8]),
                ],
                layers: [
                    AttentionReach(window: 512, rotation: 1), AttentionReach(window: nil, rotation: 0),
                    AttentionReach(window: 1, rotation: 1),
                ]
            )
            try synthetic.write(to: folder + "/a.h5")
            let capture = try CaptureFile(path: folder + "/a.h5")
            #expect(capture.metadata == synthetic.metadata)
            #expect(capture.metadata.attention?.rotation(layer: 2).frequencyDivisors == [1, 1.5, 3.7, 8])
        }
    }

    @Test(arguments: [1...33, 511...513])
    func anyLengthComesBack(lengths: ClosedRange<Int>) throws {
        try withTemporaryFolder { folder in
            for length in lengths {
                let path = folder + "/\(length).h5"
                let synthetic = SyntheticCapture(
                    layers: 1,
                    heads: 2,
                    kvHeads: 1,
                    headDim: 4,
                    sequenceLengths: [length, 1, length]
                )
                try synthetic.write(to: path)
                let capture = try CaptureFile(path: path)
                #expect(
                    capture.sequences.map { $0.tokens } == [
                        0..<length, length..<length + 1, length + 1..<2 * length + 1,
                    ]
                )
                let all = 0..<2 * length + 1
                for tensor in [CapturedTensor.query, .key, .value] {
                    let expected = HalfConversion.toHalf(synthetic.values(tensor, layer: 0))
                    #expect(try capture.readHalf(tensor, layer: 0, tokens: all) == expected)
                    #expect(try capture.readHalf(tensor, layer: 0, tokens: length..<length) == [])
                }
                let positions = Array(0..<length) + [0] + Array(0..<length)
                #expect(try capture.readPositions(all) == positions)
                #expect(try capture.readTokens(all) == all.map { Int32($0 % 256) })
            }
        }
    }

    @Test func float32IsKeptExactly() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/capture.h5"
            let synthetic = SyntheticCapture(
                sequenceLengths: [40],
                elementType: .float32,
                outliers: [.init(.key, head: 0, channel: 0, factor: 1e9)]
            )
            let result = try synthetic.write(to: path)
            #expect(result.warnings == [])
            let capture = try CaptureFile(path: path)
            #expect(capture.elementType == .float32)
            let values = synthetic.values(.key, layer: 1)
            #expect(try capture.readFloat(.key, layer: 1, tokens: 0..<40) == values)
            #expect(try capture.readHalf(.key, layer: 1, tokens: 0..<40) == HalfConversion.toHalf(values))
        }
    }

    @Test func specialValuesAreKeptAndOverflowIsCounted() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/capture.h5"
            let synthetic = SyntheticCapture(layers: 1, heads: 1, kvHeads: 1, headDim: 8, tensors: [.value])
            let recorder = try synthetic.makeRecorder(path: path)
            // 65519.99… rounds down to 65504; 65520 is the first that overflows.
            let row: [Float] = [0, -0.0, .infinity, -.infinity, .nan, 65519, 65520, -1e30]
            try recorder.beginSequence(name: "s", tokens: [1, 2], tokenTexts: ["a", "b"])
            for token in 0..<2 {
                try recorder.record(.value, layer: 0, firstToken: token, tokens: 1, heads: 1, headDim: 8, values: row)
            }
            let result = try recorder.finish()
            #expect(result.overflowed == ["layers/000/value": 4])
            #expect(
                result.warnings == [
                    "layers/000/value: 4 values beyond ±65504 stored as infinity; "
                        + "capture with --element-type f32 to keep them"
                ]
            )
            let bits = try CaptureFile(path: path).readHalf(.value, layer: 0, tokens: 1..<2)
            #expect(bits[..<4] == [0x0000, 0x8000, 0x7C00, 0xFC00])
            #expect(bits[4] & 0x7C00 == 0x7C00 && bits[4] & 0x03FF != 0)
            #expect(bits[5...] == [0x7BFF, 0x7C00, 0xFC00])
            let summary = try CaptureSummary(path: path)
            #expect(summary.datasets.first { $0.path == "/layers/000/value" }?.attributes == ["overflowed": "4"])
        }
    }

    @Test func piecesThatAreNotTextKeepTheirBytes() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/capture.h5"
            let synthetic = SyntheticCapture(layers: 1, heads: 1, kvHeads: 1, headDim: 2, tensors: [.key])
            let recorder = try synthetic.makeRecorder(path: path)
            let pieces: [[UInt8]] = [Array("größe".utf8), [0xE2, 0x82], [0], []]
            try recorder.beginSequence(name: "s", tokens: [1, 2, 3, 4], tokenBytes: pieces)
            try recorder.record(
                .key,
                layer: 0,
                firstToken: 0,
                tokens: 4,
                heads: 1,
                headDim: 2,
                values: [Float](repeating: 1, count: 8)
            )
            try recorder.finish()
            let capture = try CaptureFile(path: path)
            #expect(try capture.readTexts(0..<4) == ["größe", "\u{FFFD}", "\u{FFFD}", ""])
            #expect(try capture.readBytes(0..<4) == pieces)
        }
    }

    @Test func onlyWhatWasChosenIsInTheFile() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/capture.h5"
            var synthetic = SyntheticCapture(layers: 1200, heads: 1, kvHeads: 1, headDim: 2, tensors: [.value])
            synthetic.sequenceLengths = [1]
            let recorder = try CaptureRecorder(
                path: path,
                metadata: synthetic.metadata,
                tensors: [.value],
                layers: [1003, 7, 7]
            )
            #expect(recorder.wants(.value, layer: 7) && recorder.wants(.value, layer: 1003))
            #expect(!recorder.wants(.key, layer: 7) && !recorder.wants(.value, layer: 8))
            try recorder.beginSequence(name: "s", tokens: [1], tokenTexts: ["a"])
            for layer in [7, 8, 1003] {
                try recorder.record(
                    .value,
                    layer: layer,
                    firstToken: 0,
                    tokens: 1,
                    heads: 1,
                    headDim: 2,
                    values: [1, 2]
                )
            }
            try recorder.finish()
            let capture = try CaptureFile(path: path)
            #expect(capture.layersPresent == [7, 1003])
            #expect(capture.tensorsPresent == [.value])
            #expect(try !CaptureSummary(path: path).datasets.contains { $0.path == "/head" })
        }
    }
}
