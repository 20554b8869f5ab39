"""Writes the first inputs of the fuzzers: one small sound file for each feature of a format.

Needs Python alone. Run: python3 Tests/Fuzzing/make_seeds.py
"""

import json
import pathlib
import struct

corpus = pathlib.Path(__file__).parent / "Corpus"


def save(name: str, content: bytes) -> None:
    path = corpus / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def text(value: str) -> bytes:
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def gguf(pairs: list[bytes], tensors: list[tuple[str, list[int], int, int]], data: int, alignment: int = 32) -> bytes:
    header = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(pairs)) + b"".join(pairs)
    for name, dimensions, kind, offset in tensors:
        header += text(name) + struct.pack(f"<I{len(dimensions)}QIQ", len(dimensions), *dimensions, kind, offset)
    return header + bytes(-len(header) % alignment) + bytes(range(data))


scalars = [
    text(f"k{kind}") + struct.pack("<I", kind) + struct.pack("<" + code, value)
    for kind, code, value in [
        (0, "B", 255), (1, "b", -1), (2, "H", 9), (3, "h", -9), (4, "I", 7), (5, "i", -7), (6, "f", 1.5),
        (7, "B", 1), (10, "Q", 2**64 - 1), (11, "q", -(2**63)), (12, "d", -0.1),
    ]
]
strings = [
    text("general.architecture") + struct.pack("<I", 8) + text("llama"),
    text("words") + struct.pack("<IIQ", 9, 8, 3) + text("") + text("é") + text("日本"),
    text("numbers") + struct.pack("<IIQ", 9, 5, 3) + struct.pack("<3i", 1, -1, 0),
    text("flags") + struct.pack("<IIQ", 9, 7, 2) + b"\0\1",
]
save("gguf/scalars", gguf(scalars, [], 0))
save("gguf/arrays", gguf(strings, [], 0))
save("gguf/tensors", gguf([], [("a", [4, 2], 0, 0), ("b", [32], 8, 32), ("c", [5], 1, 96)], 128))
aligned = [text("general.alignment") + struct.pack("<II", 4, 8)]
save("gguf/aligned", gguf(aligned, [("a", [1, 1, 2], 0, 0), ("b", [2], 30, 8)], 16, alignment=8))


def safetensors(header: str, data: int) -> bytes:
    return struct.pack("<Q", len(header.encode())) + header.encode() + bytes(range(data))


entry = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
save("safetensors/one", safetensors(json.dumps({"a": entry}), 8))
several = {
    "__metadata__": {"format": "pt", "é": "\n"},
    "b": {"dtype": "BF16", "shape": [3, 1], "data_offsets": [8, 14]},
    "a": entry,
    "scalar": {"dtype": "I64", "shape": [], "data_offsets": [14, 22]},
    "none": {"dtype": "F4", "shape": [0, 7], "data_offsets": [22, 22]},
}
save("safetensors/several", safetensors(json.dumps(several) + "   ", 22))
save("safetensors/empty", safetensors("{}", 0))

shards = {"metadata": {"total_size": 8}, "weight_map": {"a": "m-1.safetensors", "b": "m-2.safetensors"}}
save("safetensors-index/two", json.dumps(shards).encode())

configuration = {
    "model_type": "llama", "hidden_size": 64, "rms_norm_eps": 1e-05, "sliding_window": None, "tied": True,
    "rope_scaling": {"rope_type": "llama3", "factor": 8.0}, "architectures": ["LlamaForCausalLM"],
    "eos_token_id": [1, 2], "mixed": [1, 0.5], "parts": [{"a": 1}, None, [2]], "emoji": "\U0001F600", "none": [],
}
save("model-configuration/llama", json.dumps(configuration).encode())

# Byte-level BPE, and BPE with byte fallback in the way of Llama's tokenizer.json.
letters = ["t", "h", "e", "\u0120", "\u00c3", "\u00a9"]
byte_level = {
    "version": "1.0",
    "added_tokens": [{"id": 9, "content": "<s>", "special": True, "normalized": False}],
    "normalizer": None,
    "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True},
    "decoder": {"type": "ByteLevel"},
    "model": {
        "type": "BPE",
        "vocab": {token: number for number, token in enumerate(letters + ["th", "the", "\u0120the"])},
        "merges": ["t h", ["th", "e"], "\u0120 the"],
    },
}
save("tokenizer-json/byte-level", json.dumps(byte_level).encode())
pieces = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)] + ["\u2581", "t", "h", "e", "th", "the", "\u2581the"]
fallback = {
    "added_tokens": [{"id": number, "content": pieces[number], "special": True} for number in range(3)],
    "normalizer": {
        "type": "Sequence",
        "normalizers": [
            {"type": "Prepend", "prepend": "\u2581"},
            {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"},
        ],
    },
    "pre_tokenizer": None,
    "decoder": {"type": "ByteFallback"},
    "model": {
        "type": "BPE", "byte_fallback": True, "fuse_unk": True, "unk_token": "<unk>",
        "vocab": {piece: number for number, piece in enumerate(pieces)},
        "merges": ["t h", "th e", "\u2581 the"],
    },
}
save("tokenizer-json/byte-fallback", json.dumps(fallback, separators=(",", ":")).encode())


def varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def message(field: int, content: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(content)) + content


def piece(content: str, score: float, kind: int) -> bytes:
    return message(1, message(1, content.encode()) + b"\x15" + struct.pack("<f", score) + b"\x18" + varint(kind))


kinds = [2, 3, 3] + [6] * 256 + [1] * 7
model = b"".join(piece(content, -float(number), kinds[number]) for number, content in enumerate(pieces))
trainer = message(2, b"\x18\x02" + varint(35 << 3) + b"\x01")
normalizer = message(3, message(1, b"identity") + b"\x18\x01\x20\x00\x28\x01")
save("sentencepiece/byte-fallback", model + trainer + normalizer)
few = [0, 1, 2, 259, 260, 261, 262, 263, 264, 265]
save("sentencepiece/few", b"".join(piece(pieces[n], -float(n), kinds[n]) for n in few) + trainer + normalizer)
