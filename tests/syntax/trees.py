"""Trees compared by meaning, and specs rewritten in every way that keeps their meaning."""

from __future__ import annotations

import random
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from nashc.syntax import ast, parse
from nashc.syntax.scan import WANTS_MORE, Piece, scan
from nashc.text import Source

ROOT = Path(__file__).parents[2]
SPECS = sorted(
    [*(ROOT / "specs").glob("**/*.nash"), *(Path(__file__).parent / "specs").glob("*.nash")]
)


def meaning(node: Any) -> Any:
    """A tree as plain tuples, without spans and source."""
    if isinstance(node, tuple):
        return tuple(map(meaning, node))
    if is_dataclass(node):
        names = [f.name for f in fields(node) if f.name not in ("span", "source", "head_span")]
        return (type(node).__name__, *((name, meaning(getattr(node, name))) for name in names))
    return node


CONTINUES = ("->", "then", "else")


def tree_of(text: str) -> ast.File:
    return parse(Source("test.nash", text))


def comments_of(text: str) -> list[str]:
    return [piece.text.rstrip() for piece in scan(text) if piece.kind == "comment"]


def rewritten(text: str, seed: int) -> str:
    """The same spec with other blanks, line ends and comments wherever the language allows them."""
    rnd = random.Random(seed)
    pieces = [piece for piece in scan(text) if piece.kind != "comment"]
    written: list[str] = []
    depth = 0
    for before, piece, after in zip([None, *pieces], pieces, [*pieces[1:], None], strict=False):
        if piece.kind == "line end":
            goes_on = before is None or _goes_on(before, depth)
            goes_on |= after is not None and (
                after.is_one_of(*CONTINUES) or after.kind == "line end"
            )
            written.append(rnd.choice(["\n", "\n\n", " # end of line\n", "\n\n\n  # own line\n"]))
            if not goes_on and rnd.random() < 0.1:
                written[-1] = " ;" + written[-1]
            continue
        if before is not None and before.kind != "line end":
            written.append(_between(before, piece, depth, rnd))
        depth += piece.is_one_of("(", "[") - piece.is_one_of(")", "]")
        written.append(piece.text)
    return "".join(written)


def _goes_on(before: Piece, depth: int) -> bool:
    return depth > 0 or before.is_one_of(*WANTS_MORE, "{") or before.kind == "line end"


def _between(before: Piece, piece: Piece, depth: int, rnd: random.Random) -> str:
    may_break = _goes_on(before, depth) or piece.is_one_of(*CONTINUES, "}")
    if may_break and rnd.random() < 0.08:
        return rnd.choice(["\n", " # inside\n", "\n\n", "\n  # own line inside\n\n"])
    touching = before.end == piece.start
    if touching and not rnd.random() < 0.3:
        return ""
    if touching and (piece.text == "-" or before.text == "-"):
        return ""  # Pynq-Z1
    words = ("word", "number")
    return rnd.choice(
        [" ", "   ", "\t"] if before.kind in words and piece.kind in words else ["", " ", "  "]
    )
