import Foundation
import Inference
import Testing

/// Taps and logits against a float64 forward pass in numpy (`Tests/Fixtures/inference/reference_forward.py`).
struct ReferenceForwardTests {
    private struct Reference: Decodable {
        struct Array: Decodable {
            let layer: Int
            let tensor: CapturedTensor
            let shape: [Int]
        }
        struct TopLogits: Decodable {
            let position: Int
            let ids: [Int32]
            let logits: [Double]
        }
        let text: String
        let tokens: [Int32]
        let arrays: [Array]
        let logits_standard_deviation: Double
        let top_logits: [TopLogits]
    }

    @Test(.enabled(if: TestModels.exists(TestModels.smolLM2)))
    func llamaEqualsFloat64Maths() throws {
        try check(TestModels.smolLM2, fixture: "smollm2-135m")
    }

    @Test(.enabled(if: TestModels.exists(TestModels.qwen)))
    func qwen2EqualsFloat64Maths() throws {
        try check(TestModels.qwen, fixture: "qwen2.5-coder-0.5b")
    }

    private func check(_ name: String, fixture: String) throws {
        let reference = try JSONDecoder().decode(Reference.self, from: TestModels.fixture("\(fixture)-reference.json"))
        let data = try TestModels.fixture("\(fixture)-reference.bin")
        let model = try LanguageModel(path: TestModels.path(name))
        #expect(Array(model.encode(Array(reference.text.utf8)).prefix(reference.tokens.count)) == reference.tokens)

        let tap = KeepingTap()
        let cache = model.makeCache(capacity: reference.tokens.count)
        let logits = try #require(try model.forward(reference.tokens, cache: cache, logits: .all, tap: tap))

        var offset = 0
        for array in reference.arrays {
            let count = array.shape.reduce(1, *)
            let expected = data.subdata(in: offset..<offset + 4 * count).withUnsafeBytes {
                Array($0.bindMemory(to: Float.self))
            }
            offset += 4 * count
            let found = try #require(tap.values[.init(tensor: array.tensor, layer: array.layer)])
            #expect(found.count == count)
            compare(found, expected, "\(fixture) layer \(array.layer) \(array.tensor.rawValue)")
        }
        #expect(offset == data.count)

        let vocabulary = model.configuration.vocabularySize
        for top in reference.top_logits {
            for (id, expected) in zip(top.ids, top.logits) {
                let found = Double(logits.elements[top.position * vocabulary + Int(id)])
                #expect(abs(found - expected) <= 1e-3 * reference.logits_standard_deviation)
            }
        }
    }

    /// Within float16 rounding (2⁻¹¹) plus 2e-3 relative; elements that are small differences of large terms,
    /// within 1e-4 of their tensor's root mean square, to which the error of a float32 sum is proportional.
    private func compare(_ found: [Float], _ expected: [Float], _ what: String) {
        let square = expected.reduce(0.0) { $0 + Double($1) * Double($1) }
        let rootMeanSquare = (square / Double(expected.count)).squareRoot()
        let differences = zip(found, expected).map { abs(Double($0) - Double($1)) }
        let violations = zip(differences, expected).count { difference, value in
            difference > (0x1p-11 + 2e-3) * abs(Double(value)) + 1e-4 * rootMeanSquare
        }
        let worst = (differences.max() ?? 0) / rootMeanSquare
        print("\(what): largest deviation \(worst) of the root mean square")
        #expect(violations == 0, "\(what): \(violations) of \(found.count) elements differ, by up to \(worst) rms")
    }
}
