"""Writes a model with its weights in other types, by llama.cpp's own quantizer, for compare-llama-cpp.sh.

    PYTHONPATH=.build-python/llama-cpp python3 Tests/Benchmarks/make-quantized-models.py MODEL.gguf FOLDER TYPE…

TYPE is Q4_0, Q4_1, Q4_K_M, Q5_K_M, Q6_K, Q8_0 or another of llama.cpp's names. The weights go through float32, for which
FOLDER needs the room. The files are FOLDER/NAME-TYPE.gguf; those that are there stay.
"""

import os
import pathlib
import sys
import tempfile

import llama_cpp

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "Fixtures/inference"))
from make_llama_cpp_golden import write_float32  # noqa: E402


def main() -> int:
    if len(sys.argv) < 4:
        print(__doc__, file=sys.stderr)
        return 2
    source, folder, names = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3:]
    kinds = {name: getattr(llama_cpp, "LLAMA_FTYPE_MOSTLY_" + name, None) for name in names}
    unknown = [name for name, kind in kinds.items() if kind is None]
    if unknown:
        print(f"error: llama.cpp has no type {', '.join(unknown)}", file=sys.stderr)
        return 2
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        float32 = os.path.join(temporary, "float32.gguf")
        write_float32(source, float32)
        for name, kind in kinds.items():
            target = folder / f"{pathlib.Path(source).stem}-{name}.gguf"
            if target.exists():
                continue
            settings = llama_cpp.llama_model_quantize_default_params()
            settings.ftype = kind
            part = os.path.join(temporary, "part.gguf")
            if llama_cpp.llama_model_quantize(float32.encode(), part.encode(), settings) != 0:
                print(f"error: llama.cpp could not make {target}", file=sys.stderr)
                return 1
            os.replace(part, target)
            print(target)
    return 0


if __name__ == "__main__":
    sys.exit(main())
