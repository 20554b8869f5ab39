"""Makes dequantize.json: random GGUF blocks and the float32 values that the `gguf` package reads from them.

Needs numpy and gguf. Run: python3 Tests/Fixtures/kernels/make_dequantize_fixture.py
Scales are ordinary, zero, negative, subnormal and large, so that every rounding of the arithmetic shows.
"""

import json
import pathlib

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Type

BLOCKS = {"q4_0": 6, "q4_1": 6, "q5_0": 6, "q5_1": 6, "q8_0": 6, "q4_K": 3, "q5_K": 3, "q6_K": 3,
          "q2_K": 3, "q3_K": 3, "iq4_nl": 6, "iq4_xs": 3}
# Byte offsets of the float16 scales within a block.
SCALES = {
    "q4_0": [0], "q4_1": [0, 2], "q5_0": [0], "q5_1": [0, 2], "q8_0": [0],
    "q4_K": [0, 2], "q5_K": [0, 2], "q6_K": [208],
    "q2_K": [80, 82], "q3_K": [108], "iq4_nl": [0], "iq4_xs": [0],
}
CHOICES = np.array([0.0123, -0.037, 0.0, 6e-8, 3e-5, 700.0, -1.5], dtype=np.float16)

random = np.random.default_rng(20240207)
fixture = {}
for name, count in BLOCKS.items():
    kind = Type[name.upper()]
    _, size = gguf.GGML_QUANT_SIZES[kind]
    blocks = random.integers(0, 256, (count, size), dtype=np.uint8)
    for block in range(count):
        for place, offset in enumerate(SCALES[name]):
            scale = CHOICES[(block + 3 * place) % len(CHOICES)]
            blocks[block, offset : offset + 2] = np.frombuffer(scale.tobytes(), dtype=np.uint8)
    values = gguf.quants.dequantize(blocks, kind).astype(np.float32).ravel()
    fixture[name] = {"blocks": blocks.tobytes().hex(), "values": values.view(np.uint32).tolist()}

# bfloat16 and float16 as the same package reads them.
words = random.integers(0, 1 << 16, 64, dtype=np.uint16)
words = words[(words & 0x7C00) != 0x7C00]
bfloats = gguf.quants.dequantize(words.view(np.uint8).reshape(1, -1), Type.BF16).astype(np.float32).ravel()
fixture["bf16"] = {"blocks": words.tobytes().hex(), "values": bfloats.view(np.uint32).tolist()}
halves = words.view(np.float16).astype(np.float32)
fixture["f16"] = {"blocks": words.tobytes().hex(), "values": halves.view(np.uint32).tolist()}

path = pathlib.Path(__file__).with_name("dequantize.json")
path.write_text(json.dumps(fixture, separators=(",", ":")) + "\n")
print(f"{path.name}: {path.stat().st_size} bytes")
