"""Texts that tokenizers get wrong: scripts, white space, digits, marks, special tokens, code."""

import random
import unicodedata

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

# Besides, for tokenizers whose spaces are marks, and for long ranges of Unicode.
MORE_CASES = {
    "space marks": "a\u2581b \u2581 \u2581\u2581c \u2581",
    "spaces before and after line ends": " \n  \n   \n\n    x\n \n",
    "runs of spaces": " ".join(" " * n for n in range(40)),
    "runs of line ends": "x".join("\n" * n for n in range(40)),
    "runs of tabs": "x".join("\t" * n for n in range(40)),
    "two spaces first": "  two spaces first",
    "byte names": "<0x0A> <0x41> <0xZZ>",
    "HTML": "<h1>Title</h1><table><tr><td>1</td></tr></table><strong>x</strong>",
    "special tokens of Llama": "<s>[INST] <<SYS>>\nx\n<</SYS>>\n\ny [/INST] z </s><s>[INST] w [/INST]",
    "special tokens of Llama 3": "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>",
    "special tokens of Gemma": "<bos><start_of_turn>user\nHi<end_of_turn>\n<start_of_turn>model\n<unused12><mask>",
    "special tokens of Falcon": "User: Hi\n\nAssistant: >>QUESTION<< x >>ANSWER<<<|endoftext|>",
    "digits and spaces": "a 1 12 123 1234 12345 123456 1234567 12\n345 \t6789  0000000000 1.000,00",
    "digit-like bytes": "x\u00b2\u00b3\u00b9\u00bc\u00bd\u00be \u00fc\u00f2\u00f3 f\u00fcr \u4e2d\u6587\u5b57 \u0432\u043c\u0435\u0441\u0442\u043e",
    "decomposed": unicodedata.normalize("NFD", "Caf\u00e9 \u00c5ngstr\u00f6m \u1ec7 \ud55c\uad6d\uc5b4 \u0928\u093c \u30ac") + " \u212b \u2126 \uf900",
}


def random_texts(count: int, seed: int) -> dict[str, str]:
    """Texts of characters of all kinds, in runs as real texts have them."""
    generator = random.Random(seed)
    ranges = [(0x20, 0x7E), (0x20, 0x7E), (0x20, 0x7E), (0xA0, 0x24F), (0x300, 0x36F), (0x370, 0x52F), (0x5D0, 0x64F),
              (0x900, 0x97F), (0xE01, 0xE5B), (0x1100, 0x11FF), (0x2000, 0x206F), (0x2580, 0x2590), (0x3000, 0x30FF),
              (0x4E00, 0x9FFF), (0xAC00, 0xD7A3), (0xFF00, 0xFFEF), (0x1F300, 0x1FAFF), (0x20000, 0x2A6DF)]
    space = [" ", " ", " ", "  ", "\n", "\n\n", "\t", "\r\n", "   ", "\u00a0", "\u3000", " \n "]
    texts = {}
    for index in range(count):
        parts = []
        for _ in range(generator.randrange(1, 60)):
            low, high = generator.choice(ranges)
            run = (chr(generator.randint(low, high)) for _ in range(generator.randrange(1, 8)))
            parts.append("".join(c for c in run if unicodedata.category(c) not in ("Cs", "Cn")))
            if generator.random() < 0.7:
                parts.append(generator.choice(space))
        texts[f"random {index}"] = "".join(parts)
    return texts


def all_characters() -> dict[str, str]:
    """Every assigned character of the first four planes, alone, and between letters and spaces."""
    texts = {}
    for start in range(0, 0x32000, 0x400):
        block = [chr(c) for c in range(max(start, 1), start + 0x400)
                 if unicodedata.category(chr(c)) not in ("Cs", "Cn", "Co")]
        if block:
            texts[f"characters from U+{start:04X}"] = "".join(block)
            texts[f"characters from U+{start:04X}, spaced"] = " ".join(f"a{c}b {c}1" for c in block)
    return texts
