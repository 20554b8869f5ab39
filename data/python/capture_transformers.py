"""Writes keys, values and queries of a Hugging Face model to HDF5, for `kvatlas import`.

    from capture_transformers import capture
    capture(model, tokenizer, "a text", "hook.h5")

Needs torch, transformers 5 and h5py. Works with decoders whose attention has a `k_proj` and can be replaced by
transformers' AttentionInterface: Llama, Mistral, Qwen, Gemma and their like. Tensors are [token, head, channel]:
`key` is what the cache holds, after RoPE; `key_pre_rope` the key before it, after the model's norm of keys if it has
one; `query` is after RoPE. What each layer's attention sees, how scores are scaled and capped and how positions turn
goes into the attributes, by the names that captures of kvatlas have.
"""

import inspect
import sys

import h5py
import numpy
import torch
from transformers import AttentionInterface, AttentionMaskInterface, DynamicCache
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import eager_mask, sdpa_mask


def rotations(config, rotary, layers, pairs):
    """Attributes of how layers turn queries and keys: bases, divisors of their frequencies, and which layer has which."""
    parameters = config.rope_parameters or {}
    is_nested = any(isinstance(value, dict) for value in parameters.values())  # one for each type of layers
    types = config.layer_types if is_nested else [None] * layers
    kinds = sorted(set(types), key=lambda kind: kind != "full_attention")
    attributes = {"attention_rotations": [kinds.index(kind) for kind in types]}
    bases = [float((parameters[kind] if is_nested else parameters).get("rope_theta", 0)) for kind in kinds]
    for index, (kind, base) in enumerate(zip(kinds, bases)):
        frequencies = getattr(rotary, f"{kind}_inv_freq" if is_nested else "inv_freq").double().cpu().numpy()
        divisors = base ** (-numpy.arange(pairs) / pairs) / frequencies
        if not numpy.allclose(divisors, 1, rtol=1e-5):
            attributes[f"rotation_divisors_{index}"] = divisors
    return attributes | {"rotation_bases": bases, "rope_base": bases[0]}


def capture(model, tokenizer, text, path, layers=None, dtype="float16"):
    """Runs a text, or a list of token ids, through `model`; `layers` are numbers, all by default."""
    ids = tokenizer(text)["input_ids"] if isinstance(text, str) else list(text)
    config = model.config.get_text_config()
    modules = [layer.self_attn for layer in model.get_decoder().layers]
    queries, before, reach, cache = {}, {}, {}, DynamicCache()
    softcap = getattr(config, "attn_logit_softcapping", None)

    def attend(module, query, *arguments, **options):  # queries are [1, head, token, channel]
        queries[module.layer_idx], reach[module.layer_idx] = query[0].transpose(0, 1), options
        # What caps scores is the model's own function only.
        forward = sys.modules[type(module).__module__].eager_attention_forward if softcap else sdpa_attention_forward
        return forward(module, query, *arguments, **options)

    def keep(layer):
        def hook(module, inputs, keys):  # of a projection [1, token, head·channel], of a norm with heads and channels
            if keys.dim() == 4 and inputs[0].stride(1) < inputs[0].stride(2):  # a norm that sees heads first
                keys = keys.transpose(1, 2)
            before[layer] = keys[0].reshape(len(ids), -1, modules[layer].head_dim)
        return hook

    hooks = [(getattr(module, "k_norm", None) or module.k_proj).register_forward_hook(keep(layer))
             for layer, module in enumerate(modules)]
    implementation = model.config._attn_implementation
    AttentionInterface.register("kvatlas_capture", attend)
    AttentionMaskInterface.register("kvatlas_capture", eager_mask if softcap else sdpa_mask)  # or windows are not kept
    model.set_attn_implementation("kvatlas_capture")
    argument = "cache" if "cache" in inspect.signature(model.forward).parameters else "past_key_values"
    try:
        with torch.no_grad():
            model(torch.tensor([ids], device=model.device), use_cache=True, **{argument: cache})
    finally:
        model.set_attn_implementation(implementation)
        for hook in hooks:
            hook.remove()

    with h5py.File(path, "w") as file:
        file.attrs.update({
            "model": config.name_or_path or config.model_type, "architecture": config.model_type,
            "layers": len(modules), "heads": config.num_attention_heads, "vocabulary": config.vocab_size,
            "rope_layout": "halves", "weight_type": str(model.dtype).removeprefix("torch."),
            "attention_scale": float(reach[0]["scaling"]), "attention_softcap": float(softcap or 0),
            "attention_windows": [int(reach[layer].get("sliding_window") or 0) for layer in range(len(modules))],
            **rotations(config, model.get_decoder().rotary_emb, len(modules), modules[0].head_dim // 2),
        })
        file["tokens/id"] = numpy.array(ids, dtype=numpy.int32)
        if tokenizer is not None:
            pieces = [tokenizer.decode([token]).replace("\0", "\ufffd") for token in ids]
            file["tokens/text"] = numpy.array(pieces, dtype=h5py.string_dtype())
        for layer in range(len(modules)) if layers is None else layers:
            kept = cache.layers[layer]  # [1, kv_head, token, channel]
            for name, tensor in {
                "key": kept.keys[0].transpose(0, 1), "value": kept.values[0].transpose(0, 1),
                "key_pre_rope": before[layer], "query": queries[layer],
            }.items():
                file[f"layers/{layer:03}/{name}"] = tensor.float().cpu().numpy().astype(dtype)
