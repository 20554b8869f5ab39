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

from llama_cpp import Llama

CASES = {
    "empty": "",
    "plain": "The quick brown fox jumps over the lazy dog.",
    "one space": " ",
    "leading space": " hello",
    "spaces 1 to 5 before words": "a b  c   d    e     f",
    "spaces before digits": "a 1  2   3    45",
    "spaces at the end": "end   ",
    "tabs": "\tone\t\ttwo\t \tthree\t",
    "line ends": "a\nb\n\nc\n\n\nd\n",
    "carriage returns": "a\r\nb\r\n\r\nc\rd\r\r\n\n\re",
    "spaces and line ends": "a \n b  \n  c\n \n d \r\n \t\n  e",
    "no-break space": "a\u00a0b\u00a0\u00a0c \u00a0d\u00a0 1",
    "ideographic space": "日本\u3000語\u3000\u3000テスト",
    "all white space": "".join(
        chr(c) + "x" for c in
        [9, 10, 11, 12, 13, 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000]),
    "not quite white space": "a\u200bb\u2060c\ufeffd\u180ee\u00adf",
    "contractions": "I'm you're he's she'd we'll they've don't 'tis o'clock 'quoted'",
    "contractions upper case": "I'M YOU'RE HE'S SHE'D WE'LL THEY'VE DON'T I'Ll I'vE",
    "contraction at word ends": "'s 't 're 've 'm 'll 'd 'l 'r 'v ' '' '''s",
    "contraction with long s": "it'\u017f x'\u212a",
    "typographic apostrophe": "don\u2019t we\u2019re",
    "digits": "0 1 12 123 1234 12345 3.14159 1,000,000 0xFF 1e-10 v2.0",
    "digits next to letters": "abc123def456 7th 8½",
    "Arabic-Indic digits": "\u0660\u0661\u0662\u0663 \u06f0\u06f1\u06f2",
    "Devanagari digits": "\u0966\u0967\u0968 \u0969",
    "fullwidth digits": "\uff10\uff11\uff12\uff13 \uff21\uff22",
    "mathematical digits": "\U0001d7d8\U0001d7d9 \U0001d7ce",
    "Roman numerals": "\u2160 \u2163 \u216f \u2170\u2171 \u2183\u2188",
    "superscripts and fractions": "x\u00b2 + y\u00b3 = z\u2074 \u2080\u2081 \u00bd\u00bc\u2153 \u2460\u2469",
    "accents": "Café naïve Ångström façade Žluťoučký kůň Ελληνικά Привет",
    "combining marks": "e\u0301 a\u030a n\u0303 \u0301x q\u0323\u0307",
    "Turkish": "İstanbul ışık iğne",
    "German": "Straße Größe ẞ Donaudampfschifffahrtsgesellschaft",
    "Chinese": "今天天气很好，我们去公园散步吧。",
    "Chinese extension B": "\U00020000\U0002a6d6 \u9fff\u3400",
    "Japanese": "吾輩は猫である。名前はまだ無い。カタカナ ｶﾅ",
    "Korean": "안녕하세요 세계 \u1112\u1161\u11ab",
    "Arabic": "مرحبا بالعالم، كَيْفَ حَالُكَ؟",
    "Hebrew": "שלום עולם שָׁלוֹם",
    "Devanagari": "नमस्ते दुनिया क्षत्रिय",
    "Thai": "สวัสดีชาวโลก น้ำ",
    "Tamil": "வணக்கம் உலகம்",
    "Georgian and Armenian": "გამარჯობა Բարեւ",
    "Ethiopic and Cherokee": "ሰላም ᎣᏏᏲ",
    "emoji": "🙂 🚀🚀 ❤️ ☕️ ✅",
    "emoji sequences": "👩‍👩‍👧‍👦 👍🏽 🏳️‍🌈 🇩🇪🇯🇵 1️⃣",
    "symbols": "∑∏√∞ ≤≥ €£¥ ©®™ → ⇒ ♠♥ ░▒▓ ⠓⠊",
    "punctuation runs": "... --- !!! ??? *** /// ~~~ ((())) [[{}]] <<>> $$ ## @@ && ||",
    "punctuation then line end": "end.\nnext!\n\n(x)\r\n -- \n",
    "punctuation and letters": "(hello) _world_ -dash- #tag @user $var %mod /path .dot",
    "private use and unassigned": "\ue000\uf8ff \U000f0000 \u0378 \U0010ffff",
    "control characters": "\x01\x02\x03\x07\x08\x0e\x1b[31m\x7f\x80\x9f",
    "all ASCII": "".join(chr(c) for c in range(1, 128)),
    "all Latin-1": "".join(chr(c) for c in range(128, 256)),
    "replacement character": "\ufffd \ufffda",
    "long word": "a" * 300 + " " + "abcdefghij" * 50,
    "long white space": " " * 200 + "x" + "\n" * 100 + "\t" * 50,
    "long punctuation": "=" * 200 + "-" * 77,
    "Python": "def f(x: int) -> str:\n    \"\"\"Doc.\"\"\"\n    return f\"{x!r:>10}\"  # comment\n\n\nclass A(B):\n\tpass\n",
    "C": "#include <stdio.h>\r\nint main(void) {\r\n\tfor (int i=0;i<10;++i) printf(\"%d\\n\", i);\r\n\treturn 0;\r\n}\r\n",
    "Swift": "let x = items.map { $0.id }.filter { $0 != nil }\nguard let y else { return }\n",
    "JSON": "{\"key\": [1, 2.5, -3e10, null, true], \"nested\": {\"a\": \"\\u00e9\"}}",
    "HTML": "<div class=\"a b\">&amp; text</div><!-- c -->",
    "address": "See https://example.org/a_b?q=1&r=%20#frag or mail user@example.com",
    "LaTeX": "\\frac{\\partial f}{\\partial x_i} = \\sum_{j=1}^{n} a_{ij}^2",
    "wiki markup": " = Robert Boulter = \n \n Robert Boulter is an English film , television and theatre actor . 2 @,@ 000 \n",
    "special tokens": "<|im_start|>system\nYou are.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n",
    "special tokens and spaces": "a <|endoftext|> b  <|endoftext|>  1<|endoftext|>\n\n<|im_end|>",
    "special tokens broken": "<|im_start|<|im_start|>|> <|im_st art|> <|IM_START|>",
    "special tokens of code": "<repo_name>x<file_sep>y<filename>z <|fim_prefix|>a<|fim_suffix|>b<|fim_middle|>",
    "user-defined tokens": "<tool_call>\n{\"name\": \"f\"}\n</tool_call> <tool_call> </tool_call>x",
    "mixed scripts": "Hello世界123مرحبا🙂\n\tДа-да! №5 ①②",
}


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
