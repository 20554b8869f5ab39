import Foundation
import Inference

/// Where tests find models and fixtures.
enum TestModels {
    static let smolLM2 = "SmolLM2-135M-Instruct.Q4_1.gguf"
    static let qwen = "qwen2.5-coder-0.5b.gguf"
    static let largeQwen = "qwen2.5-coder-1.5b.gguf"
    static let gemma = "gemma-3-270m-q4_k_m.gguf"

    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// `KVATLAS_MODELS`, or `data/models` of this checkout.
    static func path(_ name: String) -> String {
        let folder = ProcessInfo.processInfo.environment["KVATLAS_MODELS"].map { URL(filePath: $0) }
        return (folder ?? root.appending(path: "data/models")).appending(path: name).path
    }

    static func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path(name)) }

    static func fixture(_ name: String) throws -> Data {
        try Data(contentsOf: root.appending(path: "Tests/Fixtures/inference/\(name)"))
    }

    /// Calls `body` with the path of a random model that is removed afterwards.
    static func withRandomModel<Result>(
        _ architecture: String = "llama",
        seed: UInt64 = 1,
        shape: RandomModel.Shape = .init(),
        _ body: (String) throws -> Result
    ) throws -> Result {
        let path = FileManager.default.temporaryDirectory.appending(path: "kvatlas-\(UUID().uuidString).gguf").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try RandomModel.write(path: path, architecture: architecture, seed: seed, shape: shape)
        return try body(path)
    }
}

/// A tap that keeps what it sees.
final class KeepingTap: Tap {
    struct Key: Hashable {
        let tensor: CapturedTensor
        let layer: Int
    }

    /// Values in the order of tokens.
    private(set) var values: [Key: [Float]] = [:]
    private(set) var firstTokens: [Key: [Int]] = [:]
    private let isWanted: (CapturedTensor, Int) -> Bool

    init(isWanted: @escaping (CapturedTensor, Int) -> Bool = { _, _ in true }) { self.isWanted = isWanted }

    func wants(_ tensor: CapturedTensor, layer: Int) -> Bool { isWanted(tensor, layer) }

    func record(
        _ tensor: CapturedTensor,
        layer: Int,
        firstToken: Int,
        tokens: Int,
        heads: Int,
        headDim: Int,
        values: UnsafePointer<Float>
    ) throws {
        let key = Key(tensor: tensor, layer: layer)
        let new = UnsafeBufferPointer(start: values, count: tokens * heads * headDim)
        self.values[key, default: []] += new
        firstTokens[key, default: []].append(firstToken)
    }
}
