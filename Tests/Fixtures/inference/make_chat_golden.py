"""What Jinja makes of chat templates, for `ChatTemplateTests`.

    python make_chat_golden.py                 golden.json of chat/, whose templates are ours: the families' formats
    python make_chat_golden.py FOLDER [MODEL…] the same of a folder of models' own templates, *.jinja, for
                                               KVATLAS_CHAT_TEMPLATES=FOLDER; those in GGUF files are put there first

Needs jinja2, and gguf for the second. Templates run as Hugging Face transformers runs them: with trim_blocks and
lstrip_blocks, in a sandbox. The token that begins a text is left out, as `kvatlas` adds it by its id, and no day is told.
"""

import json
import pathlib
import sys

from jinja2 import TemplateError
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

USERS = ["Hi", " Why is\nthe sky blue? \n", "日本 <b>'quotes'</b> {{ x }}"]
SYSTEMS = [None, "Be brief."]


def refuse(message: str) -> None:
    raise TemplateError(message)


def environment() -> ImmutableSandboxedEnvironment:
    result = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
    result.globals["raise_exception"] = refuse
    result.filters["tojson"] = lambda value, **_: json.dumps(value, ensure_ascii=False)
    return result


def prompts(template: str) -> list[dict]:
    """One for each message that the template accepts; a system's message is no part of some."""
    compiled, result = environment().from_string(template), []
    for system in SYSTEMS:
        for user in USERS:
            messages = [{"role": "system", "content": system}] if system is not None else []
            messages.append({"role": "user", "content": user})
            try:
                text = compiled.render(messages=messages, add_generation_prompt=True, bos_token="", eos_token="</s>")
            except TemplateError as error:
                result.append({"system": system, "user": user, "refused": str(error)})
            else:
                result.append({"system": system, "user": user, "prompt": text})
    return result


def extract(model: pathlib.Path, folder: pathlib.Path) -> None:
    import gguf

    field = gguf.GGUFReader(model).fields.get("tokenizer.chat_template")
    if field is None:
        print(f"{model.name}: no template")
        return
    (folder / f"{model.stem}.jinja").write_text(field.contents(), encoding="utf-8")


def main() -> None:
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parent / "chat"
    for model in sys.argv[2:]:
        extract(pathlib.Path(model), folder)
    golden = {}
    for file in sorted(folder.glob("*.jinja")):
        try:
            golden[file.name] = prompts(file.read_text(encoding="utf-8"))
        except Exception as error:  # Some templates want tools or blocks of content.
            print(f"{file.name}: {type(error).__name__}: {error}")
    (folder / "golden.json").write_text(json.dumps(golden, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(f"{len(golden)} templates")


if __name__ == "__main__":
    main()
