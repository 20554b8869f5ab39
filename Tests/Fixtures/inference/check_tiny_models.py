"""Holds the tiny models' GGUF files to llama.cpp's own converter and engine, which share no code with ours.

    python check_tiny_models.py LLAMA_CPP        a checkout of llama.cpp, for conversion/; llama-cpp-python has one in its
                                                 source package, at vendor/llama.cpp

Needs torch, transformers, gguf and llama-cpp-python (made with 0.3.36). For each variant
1. llama.cpp's converter makes a GGUF file of the Hugging Face folder: all its tensors are those of ours, and so are the
   keys that it writes of the architecture;
2. llama.cpp runs our file, its weights in float32: its logits are those of transformers, to 1e-4 of a value or of their
   root mean square; to 3e-3 where there is GELU, for which llama.cpp has a table in float16. It sees no window in Llama's
   architecture, so Mistral's logits are compared before the window's end.
"""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

import gguf
import llama_cpp
import numpy as np
from make_llama_cpp_golden import write_float32

TINY = pathlib.Path(__file__).parent / "tiny"
CLASSES = {"falcon": "FalconForCausalLM", "gemma3_text": "Gemma3ForCausalLM", "llama": "LlamaForCausalLM",
           "mistral": "MistralForCausalLM", "qwen2": "Qwen2ForCausalLM", "qwen3": "Qwen3ForCausalLM"}
# The converter writes these as they are in every Falcon model.
FIXED = {"falcon.context_length", "falcon.feed_forward_length"}
# The converter knows tokenizers by a hash, and refuses those of nobody's.
CONVERT = """
import runpy, sys
sys.path.insert(0, {folder!r})
from conversion.base import TextModel
TextModel.get_vocab_base_pre = lambda self, tokenizer: "smollm"
sys.argv = ["convert_hf_to_gguf.py", {source!r}, "--outfile", {target!r}, "--outtype", "f32"]
runpy.run_path({folder!r} + "/convert_hf_to_gguf.py", run_name="__main__")
"""


def tensors(reader: gguf.GGUFReader) -> dict:
    result = {}
    for tensor in reader.tensors:
        values = gguf.dequantize(tensor.data, tensor.tensor_type)
        result[tensor.name] = values.reshape(tuple(reversed(tensor.shape.tolist())))
    return result


def keys(reader: gguf.GGUFReader) -> dict:
    architecture = reader.fields["general.architecture"].contents()
    return {key: field.contents() for key, field in reader.fields.items() if key.startswith(architecture + ".")}


def compare_files(ours: gguf.GGUFReader, theirs: gguf.GGUFReader) -> list[str]:
    problems = []
    mine, its = tensors(ours), tensors(theirs)
    for name in sorted(mine.keys() | its.keys()):
        if name not in mine or name not in its:
            problems.append(f"{name} is only in {'ours' if name in mine else 'theirs'}")
        elif mine[name].shape != its[name].shape:
            problems.append(f"{name} has shape {mine[name].shape}, theirs {its[name].shape}")
        elif not np.allclose(mine[name], its[name], rtol=1e-6, atol=0):
            problems.append(f"{name} differs by {np.abs(mine[name] - its[name]).max():.3g}")
    mine, its = keys(ours), keys(theirs)
    for key in sorted((mine.keys() & its.keys()) - FIXED):
        same = mine[key] == its[key] if not isinstance(mine[key], float) else np.isclose(mine[key], its[key], rtol=1e-6)
        if not same:
            problems.append(f"{key} is {mine[key]}, theirs {its[key]}")
    only = [f"ours {sorted(mine.keys() - its.keys())}", f"theirs {sorted(its.keys() - mine.keys())}"]
    print("   keys only in " + "; only in ".join(only))
    return problems


def convert(folder: str, name: str, temporary: str) -> str:
    """Makes theirs.gguf of a tiny folder, with what a saved model has beside; what went wrong, or an empty string."""
    source = pathlib.Path(temporary) / name
    shutil.copytree(TINY / name, source)
    config = json.loads((source / "config.json").read_text())
    config["architectures"] = [CLASSES[config["model_type"]]]
    if config.get("multi_query") and not config["new_decoder_architecture"]:
        config["num_kv_heads"] = 1  # Real ones have no such key, which the converter takes for 1.
    (source / "config.json").write_text(json.dumps(config))
    (source / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "PreTrainedTokenizerFast"}))
    script = CONVERT.format(folder=folder, source=str(source), target=temporary + "/theirs.gguf")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    return "" if done.returncode == 0 else (done.stderr.strip().splitlines() or ["?"])[-1]


def logits(path: str, tokens: list[int]) -> np.ndarray:
    model = llama_cpp.Llama(path, n_ctx=256, logits_all=True, type_k=0, type_v=0, n_threads=1, flash_attn=False,
                            verbose=False)
    model.eval(tokens)
    return np.array(model.scores[: len(tokens)])


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    folder, failed = sys.argv[1], False
    for file in sorted(TINY.glob("*.gguf")):
        print(file.stem)
        ours, golden = gguf.GGUFReader(file), json.loads(file.with_suffix(".json").read_text())
        expected = np.fromfile(file.with_suffix(".bin"), "<f4")[: np.prod(golden["logits"])].reshape(golden["logits"])
        with tempfile.TemporaryDirectory() as temporary:
            problem = convert(folder, file.stem, temporary)
            problems = [f"not converted: {problem}"] if problem else []
            if not problem:
                problems = compare_files(ours, gguf.GGUFReader(temporary + "/theirs.gguf"))
            write_float32(str(file), temporary + "/float32.gguf")
            try:
                config = json.loads((TINY / file.stem / "config.json").read_text())
                seen = config["sliding_window"] if config["model_type"] == "mistral" else len(golden["tokens"])
                found = logits(temporary + "/float32.gguf", golden["tokens"])
                # As in TinyModelTests: relative to the value, or to the root mean square.
                size = np.maximum(np.abs(expected), np.sqrt(np.mean(expected**2)))
                error = (np.abs(found - expected) / size)[:seen].max()
                print(f"   logits of {seen} tokens differ by {error:.2g}")
                if error > (3e-3 if config["model_type"] in ("falcon", "gemma3_text") else 1e-4):
                    problems.append("logits differ by more than they may")
            except ValueError as error:
                problems.append(f"llama.cpp cannot run it: {error}")
        for problem in problems:
            print("   " + problem)
        failed = failed or bool(problems)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
