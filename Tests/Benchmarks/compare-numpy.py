"""Times kvatlas's kernels against the same work in numpy and PyTorch, in turns; run by compare-numpy.sh.

One round is one run of `kvatlas bench kernels`, then one of each piece of work here. Ratios are taken within a round
and their median is reported. The others get every advantage that a careful user would give them: arithmetic in
float32, which is faster there, beside float16, which is the work itself; results into arrays that exist; each head by
itself, so that temporaries stay small; codes packed in whatever order comes easiest. Their caches hold fewer heads
than kvatlas's, still several times a last-level cache; times are compared per element.
"""

import argparse
import csv
import json
import os
import platform
import statistics
import subprocess
import sys
import time

parser = argparse.ArgumentParser(description="Times kvatlas against numpy and PyTorch.")
parser.add_argument("--kvatlas", required=True, help="the release build of kvatlas")
parser.add_argument("--rounds", type=int, default=5)
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--tokens", type=int, default=32768, help="of each head, a multiple of 32")
parser.add_argument("--heads", type=int, default=16, help="of the others' caches")
parser.add_argument("--out", default="compare-numpy.csv", help="the CSV file to write")
options = parser.parse_args()
if min(options.rounds, options.threads, options.tokens, options.heads) < 1 or options.tokens % 32:
    parser.error("counts must be at least 1, and tokens a multiple of 32")
# Read when the libraries are loaded.
for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = str(options.threads)

import numpy as np  # noqa: E402

try:
    import torch
except ImportError:
    torch = None

TOKENS, HEADS, CHANNELS, GROUP, BITS = options.tokens, options.heads, 128, 32, 2
LEVELS = (1 << BITS) - 1
ELEMENTS = HEADS * TOKENS * CHANNELS


def part(axis, i):
    """The indices i, i + 4, … along an axis."""
    return (slice(None),) * axis + (slice(i, None, 4),)


def pack(codes, axis):
    """Four codes of 2 bits a byte."""
    first, second, third, fourth = (codes[part(axis, i)] for i in range(4))
    return first | second << 2 | third << 4 | fourth << 6


class Numpy:
    """Each method does one piece of work over all heads."""

    name = "numpy"

    def __init__(self):
        random = np.random.default_rng(3)
        self.halves = random.standard_normal((HEADS, TOKENS, CHANNELS), dtype=np.float32).astype(np.float16)
        self.keys = self.halves.astype(np.float32)
        self.values = self.keys[::-1].copy()
        self.half_values = self.halves[::-1].copy()
        self.target = np.empty_like(self.keys)
        self.half_target = np.empty_like(self.halves)
        self.queries = self.keys[:, 0] / np.float32(CHANNELS**0.5)
        self.packed_keys = self.quantize_keys()
        self.packed_values = self.quantize_values()
        self.check()

    def check(self):
        """That the work timed is the work meant."""
        for dequantize, axis in ((self.dequantize_keys, 1), (self.dequantize_values, 2)):
            worst = np.abs(dequantize() - self.keys).max()
            widest = (self.keys.max(axis=axis) - self.keys.min(axis=axis)).max() / LEVELS
            assert worst < widest, f"error of {worst}, steps of {widest}"

    @staticmethod
    def quantize(x, axis):
        low = x.min(axis=axis, keepdims=True)
        scale = (x.max(axis=axis, keepdims=True) - low) / LEVELS
        codes = np.rint((x - low) / scale).clip(0, LEVELS).astype(np.uint8)
        return pack(codes, axis), scale.astype(np.float16), low.astype(np.float16)

    @staticmethod
    def dequantize(packed, axis, target):
        codes, scale, low = packed
        scale, low = scale.astype(np.float32), low.astype(np.float32)
        for i in range(4):
            np.multiply(codes >> 2 * i & LEVELS, scale, out=target[part(axis, i)])
            target[part(axis, i)] += low

    # Keys: groups of 32 tokens of a channel. Values: groups of 32 channels of a token.
    def quantize_keys(self):
        return [self.quantize(x.astype(np.float32).reshape(-1, GROUP, CHANNELS), 1) for x in self.halves]

    def quantize_values(self):
        return [self.quantize(x.astype(np.float32).reshape(TOKENS, -1, GROUP), 2) for x in self.halves]

    # The same as KIVI rounds it, each step to float16: what kvatlas computes, bit for bit.
    def quantize_keys_in_float16(self):
        return [self.quantize(x.reshape(-1, GROUP, CHANNELS), 1) for x in self.halves]

    def quantize_values_in_float16(self):
        return [self.quantize(x.reshape(TOKENS, -1, GROUP), 2) for x in self.halves]

    def dequantize_keys(self):
        for packed, target in zip(self.packed_keys, self.target):
            self.dequantize(packed, 1, target.reshape(-1, GROUP, CHANNELS))
        return self.target

    def dequantize_values(self):
        for packed, target in zip(self.packed_values, self.target):
            self.dequantize(packed, 2, target.reshape(TOKENS, -1, GROUP))
        return self.target

    def statistics(self):
        """Minimum, maximum, mean, deviation, skewness, kurtosis, largest magnitude, of each channel and token."""
        results = []
        for head in self.halves:
            x = head.astype(np.float32)
            for axis in (0, 1):
                low, high, mean = x.min(axis=axis), x.max(axis=axis), x.mean(axis=axis, keepdims=True)
                centred = x - mean
                square = centred * centred
                variance = square.mean(axis=axis)
                skewness = (square * centred).mean(axis=axis) / variance**1.5
                kurtosis = (square * square).mean(axis=axis) / variance**2
                magnitude = np.maximum(np.abs(low), np.abs(high))
                results.append((low, high, mean, np.sqrt(variance), skewness, kurtosis, magnitude))
        return results

    def attend(self, head, keys, values):
        scores = keys @ self.queries[head]
        scores -= scores.max()
        np.exp(scores, out=scores)
        return (scores @ values) / scores.sum()

    def attention_over_copy(self):
        return [self.attend(head, self.keys[head], self.values[head]) for head in range(HEADS)]

    def attention_over_halves(self):
        return [
            self.attend(head, self.halves[head].astype(np.float32), self.half_values[head].astype(np.float32))
            for head in range(HEADS)
        ]

    def attention_after_dequantizing(self):
        keys, values = np.empty((2, TOKENS, CHANNELS), dtype=np.float32)
        outputs = []
        for head in range(HEADS):
            self.dequantize(self.packed_keys[head], 1, keys.reshape(-1, GROUP, CHANNELS))
            self.dequantize(self.packed_values[head], 2, values.reshape(TOKENS, -1, GROUP))
            outputs.append(self.attend(head, keys, values))
        return outputs

    def half_to_float(self):
        np.copyto(self.target, self.halves)

    def float_to_half(self):
        np.copyto(self.half_target, self.keys, casting="same_kind")


class Torch(Numpy):
    """The same in PyTorch."""

    name = "torch"

    def __init__(self):
        torch.set_num_threads(options.threads)
        generator = torch.Generator().manual_seed(3)
        self.halves = torch.randn((HEADS, TOKENS, CHANNELS), generator=generator).half()
        self.keys = self.halves.float()
        self.values = self.keys.flip(0)
        self.half_values = self.halves.flip(0)
        self.target = torch.empty_like(self.keys)
        self.half_target = torch.empty_like(self.halves)
        self.queries = self.keys[:, 0] / CHANNELS**0.5
        self.packed_keys = self.quantize_keys()
        self.packed_values = self.quantize_values()
        self.check()

    def check(self):
        for dequantize, axis in ((self.dequantize_keys, 1), (self.dequantize_values, 2)):
            worst = (dequantize() - self.keys).abs().max()
            widest = (self.keys.amax(axis) - self.keys.amin(axis)).max() / LEVELS
            assert worst < widest, f"error of {worst}, steps of {widest}"

    @staticmethod
    def quantize(x, axis):
        low, high = torch.aminmax(x, dim=axis, keepdim=True)
        scale = (high - low) / LEVELS
        codes = ((x - low) / scale).round_().clamp_(0, LEVELS).to(torch.uint8)
        return pack(codes, axis), scale.half(), low.half()

    @staticmethod
    def dequantize(packed, axis, target):
        codes, scale, low = packed
        scale, low = scale.float(), low.float()
        for i in range(4):
            target[part(axis, i)] = torch.addcmul(low, (codes >> 2 * i & LEVELS).float(), scale)

    def quantize_keys(self):
        return [self.quantize(x.float().reshape(-1, GROUP, CHANNELS), 1) for x in self.halves]

    def quantize_values(self):
        return [self.quantize(x.float().reshape(TOKENS, -1, GROUP), 2) for x in self.halves]

    def statistics(self):
        results = []
        for head in self.halves:
            x = head.float()
            for axis in (0, 1):
                low, high = torch.aminmax(x, dim=axis)
                variance, mean = torch.var_mean(x, dim=axis, correction=0, keepdim=True)
                centred = x - mean
                square = centred * centred
                variance = variance.squeeze(axis)
                skewness = (square * centred).mean(axis) / variance**1.5
                kurtosis = (square * square).mean(axis) / variance**2
                results.append((low, high, mean, variance.sqrt(), skewness, kurtosis, torch.maximum(-low, high)))
        return results

    def attend(self, head, keys, values):
        return torch.softmax(keys @ self.queries[head], 0) @ values

    def attention_over_halves(self):
        return [
            self.attend(head, self.halves[head].float(), self.half_values[head].float()) for head in range(HEADS)
        ]

    def attention_after_dequantizing(self):
        keys, values = torch.empty((2, TOKENS, CHANNELS))
        outputs = []
        for head in range(HEADS):
            self.dequantize(self.packed_keys[head], 1, keys.reshape(-1, GROUP, CHANNELS))
            self.dequantize(self.packed_values[head], 2, values.reshape(TOKENS, -1, GROUP))
            outputs.append(self.attend(head, keys, values))
        return outputs

    def half_to_float(self):
        self.target.copy_(self.halves)

    def float_to_half(self):
        self.half_target.copy_(self.keys)


# Bytes of one element of keys, or of keys and values together for attention; codes with scales and minima.
PACKED = BITS / 8 + 4 / GROUP
PACKED_PAIR = 2 * PACKED
# What kvatlas names so, its bytes an element, the same work here.
WORK = [
    ("quantize-keys-2bit", 2 + PACKED, "quantize_keys"),
    ("quantize-keys-2bit", 2 + PACKED, "quantize_keys_in_float16"),
    ("quantize-values-2bit", 2 + PACKED, "quantize_values"),
    ("quantize-values-2bit", 2 + PACKED, "quantize_values_in_float16"),
    ("dequantize-keys-2bit", 4 + PACKED, "dequantize_keys"),
    ("dequantize-values-2bit", 4 + PACKED, "dequantize_values"),
    ("statistics-sweep", 2, "statistics"),
    ("half-to-float", 6, "half_to_float"),
    ("float-to-half", 6, "float_to_half"),
    ("attention-float32", 8, "attention_over_copy"),
    ("attention-float16", 4, "attention_over_halves"),
    ("attention-kivi2-fast", PACKED_PAIR, "attention_over_copy"),
    ("attention-kivi2-fast", PACKED_PAIR, "attention_after_dequantizing"),
    ("attention-kivi2-exact", PACKED_PAIR, "attention_over_copy"),
    ("attention-kivi2-exact", PACKED_PAIR, "attention_after_dequantizing"),
]


def kvatlas(*arguments):
    result = subprocess.run([options.kvatlas, *arguments], stdout=subprocess.PIPE, text=True)
    if result.returncode:
        sys.exit(f"error: kvatlas {' '.join(arguments)} failed")
    return json.loads(result.stdout)


def run_kernels(names):
    """Memory-resident rows of one run, by name."""
    rows = kvatlas(
        "bench", "kernels", "--json", "-", "--quiet", "--seconds", "0.2", "--filter", ",".join(names),
        "--threads", str(options.threads), "--tokens", str(TOKENS), "--head-dim", str(CHANNELS),
    )
    return {row["name"]: row for row in rows if row["residence"] == "memory"}


def blas():
    """What numpy's products run on."""
    try:
        import threadpoolctl
    except ImportError:
        return "BLAS unknown"
    found = [pool for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"]
    return ", ".join(f"{pool['internal_api']} {pool['version']} {pool.get('architecture', '')}" for pool in found)


def processor():
    try:
        with open("/proc/cpuinfo") as lines:
            return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


known = {entry["id"] for entry in kvatlas("list", "benchmarks", "--json")}
work = [item for item in WORK if item[0] in known]
others = [Numpy()] + ([Torch()] if torch else [])
ratios = {}
rates = {}
isa = ""
for round_number in range(options.rounds):
    print(f"round {round_number + 1} of {options.rounds}", file=sys.stderr)
    kernels = run_kernels(sorted({name for name, _, _ in work}))
    for other in others:
        for name, element_bytes, method in work:
            run = getattr(other, method)
            if round_number == 0:
                run()  # Pages, threads and caches as later rounds find them.
            start = time.perf_counter()
            run()
            seconds = time.perf_counter() - start
            rate = element_bytes * ELEMENTS / seconds / 1e9
            ours = kernels[name]["gigabytesPerSecond"]
            isa = kernels[name]["isa"]
            key = (name, other.name, method)
            ratios.setdefault(key, []).append(ours / rate)
            rates.setdefault(key, []).append((ours, rate))

header = [
    "kernel", "other", "work", "kvatlas_gigabytes_per_second", "other_gigabytes_per_second", "ratio",
    "ratio_lowest", "ratio_highest", "rounds", "threads", "tokens", "head_dim", "isa",
]
rows = [
    [
        *key, f"{statistics.median(ours for ours, _ in rates[key]):.4g}",
        f"{statistics.median(theirs for _, theirs in rates[key]):.4g}", f"{statistics.median(values):.4g}",
        f"{min(values):.4g}", f"{max(values):.4g}", options.rounds, options.threads, TOKENS, CHANNELS, isa,
    ]
    for key, values in ratios.items()
]
# Whole or not at all.
with open(options.out + ".partial", "w", newline="") as file:
    csv.writer(file, lineterminator="\n").writerows([header] + rows)
os.replace(options.out + ".partial", options.out)

versions = [f"Python {platform.python_version()}", f"numpy {np.__version__} ({blas()})"]
if torch:
    versions.append(f"torch {torch.__version__}")
print(f"{processor()}; kvatlas {isa}; {', '.join(versions)}; {options.threads} thread(s)")
print(f"{TOKENS} tokens of {CHANNELS} channels, groups of {GROUP}; GB/s count the bytes that kvatlas must move")
columns = [row[:8] for row in [["kernel", "other", "work", "kvatlas", "other", "ratio", "lowest", "highest"]] + rows]
widths = [max(len(row[i]) for row in columns) for i in range(8)]
for row in columns:
    cells = [cell.ljust(width) if i < 3 else cell.rjust(width) for i, (cell, width) in enumerate(zip(row, widths))]
    print("  ".join(cells))
