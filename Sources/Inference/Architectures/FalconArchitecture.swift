import Kernels
import ModelFormats

/// Falcon 7B, 40B, 180B and 11B: attention and feed-forward side by side on one residual stream, layer norms with
/// bias, GELU, one matrix for queries, keys and values.
///
/// 7B shares one key/value head among all queries and one norm between the two parts; the others have groups, and (but
/// for 11B) a norm for each part. GGUF has all queries, then all keys, then all values, where the original has them by
/// groups; channels of a head stay as they are. Models with ALiBi (falcon-rw) are refused.
/// Source: Almazrouei et al., "The Falcon Series of Open Language Models" (2023).
enum FalconArchitecture: LoadableArchitecture {
    static let id = "falcon"
    static let summary = "Falcon: attention and feed-forward in parallel, LayerNorm, GELU, few key/value heads"

    static func configuration(_ file: GGUFFile) throws -> ModelConfiguration {
        let key = "\(id).tensor_data_layout", layout = "jploski"
        if let found = try file.stringIfPresent(key), found != layout {
            throw ModelError.unsupportedFeature(
                path: file.file.path,
                key: key,
                value: found,
                expected: "'\(layout)': queries, keys and values one after the other"
            )
        }
        return try ModelConfiguration(decoderMetadata: file, epsilonKey: "attention.layer_norm_epsilon")
    }

    static func load(_ file: GGUFFile, _ configuration: ModelConfiguration) throws -> Decoder {
        try FalconDecoder(configuration: configuration, rowOrder: .concatenated).load(file)
    }
}

/// Falcon's tensor names and assembly.
private struct FalconDecoder {
    let configuration: ModelConfiguration
    let rowOrder: FusedProjection.RowOrder

    func load(_ file: GGUFFile) throws -> Decoder {
        let loader = try WeightLoader(file: file, requirements: requirements(file))
        return Decoder(
            embedding: try loader.matrix("token_embd.weight"),
            blocks: try (0..<configuration.layers).map { try block($0, loader) },
            finalNorm: try norm("output_norm", loader),
            output: try loader.matrix(file.tensors["output.weight"] == nil ? "token_embd.weight" : "output.weight")
        )
    }

    private func requirements(_ file: GGUFFile) -> [TensorRequirement] {
        let width = configuration.width, vocabulary = configuration.vocabularySize
        let attentionWidth = configuration.heads * configuration.headDim
        let fusedWidth = attentionWidth + 2 * configuration.kvHeads * configuration.headDim
        func norm(_ name: String, isOptional: Bool = false) -> [TensorRequirement] {
            ["weight", "bias"].map {
                TensorRequirement(name: "\(name).\($0)", dimensions: [width], isOptional: isOptional)
            }
        }
        var list: [TensorRequirement] = [
            .matrix("token_embd.weight", rows: vocabulary, columns: width),
            TensorRequirement(name: "output.weight", dimensions: [width, vocabulary], isOptional: true),
        ]
        list += norm("output_norm")
        for layer in 0..<configuration.layers {
            let prefix = "blk.\(layer)."
            list += norm(prefix + "attn_norm")
            // A second norm is whole or absent.
            let second = prefix + "attn_norm_2"
            list += norm(second, isOptional: !["weight", "bias"].contains { file.tensors["\(second).\($0)"] != nil })
            for (part, rows, columns) in [
                ("attn_qkv", fusedWidth, width), ("attn_output", width, attentionWidth),
                ("ffn_up", configuration.feedForwardWidth, width), ("ffn_down", width, configuration.feedForwardWidth),
            ] {
                list.append(.matrix("\(prefix)\(part).weight", rows: rows, columns: columns))
                list.append(TensorRequirement(name: "\(prefix)\(part).bias", dimensions: [rows], isOptional: true))
            }
        }
        return list
    }

    private func block(_ layer: Int, _ loader: WeightLoader) throws -> ParallelBlock {
        let prefix = "blk.\(layer)."
        func projection(_ part: String) throws -> Projection {
            Projection(
                weight: try loader.matrix("\(prefix)\(part).weight"),
                bias: try loader.vectorIfPresent("\(prefix)\(part).bias")
            )
        }
        let norm = try norm(prefix + "attn_norm", loader)
        // With two norms attention reads the second.
        let second =
            try loader.vectorIfPresent(prefix + "attn_norm_2.weight") == nil
            ? nil : try self.norm(prefix + "attn_norm_2", loader)
        return ParallelBlock(
            attentionNorm: second ?? norm,
            attention: AttentionLayer(
                heads: configuration.heads,
                kvHeads: configuration.kvHeads,
                headDim: configuration.headDim,
                input: .fused(
                    FusedProjection(
                        projection: try projection("attn_qkv"),
                        heads: configuration.heads,
                        kvHeads: configuration.kvHeads,
                        headDim: configuration.headDim,
                        order: rowOrder
                    )
                ),
                scale: configuration.attentionScale,
                reach: configuration.layerAttention[layer],
                output: try projection("attn_output")
            ),
            feedForwardNorm: second == nil ? nil : norm,
            feedForward: PlainFeedForward(
                up: try projection("ffn_up"),
                down: try projection("ffn_down"),
                activation: .gelu
            )
        )
    }

    private func norm(_ name: String, _ loader: WeightLoader) throws -> LayerNorm {
        LayerNorm(
            weight: try loader.vector(name + ".weight"),
            bias: try loader.vector(name + ".bias"),
            epsilon: configuration.normEpsilon
        )
    }
}
