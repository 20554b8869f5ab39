#!/usr/bin/env python3
"""Makes small-floats.txt: what ml_dtypes makes of every half-precision number.

    pip install numpy ml_dtypes && python3 Tests/Fixtures/quantization/make-small-floats.py

A line a format: its name, then an FNV-1a hash of the codes of each 256 neighbouring halves, 256 hashes. Numbers beyond
the largest of a format are set to it first, since our formats saturate; NaN and infinities count as code 255.
"""
import pathlib

import ml_dtypes
import numpy as np

FORMATS = {
    "e4m3": (ml_dtypes.float8_e4m3fn, 448.0),
    "e5m2": (ml_dtypes.float8_e5m2, 57344.0),
    "e3m2": (ml_dtypes.float6_e3m2fn, 28.0),
    "e2m3": (ml_dtypes.float6_e2m3fn, 7.5),
    "e2m1": (ml_dtypes.float4_e2m1fn, 6.0),
}


def fnv(codes):
    value = 0xCBF29CE484222325
    for code in codes:
        value = (value ^ int(code)) * 0x100000001B3 % (1 << 64)
    return value


halves = np.arange(1 << 16, dtype=np.uint16).view(np.float16).astype(np.float32)
finite = np.isfinite(halves)
lines = []
for name, (kind, largest) in FORMATS.items():
    clipped = np.clip(np.where(finite, halves, 0), -largest, largest)
    codes = np.where(finite, clipped.astype(kind).view(np.uint8), 255)
    lines.append(name + " " + " ".join(f"{fnv(codes[i : i + 256]):x}" for i in range(0, 1 << 16, 256)))
path = pathlib.Path(__file__).with_name("small-floats.txt")
path.write_text("\n".join(lines) + "\n")
print(path, path.stat().st_size, "bytes")
