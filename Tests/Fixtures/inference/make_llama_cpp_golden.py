"""Golden values from llama.cpp running on weights dequantized to float32, with a float32 cache.

llama.cpp rounds activations to 8 bits for quantized weights, which we do not: on float32 weights the two
engines compute the same function. Makes NAME-llama-cpp.json.

    python make_llama_cpp_golden.py MODEL.gguf NAME [WIKITEXT.txt]

Needs numpy, gguf, llama-cpp-python 0.3.36. The float32 file goes to a temporary folder and is removed.
"""

import json
import os
import pathlib
import sys
import tempfile

import gguf
import numpy as np
from llama_cpp import Llama

PROMPTS = [
    "The three largest cities of France are",
    "def fibonacci(n):\n    \"\"\"Return the n-th Fibonacci number.\"\"\"\n",
    "Am Rand des Meeres steht ein Haus, in dem",
]
CONTINUATION = 32
WINDOW = 512
WIKITEXT_WINDOWS = 20
TOP = 5


def write_float32(source, target):
    reader = gguf.GGUFReader(source)
    architecture = reader.get_field("general.architecture").contents()
    writer = gguf.GGUFWriter(target, architecture)
    for field in reader.fields.values():
        if field.name.startswith("GGUF.") or field.name == "general.architecture":
            continue
        kind = field.types[0]
        element = field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None
        value = int(gguf.LlamaFileType.ALL_F32) if field.name == "general.file_type" else field.contents()
        writer.add_key_value(field.name, value, kind, sub_type=element)
    for tensor in reader.tensors:
        writer.add_tensor(tensor.name, gguf.dequantize(tensor.data, tensor.tensor_type).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def top_logits(row):
    ids = np.argsort(-row, kind="stable")[:TOP]
    return {"ids": ids.tolist(), "logits": [float(value) for value in row[ids]]}


def open_model(path):
    """float32 cache, logits of all tokens."""
    return Llama(
        path, n_ctx=WINDOW, n_batch=WINDOW, logits_all=True, type_k=0, type_v=0, flash_attn=False, n_threads=2,
        n_threads_batch=2, verbose=False,
    )


def tokenize(model, text, special=False):
    """With the begin token if the model wants one."""
    return model.tokenize(text, add_bos=model._model.add_bos_token(), special=special)


def continuation(model, prompt):
    """Greedy tokens, the gap between the two largest logits at each, and the first step's top logits."""
    tokens = tokenize(model, prompt.encode(), special=True)
    result = {"prompt": prompt, "tokens": tokens, "greedy": [], "gap_to_second": []}
    model.reset()
    pending = tokens
    for _ in range(CONTINUATION):
        model.eval(pending)
        row = model.scores[model.n_tokens - 1]
        top = top_logits(row)
        result.setdefault("first_step", top)
        result["greedy"].append(top["ids"][0])
        result["gap_to_second"].append(top["logits"][0] - top["logits"][1])
        pending = [top["ids"][0]]
    return result


def perplexity(model, tokens, windows):
    """Mean negative log-likelihood of tokens 257…511 of each window, every window on an empty cache."""
    losses = []
    for window in range(windows):
        ids = tokens[window * WINDOW : (window + 1) * WINDOW]
        model.reset()
        model.eval(ids)
        for place in range(WINDOW // 2, WINDOW - 1):
            row = model.scores[place].astype(np.float64)
            largest = row.max()
            losses.append(largest + np.log(np.exp(row - largest).sum()) - row[ids[place + 1]])
        print(f"window {window}: {np.exp(np.mean(losses)):.4f}", flush=True)
    return {"windows": windows, "scored": len(losses), "perplexity": float(np.exp(np.mean(losses)))}


def main(source, name, wikitext):
    folder = pathlib.Path(__file__).parent
    result = {"made_by": "make_llama_cpp_golden.py", "engine": "llama-cpp-python 0.3.36, float32 weights and cache"}
    with tempfile.TemporaryDirectory() as temporary:
        target = os.path.join(temporary, "float32.gguf")
        write_float32(source, target)
        model = open_model(target)
        result["continuations"] = [continuation(model, prompt) for prompt in PROMPTS]
        text = (folder / "alice.txt").read_text()
        tokens = tokenize(model, text.encode())
        result["alice"] = {"tokens": len(tokens), **perplexity(model, tokens, len(tokens) // WINDOW)}
        result["alice_ids"] = tokens
        if wikitext:
            tokens = tokenize(model, pathlib.Path(wikitext).read_bytes())
            result["wikitext"] = {"tokens": len(tokens), **perplexity(model, tokens, WIKITEXT_WINDOWS)}
    (folder / f"{name}-llama-cpp.json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else None)
