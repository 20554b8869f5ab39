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
    let names: TensorNames
    var biases = Biases.allowed
    /// How query and key rows are stored.
    var rowOrder = Projection.RowOrder.original
    /// Whether each head's queries and keys are normalized.
    var hasHeadNorms = false
    /// Whether what attention and feed-forward give is normalized before it is added.
    var hasOutputNorms = false
    /// What norms multiply by beside their weights.
    var normOffset: Float = 0
    var activation = Activation.silu
    var embeddingScale: Float = 1

    private var attentionWidth: Int { configuration.heads * configuration.headDim }
    private var cachedWidth: Int { configuration.kvHeads * configuration.headDim }

    func load(_ source: ModelSource) throws -> Decoder {
        let tail = try OutputTensors(source, configuration, names)
        let loader = try WeightLoader(source: source, requirements: tail.requirements + requirements)
        return Decoder(
            embedding: try loader.matrix(tail.embedding),
            embeddingScale: embeddingScale,
            blocks: try (0..<configuration.layers).map { try block($0, loader) },
            finalNorm: try norm(names("output_norm"), loader),
            output: try loader.matrix(tail.output)
        )
    }

    private var requirements: [TensorRequirement] {
        [.vector(names("output_norm"), count: configuration.width)]
            + (0..<configuration.layers).flatMap { requirements(layer: $0) }
    }

    private func requirements(layer: Int) -> [TensorRequirement] {
        let width = configuration.width, raised = configuration.feedForwardWidth
        var list: [TensorRequirement] = []
        for (part, rows, columns) in [
            ("attn_q", attentionWidth, width), ("attn_k", cachedWidth, width), ("attn_v", cachedWidth, width),
            ("attn_output", width, attentionWidth), ("ffn_gate", raised, width), ("ffn_up", raised, width),
            ("ffn_down", width, raised),
        ] {
            let isOptional = biases == .allowed || !["attn_q", "attn_k", "attn_v"].contains(part)
            list.append(.matrix(names(part, layer: layer), rows: rows, columns: columns))
            list.append(
                TensorRequirement(name: names(part, layer: layer, "bias"), dimensions: [rows], isOptional: isOptional)
            )
        }
        var norms = ["attn_norm", "ffn_norm"]
        if hasOutputNorms { norms += ["post_attention_norm", "post_ffw_norm"] }
        list += norms.map { .vector(names($0, layer: layer), count: width) }
        if hasHeadNorms {
            list += ["attn_q_norm", "attn_k_norm"].map {
                .vector(names($0, layer: layer), count: configuration.headDim)
            }
        }
        return list
    }

    private func block(_ layer: Int, _ loader: WeightLoader) throws -> PreNormBlock {
        func projection(_ part: String, order: Projection.RowOrder = .original) throws -> Projection {
            Projection(
                weight: try loader.matrix(names(part, layer: layer)),
                bias: try loader.vectorIfPresent(names(part, layer: layer, "bias")),
                order: order
            )
        }
        func layerNorm(_ part: String) throws -> RMSNorm { try norm(names(part, layer: layer), loader) }
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
                scale: configuration.attention.scale,
                reach: configuration.attention.layers[layer],
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
        RMSNorm(weight: try loader.vector(name).map { $0 + normOffset }, epsilon: configuration.normEpsilon)
    }
}
