import Capture
import Foundation
import Inference
import Kernels
import TestSupport
import Testing

/// What is in a capture file against a float64 forward pass in numpy (`Tests/Fixtures/inference/reference_forward.py`).
///
/// The whole way: model, recorder, float16 in the file, reader.
@Suite struct ReferenceCaptureTests {
    private struct Reference: Decodable {
        struct Array: Decodable {
            let layer: Int
            let tensor: CapturedTensor
            let shape: [Int]
        }
        let tokens: [Int32]
        let arrays: [Array]
    }

    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    private static let modelPath =
        (ProcessInfo.processInfo.environment["KVATLAS_MODELS"] ?? root.appending(path: "data/models").path)
        + "/SmolLM2-135M-Instruct.Q4_1.gguf"

    @Test(.enabled(if: FileManager.default.fileExists(atPath: modelPath)))
    func capturedTensorsEqualFloat64Maths() throws {
        let fixtures = Self.root.appending(path: "Tests/Fixtures/inference")
        let reference = try JSONDecoder().decode(
            Reference.self,
            from: Data(contentsOf: fixtures.appending(path: "smollm2-135m-reference.json"))
        )
        let expected = try Data(contentsOf: fixtures.appending(path: "smollm2-135m-reference.bin"))
            .withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
        try withTemporaryFolder { folder in
            try record(reference.tokens, layers: reference.arrays.map { $0.layer }, to: folder + "/capture.h5")
            let capture = try CaptureFile(path: folder + "/capture.h5")
            #expect(capture.elementType == .float16)
            let all = 0..<reference.tokens.count
            #expect(try capture.readTokens(all) == reference.tokens)
            var offset = 0
            for array in reference.arrays {
                let count = array.shape.reduce(1, *)
                let floats = try capture.readFloat(array.tensor, layer: array.layer, tokens: all)
                let halves = try capture.readHalf(array.tensor, layer: array.layer, tokens: all)
                #expect(HalfConversion.toFloat(halves) == floats)
                #expect([all.count, capture.headCount(array.tensor), capture.metadata.headDim] == array.shape)
                compare(floats, expected[offset..<offset + count], "layer \(array.layer) \(array.tensor.rawValue)")
                offset += count
            }
            #expect(offset == expected.count)
            #expect(Set(reference.arrays.map { $0.tensor }) == Set(CapturedTensor.allCases))
        }
    }

    /// Within float16 rounding, 2⁻¹¹ relative, plus 2e-3 relative, plus a floor of 1e-4 of the tensor's root mean square.
    ///
    /// The floor is for elements near zero: they are sums whose large terms cancel, and the error of a float32 sum is
    /// proportional to its terms, of which the root mean square tells the size, not to what is left of them.
    private func compare(_ found: [Float], _ expected: ArraySlice<Float>, _ what: String) {
        #expect(found.count == expected.count)
        let square = expected.reduce(0.0) { $0 + Double($1) * Double($1) }
        let floor = 1e-4 * (square / Double(expected.count)).squareRoot()
        let excess = zip(found, expected).map { found, expected in
            abs(Double(found) - Double(expected)) / ((0x1p-11 + 2e-3) * abs(Double(expected)) + floor)
        }
        let worst = excess.max() ?? 0
        print("\(what): at most \(worst) of the budget")
        #expect(excess.allSatisfy { $0 <= 1 }, "\(what): \(worst) times the budget")
    }

    private func record(_ tokens: [Int32], layers: [Int], to path: String) throws {
        let model = try LanguageModel(path: Self.modelPath)
        let recorder = try CaptureRecorder(
            path: path,
            metadata: metadata(of: model, command: "reference"),
            tensors: Set(CapturedTensor.allCases),
            layers: layers,
            elementType: .float16
        )
        let pieces = tokens.map { model.tokenizer.tokenBytes($0) }
        try recorder.beginSequence(name: "reference", tokens: tokens, tokenBytes: pieces)
        let cache = model.makeCache(capacity: tokens.count)
        try model.forward(tokens, cache: cache, logits: .none, tap: recorder)
        try recorder.finish()
    }
}
