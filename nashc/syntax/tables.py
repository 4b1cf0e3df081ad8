"""The parser's tables: reckoned from the grammar once, then read from the user's cache.

Lark takes 0.1 s for them, as long as all the rest of a short command. They are kept as JSON, since lark's own cache is a
pickle; a file that cannot be read, is damaged or belongs to another lark or grammar costs the time and nothing else.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import lark
from lark import Lark
from lark.grammar import Rule
from lark.lark import PostLex
from lark.lexer import TerminalDef

from nashc.diagnostics import SpecError
from nashc.writing import write_file

VARIABLE = "NASHC_CACHE"


def parser(grammar: str, postlex: PostLex, build: Callable[[str, PostLex], Lark]) -> Lark:
    """What `build` makes of both, or the same from the tables. postlex: is code, and not kept."""
    key = sha256(f"{lark.__version__}\n{grammar}".encode()).hexdigest()[:32]
    name = f"grammar-{key}.json"
    with contextlib.suppress(OSError, ValueError, RuntimeError):
        digest, _, text = (_folder() / name).read_text(encoding="utf-8").partition("\n")
        if digest == sha256(text.encode()).hexdigest():
            return _load(text, postlex)
    built = build(grammar, postlex)
    text = _dump(built)
    with contextlib.suppress(SpecError, RuntimeError):  # the next command reckons them again
        write_file(_folder() / name, f"{sha256(text.encode()).hexdigest()}\n{text}")
    return built


def _folder() -> Path:
    """As support/cache.py of the generated programs has it. Errors: RuntimeError where the user has no home."""
    if os.environ.get(VARIABLE):
        return Path(os.environ[VARIABLE]).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "nashc"


def _dump(built: Lark) -> str:
    data, memo = built.memo_serialize([TerminalDef, Rule])
    data["options"] = {name: value for name, value in data["options"].items() if name != "postlex"}
    return json.dumps(_pairs([data, memo]), separators=(",", ":"))


def _load(text: str, postlex: PostLex) -> Lark:
    data, memo = json.loads(text, object_hook=_from_pairs)
    data["options"]["postlex"] = postlex
    return Lark.load({"data": data, "memo": memo})


def _pairs(value: Any) -> Any:
    """Tables have numbers for keys, and JSON only text: such a dict is written as a list of pairs."""
    if isinstance(value, dict):
        if all(isinstance(key, str) for key in value):
            return {str(key): _pairs(item) for key, item in value.items()}
        return {"pairs": [[key, _pairs(item)] for key, item in value.items()]}
    return [_pairs(item) for item in value] if isinstance(value, list | tuple) else value


def _from_pairs(value: dict[str, Any]) -> dict[Any, Any]:
    return dict(value["pairs"]) if value.keys() == {"pairs"} else value
