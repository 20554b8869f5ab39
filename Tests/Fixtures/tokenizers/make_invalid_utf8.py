#!/usr/bin/env python3
"""Token ids of bytes that are no UTF-8, by tiktoken, for `ReferenceTokenTests`: references/invalid-utf8.json.

Needs tiktoken (made with 0.14.0), which merges bytes where other tokenizers put U+FFFD for them. No byte of a text
belongs to a character, so that each text is one piece for every family's pre-tokenizer.
"""

import json
import pathlib
import random

import tiktoken

REFERENCES = pathlib.Path(__file__).parent / "references"
# Parts of characters, with which the vocabularies have merges, and bytes that are never in one.
PARTS = [b"\xe2\x80", b"\xe2", b"\x80", b"\xc3", b"\xce", b"\xd0", b"\xe4\xb8", b"\xe6", b"\xf0\x9f", b"\x9f\x98", b"\xff",
         b"\xc0", b"\xed\xa0", b"\xb0"]


def byte_of_character() -> dict[str, int]:
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in plain]
    return {chr(byte): byte for byte in plain} | {chr(256 + i): byte for i, byte in enumerate(others)}


def encoding(name: str) -> tiktoken.Encoding:
    model = json.loads((REFERENCES / f"{name}.json").read_text())
    alphabet, special = byte_of_character(), {token["content"] for token in model["added_tokens"]}
    # Merges were learnt in the order of the ids, so an id is a rank.
    ranks = {bytes(alphabet[c] for c in token): number for token, number in model["model"]["vocab"].items()
             if token not in special}
    return tiktoken.Encoding(name, pat_str=r"(?s).+", mergeable_ranks=ranks, special_tokens={})


def texts() -> list[bytes]:
    generator, result = random.Random(3), []
    while len(result) < 300:
        text = b"".join(generator.choice(PARTS) for _ in range(generator.randint(1, 12)))
        if not text.decode("utf-8", errors="ignore"):
            result.append(text)
    return result


def main() -> None:
    cases, found = texts(), {}
    for name in ("gpt2", "llama3", "falcon"):
        encode = encoding(name)
        found[name + ".json"] = [(text.hex(), encode._encode_single_piece(text)) for text in cases]
        print(f"{name}: {sum(len(ids) for _, ids in found[name + '.json'])} tokens")
    (REFERENCES / "invalid-utf8.json").write_text(json.dumps(found, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
