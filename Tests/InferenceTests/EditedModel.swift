import Foundation
import Inference
import ModelFormats
import TensorCore

/// A small random model with something wrong in it.
struct EditedModel {
    var architecture = "llama"
    /// Values to set or replace.
    var metadata: [String: MetadataValue] = [:]
    var withoutKeys: Set<String> = []
    var withoutTensors: Set<String> = []
    /// Float32 tensors of zeros to add or to put in place of others; dimensions in ggml's order.
    var tensors: [String: [Int]] = [:]

    /// Writes the model, calls `body` with its path and removes it.
    func with<Result>(_ body: (String) throws -> Result) throws -> Result {
        try TestModels.withRandomModel(architecture) { path in
            let source = try GGUFFile(path: path)
            var writer = GGUFWriter()
            for key in source.keys where metadata[key] == nil && !withoutKeys.contains(key) {
                if let value = source.metadata[key] { writer.set(key, value) }
            }
            for (key, value) in metadata { writer.set(key, value) }
            for tensor in source.orderedTensors
            where tensors[tensor.name] == nil && !withoutTensors.contains(tensor.name) {
                try writer.add(
                    tensor.name,
                    elementType: tensor.elementType,
                    dimensions: tensor.dimensions,
                    bytes: Array(source.bytes(of: tensor))
                )
            }
            for (name, dimensions) in tensors {
                let zeros = [Float](repeating: 0, count: dimensions.reduce(1, *))
                try writer.add(name, dimensions: dimensions, floats: zeros)
            }
            try writer.write(to: path, overwrite: true)
            return try body(path)
        }
    }

    /// What loading it throws, less the path, which differs from run to run.
    func loadError() throws -> String? {
        try with { path in
            do {
                _ = try LanguageModel(path: path)
                return nil
            } catch {
                return "\(error)".replacing(path, with: "FILE")
            }
        }
    }
}
