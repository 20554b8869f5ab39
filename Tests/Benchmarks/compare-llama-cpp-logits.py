"""Writes the logits that llama.cpp gives for a text, for LlamaCppLogitTests; run by compare-llama-cpp-logits.sh.

The weights are dequantized to float32, since llama.cpp rounds activations to 8 bits for quantized ones, and the cache is
float32. One file a model, NAME.logits, little-endian: bytes of the path as int32 and the path of the model file; T and
V as int32; token ids int32 [T]; logits float32 [T, V].

--likeliest writes NAME-llama-cpp-logits.bin instead, a fixture of LikeliestLogitTests, in the format of make_gemma3_golden.py.
"""

import argparse
import os
import pathlib
import sys
import tempfile

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "Fixtures/inference"))
from make_llama_cpp_golden import WINDOW, open_model, tokenize, write_float32  # noqa: E402


LIKELIEST = 16


def write_likeliest(path, tokens, logits):
    ids = np.argsort(-logits, axis=1, kind="stable")[:, :LIKELIEST]
    largest = logits.max(axis=1, keepdims=True).astype(np.float64)
    sums = np.log(np.exp(logits - largest).sum(axis=1)) + largest[:, 0]
    with open(path, "wb") as file:
        for values, kind in [([len(tokens), LIKELIEST], "<i4"), (tokens, "<i4"), (ids, "<i4"),
                             (np.take_along_axis(logits, ids, 1), "<f4"), (sums, "<f4")]:
            file.write(np.asarray(values).astype(kind).tobytes())
    print(f"{path}: {len(tokens)} tokens", flush=True)


def main():
    parser = argparse.ArgumentParser(description="Writes llama.cpp's logits on float32 weights.")
    parser.add_argument("models", nargs="+", help="GGUF files")
    parser.add_argument("--text", required=True)
    parser.add_argument("--out", required=True, help="the folder to write to")
    parser.add_argument("--likeliest", metavar="NAME", help="write a fixture of this name with the likeliest tokens alone")
    options = parser.parse_args()
    for source in map(os.path.abspath, options.models):
        with tempfile.TemporaryDirectory(dir=options.out) as temporary:
            target = os.path.join(temporary, "float32.gguf")
            write_float32(source, target)
            model = open_model(target)
            tokens = tokenize(model, pathlib.Path(options.text).read_bytes())[:WINDOW]
            if len(tokens) < WINDOW:
                sys.exit(f"error: {options.text} has {len(tokens)} tokens, expected {WINDOW}; give a longer text")
            model.eval(tokens)
        if options.likeliest:
            write_likeliest(os.path.join(options.out, options.likeliest + "-llama-cpp-logits.bin"), tokens, model.scores)
            continue
        name = os.path.splitext(os.path.basename(source))[0] + ".logits"
        with open(os.path.join(options.out, name), "wb") as file:
            path = source.encode()
            file.write(np.array(len(path), "<i4").tobytes() + path)
            file.write(np.array(model.scores.shape, "<i4").tobytes())
            file.write(np.array(tokens, "<i4").tobytes())
            model.scores.astype("<f4").tofile(file)
        print(f"{name}: {len(tokens)} tokens", flush=True)
        del model


if __name__ == "__main__":
    main()
