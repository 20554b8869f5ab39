import Kernels
import ModelFormats

/// Tensor names and assembly that llama and its kin share; they differ in biases, norms and the order of rows.
struct PreNormDecoder {
    /// Whether projections have biases.
    enum Biases {
        case allowed
        /// Query, key and value must have them.
        case required
    }

    let configuration: ModelConfiguration
    var biases = Biases.allowed
    /// How query and key rows are stored.
    var rowOrder = Projection.RowOrder.original
    /// Whether each head's queries and keys are normalized.
    var hasHeadNorms = false
    /// Whether what attention and feed-forward give is normalized before it is added.
    var hasOutputNorms = false
    var activation = Activation.silu
    var embeddingScale: Float = 1

    private var attentionWidth: Int { configuration.heads * configuration.headDim }
    private var cachedWidth: Int { configuration.kvHeads * configuration.headDim }

    func load(_ file: GGUFFile) throws -> Decoder {
        let loader = try WeightLoader(file: file, requirements: requirements)
        return Decoder(
            embedding: try loader.matrix("token_embd.weight"),
            embeddingScale: embeddingScale,
            blocks: try (0..<configuration.layers).map { try block($0, loader) },
            finalNorm: try norm("output_norm.weight", loader),
            output: try loader.matrix(file.tensors["output.weight"] == nil ? "token_embd.weight" : "output.weight")
        )
    }

    private var requirements: [TensorRequirement] {
        let width = configuration.width, vocabulary = configuration.vocabularySize
        return [
            .matrix("token_embd.weight", rows: vocabulary, columns: width),
            .vector("output_norm.weight", count: width),
            TensorRequirement(name: "output.weight", dimensions: [width, vocabulary], isOptional: true),
        ] + (0..<configuration.layers).flatMap { requirements(prefix: "blk.\($0).") }
    }

    private func requirements(prefix: String) -> [TensorRequirement] {
        let width = configuration.width, raised = configuration.feedForwardWidth
        var list: [TensorRequirement] = []
        for (part, rows, columns) in [
            ("attn_q", attentionWidth, width), ("attn_k", cachedWidth, width), ("attn_v", cachedWidth, width),
            ("attn_output", width, attentionWidth), ("ffn_gate", raised, width), ("ffn_up", raised, width),
            ("ffn_down", width, raised),
        ] {
            let isOptional = biases == .allowed || !["attn_q", "attn_k", "attn_v"].contains(part)
            list.append(.matrix("\(prefix)\(part).weight", rows: rows, columns: columns))
            list.append(
                TensorRequirement(name: "\(prefix)\(part).bias", dimensions: [rows], isOptional: isOptional)
            )
        }
        var norms = ["attn_norm", "ffn_norm"]
        if hasOutputNorms { norms += ["post_attention_norm", "post_ffw_norm"] }
        list += norms.map { .vector("\(prefix)\($0).weight", count: width) }
        if hasHeadNorms {
            list += ["attn_q_norm", "attn_k_norm"].map {
                .vector("\(prefix)\($0).weight", count: configuration.headDim)
            }
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
        func layerNorm(_ part: String) throws -> RMSNorm { try norm("\(prefix)\(part).weight", loader) }
        return PreNormBlock(
            attentionNorm: try layerNorm("attn_norm"),
            attention: AttentionLayer(
                heads: configuration.heads,
                kvHeads: configuration.kvHeads,
                headDim: configuration.headDim,
                input: .separate(
                    query: try projection("attn_q", order: rowOrder),
                    key: try projection("attn_k", order: rowOrder),
                    value: try projection("attn_v")
                ),
                queryNorm: hasHeadNorms ? try layerNorm("attn_q_norm") : nil,
                keyNorm: hasHeadNorms ? try layerNorm("attn_k_norm") : nil,
                scale: configuration.attentionScale,
                reach: configuration.layerAttention[layer],
                output: try projection("attn_output")
            ),
            attentionOutputNorm: hasOutputNorms ? try layerNorm("post_attention_norm") : nil,
            feedForwardNorm: try layerNorm("ffn_norm"),
            feedForward: GatedFeedForward(
                gate: try projection("ffn_gate"),
                up: try projection("ffn_up"),
                down: try projection("ffn_down"),
                activation: activation
            ),
            feedForwardOutputNorm: hasOutputNorms ? try layerNorm("post_ffw_norm") : nil
        )
    }

    private func norm(_ name: String, _ loader: WeightLoader) throws -> RMSNorm {
        RMSNorm(weight: try loader.vector(name), epsilon: configuration.normEpsilon)
    }
}
