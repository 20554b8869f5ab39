"""Times kvatlas's statistics of a capture against numpy with h5py; run by compare-numpy-statistics.sh.

One round is one run of `kvatlas bench statistics` with one round (plain read of memory, then the statistics, in one
process), one of `kvatlas stats` as a user runs it (tables and statistics.h5 included), and one pass here: chunk by
chunk through h5py, sums of powers in float64 about the first chunk's mean, extremes, counts of large and nonfinite
elements, for each channel of each tensor; quantiles from the same number of tokens by a sort. numpy runs on one
thread, as it does; a second figure gives it as many processes as kvatlas has threads.
"""

import argparse
import csv
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import h5py  # noqa: E402
import numpy as np  # noqa: E402

parser = argparse.ArgumentParser(description="Times kvatlas's statistics against numpy and h5py.")
parser.add_argument("--kvatlas", required=True)
parser.add_argument("--capture", required=True)
parser.add_argument("--rounds", type=int, default=3)
parser.add_argument("--threads", type=int, default=os.cpu_count())
options = parser.parse_args()

SAMPLE = 8192


def datasets(file):
    """(layer, tensor) of all tensors."""
    return [
        (int(layer), tensor)
        for layer in sorted(file["layers"])
        for tensor in ("query", "key", "key_pre_rope", "value")
        if tensor in file["layers"][layer]
    ]


def describe(arguments):
    """One pass over one tensor: a dictionary of arrays [channel]."""
    path, layer, tensor = arguments
    with h5py.File(path, "r") as file:
        data = file[f"layers/{layer:03d}/{tensor}"]
        tokens, width = data.shape[0], data.shape[1] * data.shape[2]
        rows = data.chunks[0]
        shift = None
        sums = np.zeros((4, width))
        absolute, count = np.zeros(width), np.zeros(width)
        six, hundred = np.zeros(width), np.zeros(width)
        low, high = np.full(width, np.inf), np.full(width, -np.inf)
        sample = []
        step = max(1, tokens // SAMPLE)
        for first in range(0, tokens, rows):
            block = data[first : first + rows].reshape(-1, width)
            sample.append(block[(-first) % step :: step])
            x = block.astype(np.float64)
            finite = np.isfinite(x)
            if not finite.all():
                raise SystemExit("the generated capture holds numbers that are not finite")
            if shift is None:
                shift = x.mean(axis=0)
            magnitude = np.abs(x)
            absolute += magnitude.sum(axis=0)
            six += (magnitude >= 6).sum(axis=0)
            hundred += (magnitude >= 100).sum(axis=0)
            low, high = np.minimum(low, x.min(axis=0)), np.maximum(high, x.max(axis=0))
            count += len(x)
            x -= shift
            power = x.copy()
            for k in range(4):
                sums[k] += power.sum(axis=0)
                if k < 3:
                    power *= x
        quantiles = np.quantile(np.concatenate(sample), [0.001, 0.01, 0.5, 0.99, 0.999], axis=0, method="inverted_cdf")
    d = sums[0] / count
    m2 = sums[1] / count - d**2
    m3 = sums[2] / count - 3 * d * sums[1] / count + 2 * d**3
    m4 = sums[3] / count - 4 * d * sums[2] / count + 6 * d**2 * sums[1] / count - 3 * d**4
    mean = shift + d
    return {
        "count": count,
        "minimum": low,
        "maximum": high,
        "absolute_maximum": np.maximum(-low, high),
        "mean": mean,
        "standard_deviation": np.sqrt(m2),
        "mean_absolute": absolute / count,
        "excess_kurtosis": m4 / m2**2 - 3,
        "skewness": m3 / m2**1.5,
        "root_mean_square": np.sqrt(m2 + mean**2),
        "norm": np.sqrt((m2 + mean**2) * count),
        "share_at_least_6": six / count,
        "share_at_least_100": hundred / count,
        "_quantiles": quantiles,
    }


def numpy_pass(processes):
    with h5py.File(options.capture, "r") as file:
        work = [(options.capture, layer, tensor) for layer, tensor in datasets(file)]
    start = time.perf_counter()
    if processes == 1:
        found = [describe(item) for item in work]
    else:
        with ProcessPoolExecutor(processes) as pool:
            found = list(pool.map(describe, work))
    return time.perf_counter() - start, {item[1:]: result for item, result in zip(work, found)}


def run(arguments, **keywords):
    return subprocess.run([options.kvatlas, *arguments], check=True, text=True, **keywords)


def command_line(folder):
    """Seconds and peak bytes of `kvatlas stats`."""
    start = time.perf_counter()
    process = subprocess.Popen(
        [options.kvatlas, "stats", options.capture, "--by", "channel,head,layer", "--out", folder, "--overwrite",
         "--quiet", "--threads", str(options.threads)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit("kvatlas stats failed")
    return time.perf_counter() - start, usage.ru_maxrss * 1024


def compare(folder, found):
    """Largest difference of each column, relative to what its error is relative to."""
    worst = {}
    outside = total = 0
    with open(os.path.join(folder, "statistics-channel.csv"), newline="") as file:
        for row in csv.DictReader(file):
            theirs = found[int(row["layer"]), row["tensor"]]
            channels = len(theirs["mean"])
            heads = max(1, channels // HEAD_DIM)
            place = int(row["head"]) * (channels // heads) + int(row["channel"])
            for name, values in theirs.items():
                if name.startswith("_"):
                    continue
                ours, value = float(row[name]), values[place]
                scale = {
                    # Against the magnitudes that made them: these cancel.
                    "mean": theirs["mean_absolute"][place],
                    "excess_kurtosis": abs(value) + 3,
                    "skewness": abs(value) + 1,
                }.get(name, abs(value))
                error = abs(ours - value) / scale if scale else abs(ours - value)
                worst[name] = max(worst.get(name, 0), error)
            # Two samples of the same tensor: ranks apart by their deviations, values by the bin's width.
            for p, name, value in zip(
                (0.01, 0.5, 0.99), ("quantile_01", "quantile_50", "quantile_99"), theirs["_quantiles"][1:4, place]
            ):
                total += 1
                spread = theirs["standard_deviation"][place] * 5 * (2 / SAMPLE) ** 0.5 * {0.5: 1.25}.get(p, 3.7)
                outside += abs(float(row[name]) - value) > abs(value) / 32 + spread
    return worst, outside, total


with h5py.File(options.capture, "r") as file:
    HEAD_DIM = int(file["model"].attrs["head_dim"])
    bytes_read = sum(file[f"layers/{layer:03d}/{tensor}"].size * 2 for layer, tensor in datasets(file))
    # Brings all pages into memory.
    with open(options.capture, "rb") as raw:
        while raw.read(64 << 20):
            pass

print(f"{bytes_read / 1e9:.2f} GB of tensors, {options.threads} thread(s), {options.rounds} round(s)")
read, study, shares, cli, peak, one, several = [], [], [], [], [], [], []
with tempfile.TemporaryDirectory() as folder:
    for _ in range(options.rounds):
        bench = json.loads(
            run(
                ["bench", "statistics", options.capture, "--rounds", "3", "--json", "--quiet", "--threads",
                 str(options.threads)],
                capture_output=True,
            ).stdout
        )
        read += bench["memory_read_gb_s"]
        study += bench["statistics_gb_s"]
        shares += bench["shares"]
        seconds, memory = command_line(folder)
        cli.append(bytes_read / seconds / 1e9)
        peak.append(memory)
        seconds, found = numpy_pass(1)
        one.append(bytes_read / seconds / 1e9)
        seconds, _ = numpy_pass(options.threads)
        several.append(bytes_read / seconds / 1e9)
    worst, outside, total = compare(folder, found)

middle = statistics.median
print(f"plain read of memory         {middle(read):8.2f} GB/s")
print(f"statistics, in one process   {middle(study):8.2f} GB/s   {100 * middle(shares):.0f} % of the read (pair by pair)")
print(f"kvatlas stats, with its files{middle(cli):8.2f} GB/s   {100 * middle(cli) / middle(read):.0f} % of the read; "
      f"peak memory {max(peak) / 1e6:.0f} MB")
print(f"numpy and h5py, one process  {middle(one):8.3f} GB/s   kvatlas stats is {middle(cli) / middle(one):.1f} times as fast, "
      f"the statistics alone {middle(study) / middle(one):.1f} times")
print(f"the same, {options.threads} processes        {middle(several):8.3f} GB/s   {middle(cli) / middle(several):.1f} times")
print(f"numpy's peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3:.0f} MB")
print("largest relative difference from float64:")
for name, error in worst.items():
    print(f"  {name:20s} {error:.1e}")
print(f"quantiles outside of bin width and five deviations: {outside} of {total}")
if max(worst.values()) > 1e-6 or outside > total / 1000:
    sys.exit("the numbers differ")
