import ModelFormats

/// Names of a decoder's tensors in its file's format, by ggml's.
struct TensorNames: Sendable {
    /// A family's names in a Hugging Face folder, by ggml's.
    struct HuggingFace: Sendable {
        /// Of tensors outside the layers.
        let model: [String: String]
        /// Before the number of a layer.
        let layerPrefix: String
        let layer: [String: String]

        /// The names of llama and most that came after it.
        static let llama = HuggingFace(
            model: ["token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"],
            layerPrefix: "model.layers.",
            layer: [
                "attn_norm": "input_layernorm", "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj",
                "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj", "attn_q_norm": "self_attn.q_norm",
                "attn_k_norm": "self_attn.k_norm", "ffn_norm": "post_attention_layernorm",
                "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj",
            ]
        )

        /// The same names but for some of a layer.
        func with(layer changes: [String: String]) -> HuggingFace {
            HuggingFace(model: model, layerPrefix: layerPrefix, layer: layer.merging(changes) { $1 })
        }
    }

    /// `nil` for ggml's own.
    let huggingFace: HuggingFace?

    init(_ source: ModelSource, huggingFace: HuggingFace) {
        self.huggingFace = source.format == .huggingFace ? huggingFace : nil
    }

    /// The name of a tensor outside the layers, or of a layer's: `blk.3.attn_q.weight`.
    func callAsFunction(_ stem: String, layer: Int? = nil, _ suffix: String = "weight") -> String {
        guard let huggingFace else { return "\(layer.map { "blk.\($0)." } ?? "")\(stem).\(suffix)" }
        guard let layer else { return "\(huggingFace.model[stem] ?? stem).\(suffix)" }
        return "\(huggingFace.layerPrefix)\(layer).\(huggingFace.layer[stem] ?? stem).\(suffix)"
    }
}
