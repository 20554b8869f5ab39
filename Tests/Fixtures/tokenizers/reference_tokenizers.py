"""Independent tokenizers, of Hugging Face's `tokenizers` and of `sentencepiece`, for the vocabulary of a GGUF file."""

import sentencepiece
from gguf import GGUFReader
from sentencepiece import sentencepiece_model_pb2 as proto
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

MARK = "\u2581"
QWEN2 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
         r"|\s+(?!\S)|\s+")
LLAMA3 = QWEN2.replace(r"\p{N}|", r"\p{N}{1,3}|")


def byte_level(use_regex: bool) -> pre_tokenizers.PreTokenizer:
    return pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=use_regex)


def split(pattern: str) -> list:
    return [pre_tokenizers.Split(Regex(pattern), "isolated"), byte_level(False)]


PRE_TOKENIZERS = {
    "gpt-2": [byte_level(True)],
    "gpt2": [byte_level(True)],
    "mpt": [byte_level(True)],
    "smollm": [pre_tokenizers.Digits(individual_digits=True), byte_level(True)],
    "starcoder": [pre_tokenizers.Digits(individual_digits=True), byte_level(True)],
    "refact": [pre_tokenizers.Digits(individual_digits=True), byte_level(True)],
    "command-r": [pre_tokenizers.Digits(individual_digits=True), byte_level(True)],
    "qwen2": split(QWEN2),
    "llama-bpe": split(LLAMA3),
    "falcon": [pre_tokenizers.Punctuation("contiguous"), byte_level(True), pre_tokenizers.Digits(individual_digits=False),
               pre_tokenizers.Split(Regex("[0-9][0-9][0-9]"), "isolated")],
}


class Vocabulary:
    """What the metadata of a GGUF file, or a `tokenizer.model`, says about a tokenizer."""

    def __init__(self, path: str | None = None, model: bytes = b"") -> None:
        if path is not None:
            prefix = "tokenizer.ggml."
            fields = GGUFReader(path).fields.items()
            self.values = {key.removeprefix(prefix): field.contents() for key, field in fields if key.startswith(prefix)}
        else:
            parsed = proto.ModelProto.FromString(model)
            self.values = {
                "model": "llama",
                "tokens": [piece.piece for piece in parsed.pieces],
                "token_type": [piece.type for piece in parsed.pieces],
                "scores": [piece.score for piece in parsed.pieces],
                "bos_token_id": parsed.trainer_spec.bos_id,
                "add_space_prefix": parsed.normalizer_spec.add_dummy_prefix,
            }
        self.model = self.get("model")
        self.pre = self.get("pre", "gpt-2")
        self.tokens = self.get("tokens")
        self.kinds = self.get("token_type", [1] * len(self.tokens))

    def get(self, name: str, default=None):
        return self.values.get(name, default)


def byte_level_tokenizer(vocabulary: Vocabulary) -> Tokenizer:
    """A tokenizer of `tokenizers` with the family's own components."""
    tokens = dict(zip(vocabulary.tokens, range(len(vocabulary.tokens))))
    merges = [tuple(text.split(" ")) for text in vocabulary.get("merges")]
    # The library wants every part to be a token; converters keep merges that led to tokens which are no more.
    merges = [(a, b) for a, b in merges if a in tokens and b in tokens and a + b in tokens]
    result = Tokenizer(models.BPE(tokens, merges, ignore_merges=vocabulary.pre == "llama-bpe"))
    steps = PRE_TOKENIZERS[vocabulary.pre]
    result.pre_tokenizer = steps[0] if len(steps) == 1 else pre_tokenizers.Sequence(steps)
    result.decoder = decoders.ByteLevel()
    add_special(result, vocabulary)
    return result


def add_special(result: Tokenizer, vocabulary: Vocabulary) -> None:
    for text, kind in zip(vocabulary.tokens, vocabulary.kinds):
        if kind == 3:
            result.add_special_tokens([AddedToken(text, special=True, normalized=False)])
        elif kind == 4:
            result.add_tokens([AddedToken(text, special=False, normalized=False)])


def sentencepiece_model(vocabulary: Vocabulary) -> bytes:
    """A `tokenizer.model` with the vocabulary, as SentencePiece would have trained it."""
    model = proto.ModelProto()
    for text, score, kind in zip(vocabulary.tokens, vocabulary.get("scores"), vocabulary.kinds):
        piece = model.pieces.add()
        # Converters write user-defined spaces plainly, and the unknown token as a control token.
        piece.piece = text.replace(" ", MARK) if kind == 4 else text
        piece.score = score
        piece.type = 2 if text == "<unk>" else kind
    model.trainer_spec.model_type = proto.TrainerSpec.BPE
    model.trainer_spec.vocab_size = len(vocabulary.tokens)
    model.trainer_spec.byte_fallback = True
    model.trainer_spec.unk_id = vocabulary.tokens.index("<unk>")
    model.trainer_spec.bos_id = vocabulary.get("bos_token_id")
    model.trainer_spec.eos_id = vocabulary.get("eos_token_id")
    model.normalizer_spec.name = "identity"
    model.normalizer_spec.add_dummy_prefix = vocabulary.get("add_space_prefix", True)
    model.normalizer_spec.remove_extra_whitespaces = False
    return model.SerializeToString()


def sentencepiece_reference(model: bytes):
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    return lambda text: processor.encode(text)


def marked_tokenizer(vocabulary: Vocabulary) -> Tokenizer:
    """A tokenizer of `tokenizers` for a SentencePiece vocabulary, made as Hugging Face's converter makes it."""
    tokens = [text.replace(" ", MARK) if kind == 4 else text
              for text, kind in zip(vocabulary.tokens, vocabulary.kinds)]
    scores = vocabulary.get("scores")
    ids = dict(zip(tokens, range(len(tokens))))
    merges = []
    for text, id in ids.items():
        if vocabulary.kinds[id] not in (1, 4):
            continue
        found = [(text[:cut], text[cut:]) for cut in range(1, len(text))
                 if ids.get(text[:cut]) is not None and ids.get(text[cut:]) is not None]
        found.sort(key=lambda pair: (ids[pair[0]], ids[pair[1]]))
        merges.extend((scores[id], pair) for pair in found)
    # Stable: of one piece, pairs of lower ids first.
    merges.sort(key=lambda entry: -entry[0])
    result = Tokenizer(models.BPE(ids, [pair for _, pair in merges], unk_token="<unk>", fuse_unk=True,
                                  byte_fallback=True))
    if vocabulary.get("add_space_prefix", True):
        result.normalizer = normalizers.Sequence([normalizers.Prepend(MARK), normalizers.Replace(" ", MARK)])
        result.decoder = decoders.Sequence([decoders.Replace(MARK, " "), decoders.ByteFallback(), decoders.Fuse(),
                                            decoders.Strip(" ", 1, 0)])
    else:
        result.normalizer = normalizers.Replace(" ", MARK)
        result.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
        result.decoder = decoders.Sequence([decoders.Replace(MARK, " "), decoders.ByteFallback(), decoders.Fuse()])
    for text, kind in zip(tokens, vocabulary.kinds):
        if kind in (2, 3):
            result.add_special_tokens([AddedToken(text, special=True, normalized=False)])
        elif kind == 4:
            result.add_tokens([AddedToken(text, special=False, normalized=True)])
    begin = vocabulary.tokens[vocabulary.get("bos_token_id")]
    result.post_processor = processors.TemplateProcessing(
        single=f"{begin}:0 $A:0", pair=f"{begin}:0 $A:0 {begin}:1 $B:1",
        special_tokens=[(begin, vocabulary.get("bos_token_id"))])
    return result
