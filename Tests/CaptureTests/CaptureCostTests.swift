import Capture
import Foundation
import Inference
import TestSupport
import Testing

/// What recording costs beside the prefill that it watches; run in release with KVATLAS_BENCHMARKS=1.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["KVATLAS_BENCHMARKS"] != nil))
struct CaptureCostTests {
    private static let modelPath =
        (ProcessInfo.processInfo.environment["KVATLAS_MODELS"] ?? "data/models") + "/SmolLM2-135M-Instruct.Q4_1.gguf"

    /// Pairs in turn, so that a change of the machine's speed meets both; medians of each.
    @Test(.enabled(if: FileManager.default.fileExists(atPath: modelPath)))
    func recordingEverythingCostsLessThan15PercentOfPrefill() throws {
        let model = try LanguageModel(path: Self.modelPath)
        let text = try Data(contentsOf: URL(fileURLWithPath: "data/sample-prose.txt"))
        let tokens = Array(model.encode(Array(text)).prefix(2048))
        var without: [Double] = []
        var with: [Double] = []
        for round in 0..<6 {
            let plain = try seconds { try prefill(model, tokens, tap: nil) }
            let recorded = try withTemporaryFolder { folder in
                try seconds { try record(model, tokens, to: folder + "/cost.h5") }
            }
            // The first pair reads the weights from disk.
            if round > 0 {
                without.append(plain)
                with.append(recorded)
            }
        }
        let (plain, recorded) = (without.sorted()[2], with.sorted()[2])
        let ratios = zip(with, without).map { $0 / $1 }.sorted()
        print("prefill of \(tokens.count): \(plain) s, recorded \(recorded) s, ratios \(ratios)")
        #expect(ratios[2] < 1.15)
    }

    private func prefill(_ model: LanguageModel, _ tokens: [Int32], tap: (any Tap)?) throws {
        try model.forward(tokens, cache: model.makeCache(capacity: tokens.count), logits: .none, tap: tap)
    }

    /// From the first token to the closed file.
    private func record(_ model: LanguageModel, _ tokens: [Int32], to path: String) throws {
        let recorder = try CaptureRecorder(
            path: path,
            metadata: metadata(of: model, command: "benchmark"),
            tensors: Set(CapturedTensor.allCases),
            layers: Array(0..<model.configuration.layers),
            elementType: .float16,
            overwrite: false
        )
        try recorder.beginSequence(
            name: "prose",
            tokens: tokens,
            tokenBytes: tokens.map { model.tokenizer.tokenBytes($0) }
        )
        try prefill(model, tokens, tap: recorder)
        _ = try recorder.finish()
    }

    private func seconds(_ body: () throws -> Void) rethrows -> Double {
        let duration = try ContinuousClock().measure(body)
        return Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18
    }
}
