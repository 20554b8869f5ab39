"""Makes tiny random models of each architecture with Hugging Face transformers, and what transformers computes with them.

    python make-tiny-models.py [FOLDER]        (default: tiny/ beside this script)

Needs torch, transformers, tokenizers, safetensors and gguf. For each variant it writes

    NAME/            config.json, model.safetensors, tokenizer.json, generation_config.json: a Hugging Face folder
    NAME.gguf        the same weights by ggml's names, in the order of rows that ggml's converter gives them
    NAME.json, .bin  golden values in float32: logits of every token, and each layer's queries, keys (before and after
                     RoPE) and values as transformers caches them

Weights are random but not small, norms are not 1 and biases not 0, so that nothing that is left out or taken twice
goes unseen; all are rounded to the stored type before transformers runs them. The text is longer than any window.
"""

import json
import math
import pathlib
import sys

import gguf
import numpy as np
import safetensors.torch
import tokenizers
import torch
import transformers
from transformers.models.falcon import modeling_falcon
from transformers.models.gemma3 import modeling_gemma3
from transformers.models.llama import modeling_llama
from transformers.models.mistral import modeling_mistral
from transformers.models.qwen2 import modeling_qwen2
from transformers.models.qwen3 import modeling_qwen3

TOKENS = 48
END = "<|endoftext|>"
MERGES = [("Ġ", "t"), ("h", "e"), ("Ġt", "he"), ("i", "n"), ("e", "r"), ("a", "n")]


def byte_alphabet():
    """The characters that stand for bytes in byte-level BPE, by byte."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in plain]
    characters = {byte: chr(byte) for byte in plain} | {byte: chr(256 + i) for i, byte in enumerate(others)}
    return [characters[byte] for byte in range(256)]


VOCABULARY = byte_alphabet() + ["".join(merge) for merge in MERGES] + [END]

common = {
    "vocab_size": len(VOCABULARY),
    "hidden_size": 32,
    "num_attention_heads": 4,
    "num_hidden_layers": 3,
    "max_position_embeddings": 512,
    "bos_token_id": len(VOCABULARY) - 1,
    "eos_token_id": len(VOCABULARY) - 1,
    "pad_token_id": None,
    "attn_implementation": "eager",
}
gated = common | {"num_key_value_heads": 2, "intermediate_size": 48, "rms_norm_eps": 1e-5}
rope = {"rope_type": "default", "rope_theta": 10000.0}
llama3_rope = {
    "rope_type": "llama3",
    "rope_theta": 10000.0,
    "factor": 4.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 128,
}
gemma_rope = {
    "full_attention": {"rope_type": "default", "rope_theta": 1000000.0},
    "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0},
}
# As the models from 4B up have it.
gemma_scaled_rope = gemma_rope | {"full_attention": {"rope_type": "linear", "rope_theta": 1000000.0, "factor": 8.0}}
gemma_local_rope = gemma_rope | {"sliding_attention": {"rope_type": "linear", "rope_theta": 10000.0, "factor": 2.0}}
gemma_layers = ["full_attention" if (i + 1) % 6 == 0 else "sliding_attention" for i in range(7)]
gemma = gated | {
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "num_hidden_layers": 7,
    "head_dim": 16,
    "sliding_window": 10,
    "layer_types": gemma_layers,
    "hidden_activation": "gelu_pytorch_tanh",
}
falcon = common | {"bias": False, "alibi": False, "parallel_attn": True, "rope_parameters": rope, "ffn_hidden_size": 96}

half, bfloat = torch.float16, torch.bfloat16
# Name: module with the rotation, configuration, class of the model, stored type.
VARIANTS = {
    "llama": (modeling_llama, transformers.LlamaConfig(**gated, rope_parameters=rope), half),
    "llama3-scaled": (
        modeling_llama,
        transformers.LlamaConfig(**gated, rope_parameters=llama3_rope, tie_word_embeddings=True),
        bfloat,
    ),
    "llama-linear": (
        modeling_llama,
        transformers.LlamaConfig(
            **gated, rope_parameters={"rope_type": "linear", "rope_theta": 10000.0, "factor": 4.0}, attention_bias=True
        ),
        half,
    ),
    "mistral": (
        modeling_mistral,
        transformers.MistralConfig(**gated, rope_parameters=rope, sliding_window=12, head_dim=8),
        half,
    ),
    "qwen2": (
        modeling_qwen2,
        transformers.Qwen2Config(**gated, rope_parameters=rope, tie_word_embeddings=True, use_sliding_window=False),
        half,
    ),
    "qwen3": (modeling_qwen3, transformers.Qwen3Config(**gated, rope_parameters=rope, head_dim=16), bfloat),
    "gemma3": (
        modeling_gemma3,
        transformers.Gemma3TextConfig(**gemma, query_pre_attn_scalar=16, rope_parameters=gemma_rope),
        bfloat,
    ),
    "falcon-7b": (
        modeling_falcon,
        transformers.FalconConfig(**falcon, multi_query=True, new_decoder_architecture=False, tie_word_embeddings=True),
        half,
    ),
    "falcon-40b": (
        modeling_falcon,
        transformers.FalconConfig(
            **falcon, num_kv_heads=2, new_decoder_architecture=True, multi_query=True, tie_word_embeddings=False
        ),
        half,
    ),
    "falcon-11b": (
        modeling_falcon,
        transformers.FalconConfig(
            **falcon,
            num_kv_heads=2,
            new_decoder_architecture=True,
            num_ln_in_parallel_attn=1,
            multi_query=True,
            tie_word_embeddings=False,
        ),
        half,
    ),
    "gemma3-scaled": (
        modeling_gemma3,
        transformers.Gemma3TextConfig(**gemma, query_pre_attn_scalar=16, rope_parameters=gemma_scaled_rope),
        bfloat,
    ),
    "gemma3-local": (
        modeling_gemma3,
        transformers.Gemma3TextConfig(**gemma, query_pre_attn_scalar=24, rope_parameters=gemma_local_rope),
        bfloat,
    ),
    "qwen2-window": (
        modeling_qwen2,
        transformers.Qwen2Config(
            **gated, rope_parameters=rope, use_sliding_window=True, sliding_window=10, max_window_layers=1
        ),
        half,
    ),
}
# GGUF has no keys for what these have.
ONLY_FOLDERS = {"gemma3-local", "qwen2-window"}


# MARK: - The model


def make_model(config, stored, seed):
    """A model whose weights are exact in the stored type."""
    generator = torch.Generator().manual_seed(seed)
    model = transformers.AutoModelForCausalLM.from_config(config, attn_implementation="eager").float().eval()
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        if parameter.dim() == 1:
            is_scale = name.endswith("weight") and config.model_type != "gemma3_text"
            values = 0.2 * noise + (1 if is_scale else 0)
        elif "embed" in name:
            values = 0.5 * noise
        else:
            values = 1.2 * noise / math.sqrt(parameter.shape[1])
        parameter.data = values.to(stored).float()
    model.tie_weights()
    return model


def run(model, module, tokens):
    """Logits of every token, and each layer's tensors as [token, head, channel]."""
    turned = []
    original = module.apply_rotary_pos_emb

    def recording(q, k, *rest, **named):
        result = original(q, k, *rest, **named)
        turned.append((result[0], k))
        return result

    module.apply_rotary_pos_emb = recording
    try:
        with torch.no_grad():
            # Without the configuration, whose windows would make it forget what has left them.
            cache = transformers.DynamicCache()
            logits = model(tokens, past_key_values=cache, use_cache=True).logits[0]
            plain = model(tokens, use_cache=False).logits[0]
    finally:
        module.apply_rotary_pos_emb = original
    assert torch.allclose(logits, plain, atol=1e-5), "the cache changes what is seen"
    group = turned[0][0].shape[1] // kv_heads(model.config)
    layers = []
    for (query, before), cached in zip(turned, cache.layers):
        # Falcon's groups are repeated before they are turned and cached.
        step = group if before.shape[1] != kv_heads(model.config) else 1
        tensors = {"query": query, "key_pre_rope": before[:, ::step]}
        tensors |= {"key": cached.keys[:, ::step], "value": cached.values[:, ::step]}
        layers.append({name: x[0].transpose(0, 1).contiguous().numpy() for name, x in tensors.items()})
    return logits.numpy(), layers


def kv_heads(config):
    if config.model_type == "falcon":
        return config.num_kv_heads if config.new_decoder_architecture else 1
    return config.num_key_value_heads


def head_dim(config):
    return getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads


# MARK: - Files


def write_folder(folder, model, stored):
    folder.mkdir(parents=True, exist_ok=True)
    model.config.dtype = stored
    model.config.save_pretrained(folder)
    model.generation_config.save_pretrained(folder)
    state = model.state_dict()
    if model.config.tie_word_embeddings:
        state.pop("lm_head.weight", None)
    weights = {name: tensor.to(stored).contiguous() for name, tensor in state.items()}
    safetensors.torch.save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    bpe = tokenizers.models.BPE(vocab={token: i for i, token in enumerate(VOCABULARY)}, merges=MERGES)
    tokenizer = tokenizers.Tokenizer(bpe)
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Sequence(
        [
            tokenizers.pre_tokenizers.Digits(individual_digits=True),
            tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    tokenizer.add_special_tokens([END])
    tokenizer.save(str(folder / "tokenizer.json"))


GATED_NAMES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}
GEMMA_NAMES = GATED_NAMES | {
    "post_attention_layernorm": "post_attention_norm",
    "pre_feedforward_layernorm": "ffn_norm",
    "post_feedforward_layernorm": "post_ffw_norm",
}
FALCON_NAMES = {
    "self_attention.query_key_value": "attn_qkv",
    "self_attention.dense": "attn_output",
    "mlp.dense_h_to_4h": "ffn_up",
    "mlp.dense_4h_to_h": "ffn_down",
    "input_layernorm": "attn_norm",
    "ln_mlp": "attn_norm",
    "ln_attn": "attn_norm_2",
}
TOP_NAMES = {
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "lm_head": "output",
    "transformer.word_embeddings": "token_embd",
    "transformer.ln_f": "output_norm",
}


def ggml_name(name, config):
    stem, suffix = name.rsplit(".", 1)
    if stem in TOP_NAMES:
        return f"{TOP_NAMES[stem]}.{suffix}"
    _, _, layer, part = stem.split(".", 3)
    names = {"falcon": FALCON_NAMES, "gemma3_text": GEMMA_NAMES}.get(config.model_type, GATED_NAMES)
    return f"blk.{layer}.{names[part]}.{suffix}"


def ggml_rows(name, tensor, config):
    """Rows in the order that ggml's converter gives them."""
    if config.model_type in ("llama", "mistral") and any(part in name for part in ("attn_q.", "attn_k.")):
        # Channel i of a head's first half before channel i of its second.
        rest = tensor.shape[1:]
        return tensor.reshape(-1, 2, head_dim(config) // 2, *rest).swapaxes(1, 2).reshape(-1, *rest)
    if config.model_type == "falcon" and "attn_qkv" in name:
        # From groups of queries, key and value to all queries, all keys, all values.
        groups, size = kv_heads(config), head_dim(config)
        parts = tensor.reshape(groups, config.num_attention_heads // groups + 2, size, *tensor.shape[1:])
        return torch.cat([part.reshape(-1, *tensor.shape[1:]) for part in (parts[:, :-2], parts[:, -2], parts[:, -1])])
    return tensor


def rope_divisors(config):
    """Llama 3's divisors of frequencies, as `rope_freqs.weight` has them."""
    scaling = config.rope_parameters
    frequencies = scaling["rope_theta"] ** -(np.arange(0, head_dim(config), 2) / head_dim(config))
    low, high = scaling["low_freq_factor"], scaling["high_freq_factor"]
    turns = scaling["original_max_position_embeddings"] * frequencies / (2 * np.pi)
    smooth = np.clip((turns - low) / (high - low), 0, 1)
    return (1 / ((1 - smooth) / scaling["factor"] + smooth)).astype(np.float32)


def write_gguf(path, name, model, stored):
    config = model.config
    architecture = {"mistral": "llama", "gemma3_text": "gemma3"}.get(config.model_type, config.model_type)
    writer = gguf.GGUFWriter(str(path), architecture)
    writer.add_name(f"tiny random {name}")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(kv_heads(config))
    if config.model_type == "falcon":
        writer.add_tensor_data_layout("jploski")
        writer.add_feed_forward_length(config.ffn_hidden_size)
        writer.add_layer_norm_eps(config.layer_norm_epsilon)
    else:
        writer.add_feed_forward_length(config.intermediate_size)
        writer.add_layer_norm_rms_eps(config.rms_norm_eps)
        writer.add_key_length(head_dim(config))
        writer.add_value_length(head_dim(config))
    scaling = config.rope_parameters
    if config.model_type == "gemma3_text":
        writer.add_rope_freq_base(scaling["full_attention"]["rope_theta"])
        writer.add_sliding_window(config.sliding_window)
        if scaling["full_attention"]["rope_type"] == "linear":
            writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
            writer.add_rope_scaling_factor(scaling["full_attention"]["factor"])
    else:
        writer.add_rope_freq_base(scaling["rope_theta"])
        if scaling["rope_type"] == "linear":
            writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
            writer.add_rope_scaling_factor(scaling["factor"])
        if scaling["rope_type"] == "llama3":
            writer.add_tensor("rope_freqs.weight", rope_divisors(config))
    if config.model_type == "mistral":
        writer.add_sliding_window(config.sliding_window)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(VOCABULARY)
    writer.add_token_types([3 if token == END else 1 for token in VOCABULARY])
    writer.add_token_merges([" ".join(merge) for merge in MERGES])
    writer.add_eos_token_id(len(VOCABULARY) - 1)
    for own_name, tensor in model.state_dict().items():
        if own_name == "lm_head.weight" and config.tie_word_embeddings:
            continue
        ggml = ggml_name(own_name, config)
        tensor = ggml_rows(ggml, tensor, config)
        if tensor.dim() == 1:
            added = 1 if config.model_type == "gemma3_text" and ggml.endswith("norm.weight") else 0
            writer.add_tensor(ggml, (tensor + added).numpy().astype(np.float32))
        elif stored == torch.bfloat16:
            bits = tensor.to(stored).contiguous().view(torch.uint8).numpy()
            writer.add_tensor(ggml, bits, raw_dtype=gguf.GGMLQuantizationType.BF16)
        else:
            writer.add_tensor(ggml, tensor.to(stored).numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_golden(stem, tokens, logits, layers):
    arrays, data = [], [logits]
    for layer, tensors in enumerate(layers):
        for name, values in tensors.items():
            arrays.append({"layer": layer, "tensor": name, "shape": list(values.shape)})
            data.append(values)
    description = {"tokens": tokens, "logits": list(logits.shape), "arrays": arrays}
    stem.with_suffix(".json").write_text(json.dumps(description, indent=1) + "\n")
    stem.with_suffix(".bin").write_bytes(b"".join(x.astype("<f4").tobytes() for x in data))


def main():
    torch.set_num_threads(1)
    target = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parent / "tiny"
    target.mkdir(parents=True, exist_ok=True)
    for seed, (name, (module, config, stored)) in enumerate(VARIANTS.items()):
        model = make_model(config, stored, seed)
        generator = torch.Generator().manual_seed(100 + seed)
        tokens = torch.randint(0, len(VOCABULARY), (1, TOKENS), generator=generator)
        logits, layers = run(model, module, tokens)
        write_folder(target / name, model, stored)
        if name not in ONLY_FOLDERS:
            write_gguf(target / f"{name}.gguf", name, model, stored)
        write_golden(target / name, tokens[0].tolist(), logits, layers)
        print(f"{name}: {sum(p.numel() for p in model.parameters())} parameters, logits {logits.std():.3f}")


if __name__ == "__main__":
    main()
