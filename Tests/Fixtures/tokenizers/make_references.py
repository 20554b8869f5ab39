#!/usr/bin/env python3
"""Token ids of independent tokenizers, for `ReferenceTokenTests`.

    python make_references.py                      trains the small vocabularies of references/ and writes their ids
    python make_references.py FOLDER MODEL.gguf…   the same for real vocabularies, which may not be redistributed; then
                                                   KVATLAS_TOKENIZER_REFERENCES=FOLDER swift test --filter ReferenceToken

Needs tokenizers (made with 0.23.3), sentencepiece (0.2.3), protobuf and gguf. For each GGUF file the vocabulary is also
written as `tokenizer.json` and, if it is of SentencePiece, as `tokenizer.model`, so that all three ways in are compared.
"""

import io
import json
import os
import random
import sys

import sentencepiece
from corpus import CASES, MORE_CASES, all_characters, random_texts
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from reference_tokenizers import (PRE_TOKENIZERS, Vocabulary, byte_level_tokenizer, marked_tokenizer,
                                  sentencepiece_model, sentencepiece_reference)

HERE = os.path.dirname(os.path.abspath(__file__))


def write(folder: str, texts: dict[str, str], references: list[dict]) -> None:
    """The texts once, as hexadecimal UTF-8, then the ids that each tokenizer gives them."""
    with open(os.path.join(folder, "texts.json"), "w", encoding="ascii") as file:
        json.dump([[name, text.encode("utf-8").hex()] for name, text in texts.items()], file, indent=0)
    for reference in references:
        with open(os.path.join(folder, reference["name"] + ".ids.json"), "w", encoding="ascii") as file:
            json.dump(reference, file, separators=(",", ":"))
        count = sum(map(len, reference["ids"]))
        print(f"{reference['name']}: {len(reference['ids'])} texts, {count} tokens")


def tokenizer_reference(name: str, files: list[str], tokenizer: Tokenizer, texts: dict[str, str]) -> dict:
    """Ids with special tokens as text, and parsed where that differs; both without those around the text."""
    special = [tokenizer.encode(text, add_special_tokens=False).ids for text in texts.values()]
    tokenizer.encode_special_tokens = True
    plain = [tokenizer.encode(text, add_special_tokens=False).ids for text in texts.values()]
    return reference(name, files, plain, special)


def reference(name: str, files: list[str], plain: list, special: list) -> dict:
    different = {str(index): b for index, (a, b) in enumerate(zip(plain, special)) if a != b}
    return {"name": name, "files": files, "ids": plain, "ids_with_special": different}


def marked_reference(folder: str, name: str, files: list[str], vocabulary: Vocabulary, model: bytes,
                     texts: dict[str, str]) -> dict:
    """Plain ids by SentencePiece, which never parses control tokens; with these by `tokenizers`."""
    tokenizer = marked_tokenizer(vocabulary)
    tokenizer.save(os.path.join(folder, name + ".json"), pretty=False)
    encode = sentencepiece_reference(model)
    special = [tokenizer.encode(text, add_special_tokens=False).ids for text in texts.values()]
    return reference(name, files + [name + ".model", name + ".json"], [encode(t) for t in texts.values()], special)


# Small vocabularies

def training_text() -> list[str]:
    lines = []
    for name in ("sample-prose.txt", "sample-german.txt", "sample-code.txt"):
        with open(os.path.join(HERE, "../../../data", name), encoding="utf-8") as file:
            lines += file.read().splitlines(keepends=True)
    return lines + [text for text in CASES.values() if text and "\0" not in text] * 3


def train_byte_level(folder: str, name: str, pre: str, special: list[str], user: list[str], **settings) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(ignore_merges=settings.get("ignore_merges", False)))
    steps = PRE_TOKENIZERS[pre]
    tokenizer.pre_tokenizer = steps[0] if len(steps) == 1 else pre_tokenizers.Sequence(steps)
    tokenizer.decoder = decoders.ByteLevel()
    if settings.get("nfc"):
        tokenizer.normalizer = normalizers.NFC()
    trainer = trainers.BpeTrainer(vocab_size=900, show_progress=False, special_tokens=special,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(training_text(), trainer)
    tokenizer.add_tokens([AddedToken(text, special=False, normalized=False) for text in user])
    if settings.get("begin"):
        begin = settings["begin"]
        tokenizer.post_processor = processors.Sequence([
            processors.ByteLevel(trim_offsets=False),
            processors.TemplateProcessing(single=f"{begin} $A", pair=f"{begin} $A {begin}:1 $B:1",
                                          special_tokens=[(begin, tokenizer.token_to_id(begin))])])
    tokenizer.save(os.path.join(folder, name + ".json"), pretty=False)
    return tokenizer


def train_sentencepiece(folder: str, name: str, **settings) -> bytes:
    output = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(line.strip("\n") for text in training_text() for line in text.split("\n") if line),
        model_writer=output, model_type="bpe", vocab_size=1400, byte_fallback=True, character_coverage=0.98,
        normalization_rule_name="identity", remove_extra_whitespaces=False, num_threads=1, minloglevel=2, **settings)
    with open(os.path.join(folder, name + ".model"), "wb") as file:
        file.write(output.getvalue())
    return output.getvalue()


def small() -> None:
    random.seed(1)
    folder = os.path.join(HERE, "references")
    os.makedirs(folder, exist_ok=True)
    texts = {**CASES, **MORE_CASES, **random_texts(24, 1)}
    references = []
    chat = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    for name, pre, special, user, settings in [
        ("gpt2", "gpt-2", ["<|endoftext|>"], [], {}),
        ("smollm", "smollm", chat, [], {}),
        ("qwen2", "qwen2", chat, ["<tool_call>", "</tool_call>"], {"nfc": True}),
        ("llama3", "llama-bpe", ["<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"], [],
         {"ignore_merges": True, "begin": "<|begin_of_text|>"}),
        ("falcon", "falcon", [">>QUESTION<<", ">>ANSWER<<", "<|endoftext|>"], [], {}),
    ]:
        tokenizer = train_byte_level(folder, name, pre, special, user, **settings)
        references.append(tokenizer_reference(name, [name + ".json"], tokenizer, texts))
    runs = [c * n for c in ("\n", "\t") for n in range(2, 12)] + ["\u2581" * n for n in range(2, 12)]
    for name, settings in [
        ("llama2", {}),
        ("gemma", {"add_dummy_prefix": False, "user_defined_symbols": runs + ["<h1>", "<table>"],
                   "pad_id": 0, "eos_id": 1, "bos_id": 2, "unk_id": 3,
                   "control_symbols": ["<start_of_turn>", "<end_of_turn>"]}),
    ]:
        model = train_sentencepiece(folder, name, **settings)
        references.append(marked_reference(folder, name, [], Vocabulary(model=model), model, texts))
    write(folder, texts, references)


# Real vocabularies

def large(folder: str, paths: list[str]) -> None:
    os.makedirs(folder, exist_ok=True)
    texts = {**CASES, **MORE_CASES, **random_texts(300, 1), **all_characters()}
    references = []
    for path in paths:
        vocabulary = Vocabulary(path)
        name = os.path.splitext(os.path.basename(path))[0]
        files = [os.path.abspath(path), name + ".json"]
        if vocabulary.model == "gpt2":
            tokenizer = byte_level_tokenizer(vocabulary)
            tokenizer.save(os.path.join(folder, name + ".json"))
            references.append(tokenizer_reference(name, files, tokenizer, texts))
        else:
            model = sentencepiece_model(vocabulary)
            with open(os.path.join(folder, name + ".model"), "wb") as file:
                file.write(model)
            references.append(marked_reference(folder, name, files[:1], vocabulary, model, texts))
    write(folder, texts, references)


if __name__ == "__main__":
    if len(sys.argv) > 2:
        large(sys.argv[1], sys.argv[2:])
    else:
        small()
