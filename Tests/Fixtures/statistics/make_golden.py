"""Golden statistics from numpy and scipy in float64: writes golden.json beside this file.

Needs numpy and scipy. The elements are stored as float16 bits [token, head, channel], so that the
test does not depend on how a random generator works.
"""

import json
import pathlib

import numpy
import scipy.stats

TOKENS, HEADS, CHANNELS = 600, 2, 4


def make_elements():
    """Head 0: Gaussian, outlier channel, skewed, constant; head 1: heavy tails, one outlier, NaN and infinity, uniform."""
    generator = numpy.random.default_rng(20240601)
    x = numpy.empty((TOKENS, HEADS, CHANNELS))
    x[:, 0, 0] = generator.normal(0.25, 1.0, TOKENS)
    x[:, 0, 1] = generator.normal(-60.0, 4.0, TOKENS)
    x[:, 0, 2] = generator.exponential(0.5, TOKENS)
    x[:, 0, 3] = 1.625
    x[:, 1, 0] = generator.standard_t(3, TOKENS)
    x[:, 1, 1] = generator.normal(0.0, 0.01, TOKENS)
    x[300, 1, 1] = 250.0
    x[:, 1, 2] = generator.normal(0.0, 1.0, TOKENS)
    x[[0, 255, 256, 511], 1, 2] = [numpy.nan, numpy.inf, -numpy.inf, numpy.nan]
    x[:, 1, 3] = generator.uniform(-1.0, 1.0, TOKENS)
    return x.astype(numpy.float16)


def describe(values, mean, deviation, median_channel):
    """One row of statistics over the finite elements of `values`; None where the definition gives no value."""
    flat = values.astype(numpy.float64).ravel()
    x = flat[numpy.isfinite(flat)]
    constant = bool(numpy.all(x == x[0]))
    quantile = {
        name: float(numpy.quantile(x, p, method="inverted_cdf"))
        for name, p in [("001", 0.001), ("01", 0.01), ("50", 0.5), ("99", 0.99), ("999", 0.999)]
    }
    return {
        "count": len(x),
        "minimum": float(x.min()),
        "maximum": float(x.max()),
        "mean": float(x.mean()),
        "standard_deviation": float(x.std()),
        "absolute_maximum": float(numpy.abs(x).max()),
        "mean_absolute": float(numpy.abs(x).mean()),
        "excess_kurtosis": None if constant else float(scipy.stats.kurtosis(x, fisher=True, bias=True)),
        **{f"quantile_{name}": value for name, value in quantile.items()},
        "outlier_share_6sigma": float(numpy.mean(numpy.abs(x - mean) > 6 * deviation)),
        "range_to_median_channel": float(numpy.abs(x).max() / median_channel),
        "nonfinite": int(len(flat) - len(x)),
        "not_a_number": int(numpy.isnan(flat).sum()),
        "share_at_least_6": float(numpy.mean(numpy.abs(x) >= 6)),
        "share_at_least_100": float(numpy.mean(numpy.abs(x) >= 100)),
    }


def main():
    elements = make_elements()
    wide = elements.astype(numpy.float64)
    finite = numpy.where(numpy.isfinite(wide), wide, numpy.nan)
    mean, deviation = numpy.nanmean(finite), numpy.nanstd(finite)
    maxima = numpy.nanmax(numpy.abs(finite), axis=0)
    context = (mean, deviation, numpy.median(maxima))
    shown_tokens = [0, 1, 255, 256, 300, 599]
    golden = {
        "tokens": TOKENS,
        "heads": HEADS,
        "channels": CHANNELS,
        "bits": elements.view(numpy.uint16).ravel().tolist(),
        "channel": [describe(elements[:, h, c], *context) for h in range(HEADS) for c in range(CHANNELS)],
        "head": [describe(elements[:, h], *context) for h in range(HEADS)],
        "layer": [describe(elements, *context)],
        "shown_tokens": shown_tokens,
        "token": [describe(elements[t, h], *context) for t in shown_tokens for h in range(HEADS)],
        "outlier_channels_5x": int((maxima > 5 * context[2]).sum()),
        "outlier_channels_10x": int((maxima > 10 * context[2]).sum()),
    }
    path = pathlib.Path(__file__).with_name("golden.json")
    path.write_text(json.dumps(golden, separators=(",", ":")) + "\n")


main()
