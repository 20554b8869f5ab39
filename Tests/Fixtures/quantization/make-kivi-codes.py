#!/usr/bin/env python3
"""Makes kivi-codes.txt: what KIVI's own quantize-and-pack makes of a block, by its functions in plain PyTorch.

    git clone https://github.com/jy-yuan/KIVI && pip install torch numpy
    python3 Tests/Fixtures/quantization/make-kivi-codes.py KIVI

Lines: side, bits, then words, scales and minima in hexadecimal, each row after row: a row is a channel of keys or a token of
values. The elements are made as KIVICodesTests makes them: 64 tokens of 64 channels, groups of 32.
"""
import pathlib
import sys
import types

import numpy as np
import torch

# The module imports triton for its GPU kernels, which are not called here.
triton = types.ModuleType("triton")
triton.jit = lambda function: function
language = types.ModuleType("triton.language")
language.constexpr = int
triton.language = language
sys.modules.update({"triton": triton, "triton.language": language})
sys.path.insert(0, str(pathlib.Path(sys.argv[1]) / "quant"))
import new_pack  # noqa: E402

TOKENS, CHANNELS, GROUP = 64, 64, 32
state, values = 7, []
for index in range(TOKENS * CHANNELS):
    state = (state * 1664525 + 1013904223) % (1 << 32)
    value = ((state >> 16) - 32768) / 8192
    values.append(value * (12 if index % CHANNELS == 5 else 1))
x = torch.tensor(values, dtype=torch.float16).view(1, 1, TOKENS, CHANNELS)


def hexadecimal(tensor, kind, digits):
    return "".join(f"{int(v):0{digits}x}" for v in tensor.contiguous().numpy().view(kind).ravel())


lines = []
for bits in (2, 4, 8):
    code, scale, minimum = new_pack.quant_and_pack_kcache(x.clone(), GROUP, bits)
    # [1, 1, words, channel] and [1, 1, group, 1, channel] to rows of a channel.
    rows = [code[0, 0].t(), scale[0, 0, :, 0].t(), minimum[0, 0, :, 0].t()]
    lines.append(f"key {bits} " + " ".join([hexadecimal(rows[0], np.uint32, 8)] + [hexadecimal(r, np.uint16, 4) for r in rows[1:]]))
    code, scale, minimum = new_pack.quant_and_pack_vcache(x.clone(), GROUP, bits)
    rows = [code[0, 0], scale[0, 0, :, :, 0], minimum[0, 0, :, :, 0]]
    lines.append(f"value {bits} " + " ".join([hexadecimal(rows[0], np.uint32, 8)] + [hexadecimal(r, np.uint16, 4) for r in rows[1:]]))
path = pathlib.Path(__file__).with_name("kivi-codes.txt")
path.write_text("\n".join(lines) + "\n")
print(path, path.stat().st_size, "bytes")
