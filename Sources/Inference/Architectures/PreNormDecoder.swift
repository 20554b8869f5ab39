import Kernels
import ModelFormats

/// Tensor names and assembly that llama and its kin share; they differ in biases and in the order of rows.
struct PreNormDecoder {
    let configuration: ModelConfiguration
    /// Whether query, key and value projections must have biases; else they may.
    let requiresBiases: Bool
    /// How query and key rows are stored.
    let rowOrder: Projection.RowOrder

    private var attentionWidth: Int { configuration.heads * configuration.headDim }
    private var cachedWidth: Int { configuration.kvHeads * configuration.headDim }

    func load(_ source: ModelSource) throws -> Decoder {
        let loader = try WeightLoader(source: source, requirements: requirements)
        return Decoder(
            embedding: try loader.matrix("token_embd.weight"),
            blocks: try (0..<configuration.layers).map { try block($0, loader) },
            finalNorm: try norm("output_norm.weight", loader),
            output: try loader.matrix(source.tensors["output.weight"] == nil ? "token_embd.weight" : "output.weight")
        )
    }

    private var requirements: [TensorRequirement] {
        let width = configuration.width, vocabulary = configuration.vocabularySize
        var list: [TensorRequirement] = [
            .matrix("token_embd.weight", rows: vocabulary, columns: width),
            .vector("output_norm.weight", count: width),
            TensorRequirement(name: "output.weight", dimensions: [width, vocabulary], isOptional: true),
        ]
        for layer in 0..<configuration.layers {
            let prefix = "blk.\(layer)."
            for (part, rows) in [("q", attentionWidth), ("k", cachedWidth), ("v", cachedWidth)] {
                list.append(.matrix("\(prefix)attn_\(part).weight", rows: rows, columns: width))
                list.append(
                    TensorRequirement(
                        name: "\(prefix)attn_\(part).bias",
                        dimensions: [rows],
                        isOptional: !requiresBiases
                    )
                )
            }
            list.append(.matrix(prefix + "attn_output.weight", rows: width, columns: attentionWidth))
            list.append(.vector(prefix + "attn_norm.weight", count: width))
            list.append(.vector(prefix + "ffn_norm.weight", count: width))
            list.append(.matrix(prefix + "ffn_gate.weight", rows: configuration.feedForwardWidth, columns: width))
            list.append(.matrix(prefix + "ffn_up.weight", rows: configuration.feedForwardWidth, columns: width))
            list.append(.matrix(prefix + "ffn_down.weight", rows: width, columns: configuration.feedForwardWidth))
        }
        return list
    }

    private func block(_ layer: Int, _ loader: WeightLoader) throws -> PreNormBlock {
        let prefix = "blk.\(layer)."
        func projection(_ part: String, order: Projection.RowOrder = .original) throws -> Projection {
            Projection(
                weight: try loader.matrix("\(prefix)\(part).weight"),
                bias: try loader.vectorIfPresent("\(prefix)\(part).bias"),
                order: order
            )
        }
        return PreNormBlock(
            attentionNorm: try norm(prefix + "attn_norm.weight", loader),
            attention: AttentionLayer(
                heads: configuration.heads,
                kvHeads: configuration.kvHeads,
                headDim: configuration.headDim,
                query: try projection("attn_q", order: rowOrder),
                key: try projection("attn_k", order: rowOrder),
                value: try projection("attn_v"),
                output: try projection("attn_output")
            ),
            feedForwardNorm: try norm(prefix + "ffn_norm.weight", loader),
            feedForward: GatedFeedForward(
                gate: try projection("ffn_gate"),
                up: try projection("ffn_up"),
                down: try projection("ffn_down")
            )
        )
    }

    private func norm(_ name: String, _ loader: WeightLoader) throws -> RMSNorm {
        RMSNorm(weight: try loader.vector(name), epsilon: configuration.normEpsilon)
    }
}
