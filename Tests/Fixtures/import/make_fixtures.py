"""Captures a tiny Llama of random weights by data/python/capture_transformers.py and saves it as others would.

    python3 Tests/Fixtures/import/make_fixtures.py FOLDER [--check]

Needs torch, transformers 5, h5py, numpy and safetensors. Writes tiny-llama.h5 (the hook's own), the same tensors as
tiny-llama.npz (stored, [batch, kv_head, token, channel]), tiny-llama-deflated.npz (in Fortran's order),
tiny-llama-bfloat16.safetensors, stacked-key.npy ([layer, token, kv_head * channel]) and tiny-llama.txt, the bits of
every element as float16. --check also compares the hook with what the model itself computes.
"""

import argparse
import pathlib
import sys

import h5py
import numpy
import safetensors.torch
import torch
import transformers

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "data" / "python"))
from capture_transformers import capture  # noqa: E402

IDS = [3, 14, 15, 92, 65, 35, 89, 79, 32, 38, 46]
SHAPE = dict(
    hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
    head_dim=8, vocab_size=100, max_position_embeddings=64,
)


class Tokenizer:
    """Each id is a piece of its own."""

    def decode(self, ids):
        return "".join(f"<{number}>" for number in ids)


def model_of(kind, **options):
    torch.manual_seed(1)
    config = getattr(transformers, ("Gemma3Text" if kind == "Gemma3" else kind) + "Config")(**SHAPE, **options)
    return getattr(transformers, kind + "ForCausalLM")(config).eval()


def rotated(keys, base, divisors):
    """Keys after RoPE, [token, head, channel]: channel i turns with i + channels / 2."""
    tokens, half = keys.shape[0], keys.shape[2] // 2
    frequencies = base ** (-torch.arange(half, dtype=torch.float64) / half) / torch.as_tensor(divisors)
    angles = torch.outer(torch.arange(tokens), frequencies)[:, None]
    a, b = keys[..., :half], keys[..., half:]
    return torch.cat([a * angles.cos() - b * angles.sin(), b * angles.cos() + a * angles.sin()], -1)


def check(folder):
    """The hook's tensors of several models against each other and against the model's own attention."""
    stretched = {"rope_type": "linear", "factor": 4.0, "rope_theta": 10000.0}
    for kind, options in [
        ("Llama", {}), ("Llama", {"rope_parameters": stretched}), ("Qwen2", {}), ("Qwen3", {}), ("Mistral", {}),
        ("Mistral", {"sliding_window": 4}), ("Gemma2", {"sliding_window": 4, "attn_logit_softcapping": 0.01}),
        ("Gemma3", {"sliding_window": 4}),
    ]:
        model = model_of(kind, **options)
        path = folder / f"{kind.lower()}-check.h5"
        plain = model(torch.tensor([IDS])).logits
        capture(model, Tokenizer(), IDS, path, dtype="float32")
        assert torch.equal(plain, model(torch.tensor([IDS])).logits), f"{kind}: the hook stayed in the model"
        with h5py.File(path) as file:
            attributes = dict(file.attrs)
            layer = file["layers/000"]
            tensors = {name: torch.from_numpy(layer[name][:]).double() for name in layer}
            value_of_last = torch.from_numpy(file["layers/001/value"][:]).double()
        shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
        wanted = {"key": (11, 2, 8), "key_pre_rope": (11, 2, 8), "value": (11, 2, 8), "query": (11, 4, 8)}
        assert shapes == wanted, f"{kind}: {shapes}"
        rotation = attributes["attention_rotations"][0]
        base, divisors = attributes["rotation_bases"][rotation], attributes.get(f"rotation_divisors_{rotation}", 1)
        difference = (rotated(tensors["key_pre_rope"], base, divisors) - tensors["key"]).abs().max().item()
        assert difference < 1e-5, f"{kind}: keys before RoPE, rotated, differ from the cache's by {difference}"
        # The first layer's output projection sees what these queries, keys and values make.
        seen = []
        hook = model.get_decoder().layers[0].self_attn.o_proj.register_forward_hook(
            lambda module, inputs, output: seen.append(inputs[0][0]))
        model(torch.tensor([IDS]))
        hook.remove()
        key, value = (tensors[name].repeat_interleave(2, dim=1) for name in ("key", "value"))
        scores = torch.einsum("qhd,khd->hqk", tensors["query"], key) * attributes["attention_scale"]
        if cap := attributes["attention_softcap"]:
            scores = cap * (scores / cap).tanh()
        mask = torch.ones(11, 11, dtype=torch.bool).tril()
        if window := int(attributes["attention_windows"][0]):
            mask &= ~torch.ones(11, 11, dtype=torch.bool).tril(-window)
        weights = scores.masked_fill(~mask, -torch.inf).softmax(-1)
        mixed = torch.einsum("hqk,khd->qhd", weights, value).reshape(11, 32)
        difference = (mixed - seen[0].double()).abs().max().item()
        assert difference < 1e-5, f"{kind}: attention of the captured tensors differs by {difference}"
        path.unlink()
        # The last layer's queries come of what the layers before attended to.
        with torch.no_grad():
            seen = model(torch.tensor([IDS]), output_hidden_states=True).hidden_states[1][0]
            last = model.get_decoder().layers[1]
            states = last.self_attn.v_proj(last.input_layernorm(seen)).double().reshape(11, 2, 8)
        difference = (states - value_of_last).abs().max().item()
        assert difference < 1e-5, f"{kind}: the last layer's values differ by {difference}: the hook changes the model"
        print(f"{kind} {options}: keys and attention agree with the model")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--check", action="store_true", help="also compare the hook with the models themselves")
    arguments = parser.parse_args()
    folder = arguments.folder
    if arguments.check:
        check(folder)
    capture(model_of("Llama"), Tokenizer(), IDS, folder / "tiny-llama.h5")
    tensors = {}
    with h5py.File(folder / "tiny-llama.h5") as file:
        for layer in file["layers"]:
            for name, dataset in file["layers"][layer].items():
                tensors[int(layer), name] = dataset[:]
    batched = {f"layer_{layer}_{name}": values.transpose(1, 0, 2)[None] for (layer, name), values in tensors.items()}
    numpy.savez(folder / "tiny-llama.npz", input_ids=numpy.array([IDS]), **batched)
    # Of float16, float32 and float64, each in Fortran's order.
    types = ["<f2", "<f4", "<f8", "<f4"]
    fortran = {name: numpy.asfortranarray(values.astype(types[index % 4]))
               for index, (name, values) in enumerate(batched.items())}
    numpy.savez_compressed(folder / "tiny-llama-deflated.npz", **fortran)
    states = {f"model.layers.{layer}.self_attn.{name}_states": torch.from_numpy(values).bfloat16()
              for (layer, name), values in tensors.items() if name != "key_pre_rope"}
    metadata = {"model": "tiny", "architecture": "llama", "rope_base": "10000", "rope_layout": "halves"}
    safetensors.torch.save_file(states, folder / "tiny-llama-bfloat16.safetensors", metadata)
    numpy.save(folder / "stacked-key.npy", numpy.stack([tensors[layer, "key"].reshape(11, 16) for layer in range(2)]))
    with open(folder / "tiny-llama.txt", "w") as text:
        for (layer, name), values in sorted(tensors.items()):
            bits = values.astype(numpy.float16).view(numpy.uint16).ravel()
            text.write(f"{layer} {name} " + " ".join(f"{value:04x}" for value in bits) + "\n")
    print("ok")


main()
