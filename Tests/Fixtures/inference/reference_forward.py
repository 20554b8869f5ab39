"""Float64 forward pass of `llama` and `qwen2` GGUF models, written from the architecture's maths alone.

Makes NAME-reference.json and NAME-reference.bin: keys before and after RoPE, values and queries of a short
text for an early, a middle and the last layer, and the largest logits at a few positions.

    python reference_forward.py MODEL.gguf NAME      (needs numpy, gguf, llama-cpp-python for the token ids)

The .bin holds the arrays that the .json lists, one after another: float32 little endian,
row-major [token, head, channel], channels in the original model's order (halves are rotated).
"""

import json
import pathlib
import sys

import numpy as np
from gguf import GGUFReader, dequantize

TEXT = (
    "The lighthouse keeper wrote every evening: wind from the north-west, 17 knots; three ships seen, none in need. "
    "In 1871 he wrote, for once, nothing at all, and nobody asked why."
)
TOKEN_LIMIT = 48
TOP = 8


def token_ids(path):
    from llama_cpp import Llama

    tokenizer = Llama(model_path=path, vocab_only=True, verbose=False)
    return tokenizer.tokenize(TEXT.encode(), add_bos=False)[:TOKEN_LIMIT]


class Model:
    def __init__(self, path):
        reader = GGUFReader(path)
        self.tensors = {tensor.name: tensor for tensor in reader.tensors}
        self.architecture = reader.get_field("general.architecture").contents()
        field = lambda key: reader.get_field(f"{self.architecture}.{key}").contents()
        self.layers = field("block_count")
        self.width = field("embedding_length")
        self.heads = field("attention.head_count")
        self.kv_heads = field("attention.head_count_kv")
        self.head_dim = self.width // self.heads
        self.epsilon = field("attention.layer_norm_rms_epsilon")
        self.rope_base = field("rope.freq_base")

    def weight(self, name):
        tensor = self.tensors[name]
        return dequantize(tensor.data, tensor.tensor_type).astype(np.float64)

    def optional(self, name):
        return self.weight(name) if name in self.tensors else 0.0

    def norm(self, x, name):
        return x / np.sqrt((x * x).mean(-1, keepdims=True) + self.epsilon) * self.weight(name)

    def split(self, x, heads):
        """[token, head, channel], channels as in the original checkpoint."""
        x = x.reshape(len(x), heads, self.head_dim)
        if self.architecture == "llama":
            # The converter interleaved the two halves of each head: even rows are the first half.
            x = np.concatenate([x[..., 0::2], x[..., 1::2]], axis=-1)
        return x

    def rotate(self, x):
        half = self.head_dim // 2
        angle = np.outer(np.arange(len(x)), self.rope_base ** (-np.arange(half) / half))[:, None, :]
        first, second = x[..., :half], x[..., half:]
        cos, sin = np.cos(angle), np.sin(angle)
        return np.concatenate([first * cos - second * sin, second * cos + first * sin], axis=-1)

    def attention(self, query, key, value):
        tokens = len(query)
        shared = self.heads // self.kv_heads
        key, value = np.repeat(key, shared, axis=1), np.repeat(value, shared, axis=1)
        scores = np.einsum("qhc,khc->hqk", query, key) / np.sqrt(self.head_dim)
        scores = np.where(np.tril(np.ones((tokens, tokens), bool)), scores, -np.inf)
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        weights /= weights.sum(-1, keepdims=True)
        return np.einsum("hqk,khc->qhc", weights, value).reshape(tokens, -1)

    def forward(self, tokens, record):
        embedding = self.tensors["token_embd.weight"]
        x = dequantize(embedding.data[tokens], embedding.tensor_type).astype(np.float64)
        for layer in range(self.layers):
            block = f"blk.{layer}."
            normed = self.norm(x, block + "attn_norm.weight")
            project = lambda part: normed @ self.weight(f"{block}attn_{part}.weight").T + self.optional(
                f"{block}attn_{part}.bias"
            )
            query = self.rotate(self.split(project("q"), self.heads))
            key_pre_rope = self.split(project("k"), self.kv_heads)
            key = self.rotate(key_pre_rope)
            value = project("v").reshape(len(x), self.kv_heads, self.head_dim)
            record(layer, {"query": query, "key": key, "key_pre_rope": key_pre_rope, "value": value})
            x = x + self.attention(query, key, value) @ self.weight(block + "attn_output.weight").T
            normed = self.norm(x, block + "ffn_norm.weight")
            gate = normed @ self.weight(block + "ffn_gate.weight").T
            up = normed @ self.weight(block + "ffn_up.weight").T
            x = x + (gate / (1 + np.exp(-gate)) * up) @ self.weight(block + "ffn_down.weight").T
        x = self.norm(x, "output_norm.weight")
        output = "output.weight" if "output.weight" in self.tensors else "token_embd.weight"
        return x @ self.weight(output).T


def main(path, name):
    model = Model(path)
    tokens = token_ids(path)
    wanted = [0, model.layers // 2, model.layers - 1]
    arrays, data = [], []

    def record(layer, tensors):
        for tensor, values in tensors.items():
            if layer not in wanted or (tensor == "query" and layer != wanted[1]):
                continue
            arrays.append({"layer": layer, "tensor": tensor, "shape": list(values.shape)})
            data.append(values.astype("<f4").tobytes())

    logits = model.forward(np.array(tokens), record)
    positions = [0, len(tokens) // 2, len(tokens) - 1]
    top = []
    for position in positions:
        ids = np.argsort(-logits[position], kind="stable")[:TOP]
        top.append({"position": position, "ids": ids.tolist(), "logits": logits[position][ids].tolist()})
    folder = pathlib.Path(__file__).parent
    (folder / f"{name}-reference.bin").write_bytes(b"".join(data))
    contents = {
        "made_by": "reference_forward.py",
        "architecture": model.architecture,
        "text": TEXT,
        "tokens": [int(token) for token in tokens],
        "arrays": arrays,
        "logits_standard_deviation": float(logits.std()),
        "top_logits": top,
    }
    (folder / f"{name}-reference.json").write_text(json.dumps(contents, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
