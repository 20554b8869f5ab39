"""Runs a Gemma 3 GGUF in Hugging Face transformers, in float32, and writes what a test compares with.

    python make_gemma3_golden.py gemma-3-270m-q4_k_m.gguf alice.txt gemma-3-270m-transformers.bin [TOKENS]

Needs torch, transformers and gguf. The weights are dequantized by the gguf package, so that both engines compute with
the same numbers; the text is split by the file's own vocabulary and scores, and is longer than the sliding window.

The file, little-endian: T and K as int32; token ids int32 [T]; the K most likely next tokens of each, ids int32 [T, K]
and their logits float32 [T, K]; the logarithm of the sum of all exponentials, float32 [T].
"""

import pathlib
import sys

import gguf
import numpy as np
import torch
import transformers

TOP = 16
LAYER_NAMES = {
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
    "attn_norm": "input_layernorm",
    "post_attention_norm": "post_attention_layernorm",
    "ffn_norm": "pre_feedforward_layernorm",
    "post_ffw_norm": "post_feedforward_layernorm",
}


def own_name(name):
    stem, suffix = name.rsplit(".", 1)
    if stem == "token_embd":
        return f"model.embed_tokens.{suffix}"
    if stem == "output_norm":
        return f"model.norm.{suffix}"
    _, layer, part = stem.split(".")
    return f"model.layers.{layer}.{LAYER_NAMES[part]}.{suffix}"


def load(reader):
    def field(key):
        return reader.fields[f"gemma3.{key}"].contents()

    tensors = {tensor.name: tensor for tensor in reader.tensors}
    config = transformers.Gemma3TextConfig(
        vocab_size=int(tensors["token_embd.weight"].shape[1]),
        hidden_size=field("embedding_length"),
        intermediate_size=field("feed_forward_length"),
        num_hidden_layers=field("block_count"),
        num_attention_heads=field("attention.head_count"),
        num_key_value_heads=field("attention.head_count_kv"),
        head_dim=field("attention.key_length"),
        query_pre_attn_scalar=field("attention.key_length"),
        rms_norm_eps=field("attention.layer_norm_rms_epsilon"),
        sliding_window=field("attention.sliding_window"),
        layer_types=[
            "full_attention" if (i + 1) % 6 == 0 else "sliding_attention" for i in range(field("block_count"))
        ],
        rope_parameters={
            "full_attention": {"rope_type": "default", "rope_theta": field("rope.freq_base")},
            "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0},
        },
        tie_word_embeddings=True,
    )
    with torch.device("meta"):
        model = transformers.AutoModelForCausalLM.from_config(config, attn_implementation="eager")
    state = {}
    for name, tensor in tensors.items():
        values = gguf.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        # The file's norms have the 1 added that transformers adds itself.
        state[own_name(name)] = torch.from_numpy(values - 1 if name.endswith("norm.weight") else values)
    state["lm_head.weight"] = state["model.embed_tokens.weight"]
    model.load_state_dict(state, strict=True, assign=True)
    # Buffers are not in the state.
    model.model.rotary_emb = type(model.model.rotary_emb)(config)
    embedding = model.model.embed_tokens
    embedding.embed_scale = torch.tensor(config.hidden_size**0.5)
    return model.eval()


def split(reader, text):
    """SentencePiece's BPE: of all neighbours that make a piece, those of the best score are joined first."""
    pieces = [bytes(reader.fields["tokenizer.ggml.tokens"].parts[i]).decode() for i in
              reader.fields["tokenizer.ggml.tokens"].data]
    scores = reader.fields["tokenizer.ggml.scores"].contents()
    ids = {piece: i for i, piece in enumerate(pieces)}
    parts = list(text.replace(" ", "▁"))
    while True:
        best = None
        for i in range(len(parts) - 1):
            found = ids.get(parts[i] + parts[i + 1])
            if found is not None and (best is None or scores[found] > best[0]):
                best = (scores[found], i)
        if best is None:
            break
        i = best[1]
        parts[i : i + 2] = [parts[i] + parts[i + 1]]
    return [ids[part] for part in parts]


def main():
    path, text, target = sys.argv[1:4]
    count = int(sys.argv[4]) if len(sys.argv) > 4 else 640
    reader = gguf.GGUFReader(path)
    model = load(reader)
    tokens = [reader.fields["tokenizer.ggml.bos_token_id"].contents()]
    tokens += split(reader, pathlib.Path(text).read_text()[: 5 * count])
    tokens = tokens[:count]
    assert len(tokens) == count, f"the text has only {len(tokens)} tokens"
    with torch.no_grad():
        logits = model(torch.tensor([tokens])).logits[0]
    top = logits.topk(TOP)
    sums = torch.logsumexp(logits.double(), -1).float()
    chosen = torch.gather(logits.log_softmax(-1)[:-1], 1, torch.tensor(tokens[1:])[:, None])
    print(f"{count} tokens, perplexity {torch.exp(-chosen.mean()):.3f}, logits {logits.std():.3f}")
    with open(target, "wb") as file:
        for values, kind in [([count, TOP], "<i4"), (tokens, "<i4"), (top.indices, "<i4"), (top.values, "<f4"), (sums, "<f4")]:
            file.write(np.asarray(values).astype(kind).tobytes())


if __name__ == "__main__":
    main()
