#!/usr/bin/env python3
"""Golden token ids from llama.cpp, an engine that shares no code with ours.

    python make_golden.py OUTPUT.json MODEL.gguf

Needs llama-cpp-python (made with 0.3.36). Texts are stored as hexadecimal
UTF-8, since several would not survive an editor. Every case has the ids with
and without parsing of special tokens.
"""

import json
import os
import sys

from corpus import CASES
from llama_cpp import Llama

def main() -> None:
    output, model = sys.argv[1:]
    llama = Llama(model, vocab_only=True, verbose=False)
    cases = []
    for name, text in CASES.items():
        data = text.encode("utf-8")
        cases.append({
            "name": name,
            "utf8": data.hex(),
            "ids": llama.tokenize(data, add_bos=False, special=False),
            "idsWithSpecial": llama.tokenize(data, add_bos=False, special=True),
        })
    golden = {"model": os.path.basename(model), "vocabulary": llama.n_vocab(), "cases": cases}
    with open(output, "w", encoding="ascii") as file:
        # One line a case: small, and a change shows where it is.
        lines = ",\n".join(json.dumps(case) for case in cases)
        head = json.dumps({k: v for k, v in golden.items() if k != "cases"})
        file.write(head[:-1] + ", \"cases\": [\n" + lines + "\n]}\n")


if __name__ == "__main__":
    main()
