"""Golden numbers of the structure study from numpy and scipy in float64: writes structure.json beside this file.

Needs numpy and scipy. Keys of two layers are stored as float16 bits [token, head, channel], so that the test does not
depend on how a random generator works.
"""

import json
import pathlib

import numpy
import scipy.linalg
import scipy.stats

TOKENS, HEADS, CHANNELS = 96, 2, 16


def make_layers():
    """A first layer with a slow drift, an outlier channel and a heavy tail; a second that half follows from it."""
    generator = numpy.random.default_rng(20261128)
    first = generator.normal(size=(TOKENS, HEADS, CHANNELS))
    first[:, 0, 3] = 25 + 2 * first[:, 0, 3]
    first[:, 1] = generator.standard_t(4, (TOKENS, CHANNELS)) + numpy.sin(numpy.arange(TOKENS) / 9)[:, None]
    mixing = generator.normal(size=(HEADS * CHANNELS, HEADS * CHANNELS)) / 4
    flat = first.reshape(TOKENS, -1)
    second = (flat @ mixing + 0.5 * generator.normal(size=flat.shape) + 1).reshape(first.shape)
    return [layer.astype(numpy.float16) for layer in (first, second)]


def spectrum(head):
    values = numpy.linalg.svd(head, compute_uv=False)
    share = values / values.sum()
    energy = numpy.cumsum(values**2) / (values**2).sum()
    return {
        "singular_values": values.tolist(),
        "effective_rank": float(numpy.exp(-(share * numpy.log(share)).sum())),
        "stable_rank": float((values**2).sum() / values[0] ** 2),
        "components_90": int(numpy.searchsorted(energy, 0.9) + 1),
        "components_99": int(numpy.searchsorted(energy, 0.99) + 1),
    }


def locality(head):
    def cosine(rows):
        norms = numpy.linalg.norm(rows, axis=1)
        return float(((rows[1:] * rows[:-1]).sum(axis=1) / (norms[1:] * norms[:-1])).mean())

    return {
        "neighbour_cosine_centred": cosine(head - head.mean(axis=0)),
        "neighbour_cosine": cosine(head),
        "delta_variance_ratio": float(numpy.diff(head, axis=0).var(axis=0).sum() / head.var(axis=0).sum()),
    }


def tile(head):
    rows, columns = head.std(axis=1), head.std(axis=0)
    return {"row_imbalance": float(rows.max() / rows.min()), "column_imbalance": float(columns.max() / columns.min())}


def effects(x):
    """Kurtosis of the elements; distance and tails of coordinates of vectors scaled to length √D."""
    unit = x / numpy.linalg.norm(x, axis=-1, keepdims=True) * numpy.sqrt(CHANNELS)
    return {
        "excess_kurtosis": float(scipy.stats.kurtosis(x.ravel(), fisher=True, bias=True)),
        "absolute_maximum": float(numpy.abs(x).max()),
        "ks_distance": float(scipy.stats.kstest(unit.ravel(), "norm").statistic),
        "tail_mass_9973": float((numpy.abs(unit) > 3).mean()),
    }


def prediction(before, after):
    """Ridge regression with a constant, learnt on the first half, tried on the second; the variance of differences."""
    half = TOKENS // 2
    x = numpy.hstack([before.reshape(TOKENS, -1), numpy.ones((TOKENS, 1))])
    y = after.reshape(TOKENS, -1)
    gram = x[:half].T @ x[:half]
    gram += numpy.eye(len(gram)) * 1e-3 * numpy.trace(gram) / len(gram)
    weights = numpy.linalg.solve(gram, x[:half].T @ y[:half])
    rest = x[half:] @ weights - y[half:]
    return {
        "unexplained_variance": float((rest**2).sum() / ((y[half:] - y[half:].mean(axis=0)) ** 2).sum()),
        "delta_variance_ratio": float((after - before).var(axis=0).sum() / after.var(axis=0).sum()),
    }


def main():
    layers = make_layers()
    first, second = (layer.astype(numpy.float64) for layer in layers)
    hadamard = scipy.linalg.hadamard(CHANNELS) / numpy.sqrt(CHANNELS)
    maxima = [numpy.abs(part.reshape(len(part), -1)).max(axis=0) for part in numpy.split(first, 2)]
    probabilities = [2.0**-14, 0.001, 0.025, 0.2, 0.5, 0.7, 0.975, 1 - 2.0**-14]
    golden = {
        "tokens": TOKENS,
        "heads": HEADS,
        "channels": CHANNELS,
        "layers": [layer.view(numpy.uint16).ravel().tolist() for layer in layers],
        "spectrum": [spectrum(first[:, head]) for head in range(HEADS)],
        "locality": [locality(first[:, head]) for head in range(HEADS)],
        "tiles": [tile(first[:, head]) for head in range(HEADS)],
        "effects": {"none": effects(first), "hadamard": effects(first @ hadamard)},
        "cross_layer": prediction(first, second),
        "outliers_of_halves": [int((part > 5 * numpy.median(part)).sum()) for part in maxima],
        "spearman_of_halves": float(scipy.stats.spearmanr(*maxima).statistic),
        "probabilities": probabilities,
        "normal_quantiles": [float(scipy.stats.norm.ppf(p)) for p in probabilities],
    }
    path = pathlib.Path(__file__).with_name("structure.json")
    path.write_text(json.dumps(golden, separators=(",", ":")) + "\n")


main()
