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
    static let huggingFaceTypes = ["falcon"]
    static let summary = "Falcon: attention and feed-forward in parallel, LayerNorm, GELU, few key/value heads"
    static let models = ["Falcon 7B, 40B, 180B", "Falcon2 11B"]
    static let refused = [
        "ALiBi (falcon-rw)", "attention and feed-forward one after the other", "activations other than GELU",
    ]

    private static let names = TensorNames.HuggingFace(
        model: ["token_embd": "transformer.word_embeddings", "output_norm": "transformer.ln_f", "output": "lm_head"],
        layerPrefix: "transformer.h.",
        layer: [
            "attn_norm": "input_layernorm", "attn_norm_2": "ln_attn", "attn_qkv": "self_attention.query_key_value",
            "attn_output": "self_attention.dense", "ffn_up": "mlp.dense_h_to_4h", "ffn_down": "mlp.dense_4h_to_h",
        ]
    )

    private static func family(_ source: ModelSource) throws -> DecoderFamily {
        var family = DecoderFamily(
            id: id,
            huggingFaceNames: names,
            huggingFaceKeys: [
                "attention.head_count_kv": "num_kv_heads", "feed_forward_length": "ffn_hidden_size",
                "attention.layer_norm_epsilon": "layer_norm_epsilon",
            ],
            epsilonKey: "attention.layer_norm_epsilon",
            activation: ("activation", "gelu"),
            feedForwardFactor: 4,
            huggingFaceDefaults: ["context_length": 2048]
        )
        guard source.format == .huggingFace else { return family }
        let hasGroups = try source.booleanIfPresent("new_decoder_architecture") ?? false
        if !hasGroups, try source.booleanIfPresent("multi_query") ?? true { family.kvHeads = 1 }
        // With a norm for each part the one of GGUF's name is the feed-forward's.
        if source.tensors[names.layerPrefix + "0.ln_attn.weight"] != nil {
            family.huggingFaceNames = names.with(layer: ["attn_norm": "ln_mlp"])
        }
        return family
    }

    static func configuration(_ source: ModelSource) throws -> ModelConfiguration {
        let reader = ConfigurationReader(source: source, family: try family(source))
        let layout = "jploski"
        if let found = try source.stringIfPresent(reader.key("tensor_data_layout")), found != layout {
            throw reader.unsupported(
                "tensor_data_layout",
                found,
                "'\(layout)': queries, keys and values one after the other"
            )
        }
        if try source.booleanIfPresent("alibi") == true {
            throw reader.unsupported("alibi", true, "false: positions by RoPE")
        }
        let hasGroups = try source.booleanIfPresent("new_decoder_architecture") ?? false
        if !hasGroups, try source.booleanIfPresent("parallel_attn") == false {
            throw reader.unsupported("parallel_attn", false, "true: attention and feed-forward side by side")
        }
        return try ModelConfiguration(reader)
    }

    static func load(_ source: ModelSource, _ configuration: ModelConfiguration) throws -> Decoder {
        try FalconDecoder(
            configuration: configuration,
            names: try family(source).names(source),
            rowOrder: source.format == .gguf ? .concatenated : .grouped
        ).load(source)
    }
}

/// Assembles falcon's layers.
private struct FalconDecoder {
    let configuration: ModelConfiguration
    let names: TensorNames
    let rowOrder: FusedProjection.RowOrder

    func load(_ source: ModelSource) throws -> Decoder {
        let tail = try OutputTensors(source, configuration, names)
        // A second norm is whole or absent, and of all layers.
        let hasSecondNorm = ["weight", "bias"].contains { source.tensors[names("attn_norm_2", layer: 0, $0)] != nil }
        let loader = try WeightLoader(
            source: source,
            requirements: tail.requirements + normRequirements("output_norm")
                + (0..<configuration.layers).flatMap { requirements(layer: $0, hasSecondNorm: hasSecondNorm) }
        )
        return Decoder(
            embedding: try loader.matrix(tail.embedding),
            blocks: try (0..<configuration.layers).map { try block($0, loader, hasSecondNorm: hasSecondNorm) },
            finalNorm: try norm("output_norm", loader),
            output: try loader.matrix(tail.output)
        )
    }

    private func normRequirements(_ stem: String, layer: Int? = nil) -> [TensorRequirement] {
        ["weight", "bias"].map { .vector(names(stem, layer: layer, $0), count: configuration.width) }
    }

    private func requirements(layer: Int, hasSecondNorm: Bool) -> [TensorRequirement] {
        let width = configuration.width, raised = configuration.feedForwardWidth
        let attentionWidth = configuration.heads * configuration.headDim
        let fusedWidth = attentionWidth + 2 * configuration.kvHeads * configuration.headDim
        var list = normRequirements("attn_norm", layer: layer)
        if hasSecondNorm { list += normRequirements("attn_norm_2", layer: layer) }
        for (part, rows, columns) in [
            ("attn_qkv", fusedWidth, width), ("attn_output", width, attentionWidth), ("ffn_up", raised, width),
            ("ffn_down", width, raised),
        ] {
            list.append(.matrix(names(part, layer: layer), rows: rows, columns: columns))
            list.append(
                TensorRequirement(name: names(part, layer: layer, "bias"), dimensions: [rows], isOptional: true)
            )
        }
        return list
    }

    private func block(_ layer: Int, _ loader: WeightLoader, hasSecondNorm: Bool) throws -> ParallelBlock {
        func projection(_ part: String) throws -> Projection {
            Projection(
                weight: try loader.matrix(names(part, layer: layer)),
                bias: try loader.vectorIfPresent(names(part, layer: layer, "bias"))
            )
        }
        let first = try norm("attn_norm", layer: layer, loader)
        // With two norms attention reads the second.
        let second = hasSecondNorm ? try norm("attn_norm_2", layer: layer, loader) : nil
        return ParallelBlock(
            attentionNorm: second ?? first,
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
                scale: configuration.attention.scale,
                reach: configuration.attention.layers[layer],
                output: try projection("attn_output")
            ),
            feedForwardNorm: second == nil ? nil : first,
            feedForward: PlainFeedForward(
                up: try projection("ffn_up"),
                down: try projection("ffn_down"),
                activation: .gelu
            )
        )
    }

    private func norm(_ stem: String, layer: Int? = nil, _ loader: WeightLoader) throws -> LayerNorm {
        LayerNorm(
            weight: try loader.vector(names(stem, layer: layer)),
            bias: try loader.vector(names(stem, layer: layer, "bias")),
            epsilon: configuration.normEpsilon
        )
    }
}
