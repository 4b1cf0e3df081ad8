"""A forgiving look at a text: words, signs and statements of anything, however broken.

The parser's lexer stops at the first surprise; this one never does. Only the search for mistakes and
the layout of comments use it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["word", "number", "text", "sign", "line end", "comment", "open text", "stray"]

_PIECE = re.compile(
    r"""
      (?P<comment> \#[^\n]* )
    | (?P<text> "[^"\n]*" )
    | (?P<open_text> "[^"\n]* )
    | (?P<line_end> \r?\n )
    | (?P<blank> [ \t]+ )
    | (?P<number> [0-9]+(?:x[0-9]+)+
                | [0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?:[kM](?![A-Za-z0-9_])|[ \t]*(?:(?:MHz|GHz|kHz|ns|us|ms)(?![A-Za-z0-9_])|%))? )
    | (?P<word> [A-Za-z_*][A-Za-z0-9_*]*(?:\.[A-Za-z0-9_*]+)+ | [A-Za-z_][A-Za-z0-9_]* )
    | (?P<sign> ->|==|!=|<=|>=|[-<>+*/=:,;{}()\[\]] )
    | (?P<stray> [^\x00-\x7f]+ | . )
    """,
    re.VERBOSE | re.DOTALL,
)

WANTS_MORE = frozenset(
    {"->", ",", "=", "==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "/"}
    | {"and", "or", "not", "if", "then", "else"}
)
GOES_ON = frozenset({"->", "then", "else"})
OPENING = {"(": ")", "[": "]", "{": "}"}
CLOSING = {closing: opening for opening, closing in OPENING.items()}


@dataclass(frozen=True)
class Piece:
    """One word, sign or comment; the characters [start, end) of the text."""

    kind: Kind
    text: str
    start: int
    end: int

    def is_one_of(self, *texts: str) -> bool:
        return self.kind in ("word", "sign") and self.text in texts


def scan(text: str) -> tuple[Piece, ...]:
    """All pieces of a text, blanks left out."""
    return tuple(_pieces(text))


def _pieces(text: str) -> Iterator[Piece]:
    for match in _PIECE.finditer(text):
        kind = (match.lastgroup or "stray").replace("_", " ")
        if kind != "blank":
            yield Piece(kind, match.group(), match.start(), match.end())  # type: ignore[arg-type]


@dataclass(frozen=True)
class Statement:
    """A run of pieces that a person would call one statement, or the head of a `{ }` up to its `{`.

    where: what the `{ }` around it is: "top", "section", "block", "backbone" or "with".
    last: the `}` that belongs to a head, else the last piece.
    """

    pieces: tuple[Piece, ...]
    where: str
    last: Piece

    @property
    def is_head(self) -> bool:
        return self.pieces[-1].is_one_of("{")

    @property
    def start(self) -> int:
        return self.pieces[0].start


def statements(pieces: Sequence[Piece]) -> list[Statement]:
    """The statements of a text whose brackets are in order."""
    significant = [piece for piece in pieces if piece.kind != "comment"]
    found: list[Statement] = []
    heads: list[int] = []
    run: list[Piece] = []
    depth = 0

    def finish() -> None:
        if run:
            found.append(Statement(tuple(run), _where(found, heads), run[-1]))
            run.clear()

    for index, piece in enumerate(significant):
        if piece.kind == "line end" or piece.is_one_of(";"):
            if depth == 0 and not _goes_on(run, significant, index, piece):
                finish()
            continue
        if piece.is_one_of("}"):
            finish()
            if heads:
                head = found[heads.pop()]
                found[found.index(head)] = Statement(head.pieces, head.where, piece)
            continue
        depth += piece.is_one_of("(", "[") - piece.is_one_of(")", "]")
        run.append(piece)
        if piece.is_one_of("{"):
            finish()
            heads.append(len(found) - 1)
    finish()
    return found


def _goes_on(run: Sequence[Piece], pieces: Sequence[Piece], index: int, end: Piece) -> bool:
    if end.is_one_of(";"):
        return False
    behind = (pieces[at] for at in range(index + 1, len(pieces)))
    following = next((piece for piece in behind if piece.kind != "line end"), None)
    if following and following.is_one_of(*GOES_ON, "{"):
        return True
    return bool(run) and run[-1].is_one_of(*WANTS_MORE)


def _where(found: Sequence[Statement], heads: Sequence[int]) -> str:
    if not heads:
        return "top"
    head = found[heads[-1]]
    first = head.pieces[0].text
    if head.where == "top" and first in ("block", "backbone"):
        return first
    return "with" if first == "extends" else "section"
