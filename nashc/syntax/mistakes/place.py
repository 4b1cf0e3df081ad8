"""The place where the parser stopped, as the rules of this folder see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from nashc.syntax.draft import Draft
from nashc.syntax.scan import Piece, Statement
from nashc.text import Span

ITEMS = ("nash", "extends", "use", "param", "block", "backbone")
UNITS = ("MHz", "GHz", "kHz", "ns", "us", "ms", "%", "k", "M")
KEYWORDS = {"from", "in", "with", "if", "then", "else", "and", "or", "not", "edge"}

# What the parser's terminals are called in a message, in the order of mention.
_CALLED = {
    "EQUAL": "`=`",
    "COLON": "`:`",
    "_OPEN": "`{`",
    "ARROW": "`->`",
    "COMMA": "`,`",
    "RPAR": "`)`",
    "RSQB": "`]`",
    "RBRACE": "`}`",
    "FROM": "`from`",
    "WITH": "`with`",
    "IN": "`in`",
    "THEN": "`then`",
    "ELSE": "`else`",
    "_END": "the end of the line",
}


@dataclass(frozen=True)
class Place:
    """Where the parser stopped.

    statement: the statement it was in; before, found, after: the piece it could not use (None at the
    end of a line or file) and its neighbours in that statement; next_sign: a `}` or `)` that stands
    where found should be.
    accepts: the terminals that would have been fine.
    """

    draft: Draft
    statement: Statement
    index: int
    accepts: frozenset[str]

    @property
    def where(self) -> str:
        return self.statement.where

    @property
    def first(self) -> Piece:
        return self.statement.pieces[0]

    @property
    def found(self) -> Piece | None:
        return self.at(self.index)

    @property
    def before(self) -> Piece | None:
        return self.at(self.index - 1)

    @property
    def after(self) -> Piece | None:
        return self.at(self.index + 1)

    def at(self, index: int) -> Piece | None:
        pieces = self.statement.pieces
        return pieces[index] if 0 <= index < len(pieces) else None

    def span(self, piece: Piece) -> Span:
        return self.draft.span(piece.start, piece.end)

    @property
    def span_of_found(self) -> Span:
        """The piece in the way, or the place behind the last one of the statement."""
        if self.found:
            return self.span(self.found)
        end = self.span(self.statement.pieces[-1])
        return Span(end.source, end.end, end.end)

    @property
    def wants_value(self) -> bool:
        return "STRING" in self.accepts and "INT" in self.accepts

    @property
    def wants_step(self) -> bool:
        return {"NAME", "IF"} <= self.accepts

    @property
    def is_in_brackets(self) -> bool:
        pieces = self.statement.pieces[: self.index]
        opened = sum(p.is_one_of("(", "[") for p in pieces)
        return opened > sum(p.is_one_of(")", "]") for p in pieces)

    def is_begin_of_line(self, piece: Piece) -> bool:
        text = self.draft.text
        return not text[text.rfind("\n", 0, piece.start) + 1 : piece.start].strip()

    @property
    def expected(self) -> str:
        """ "a value", "`,` or `]`", ... ; empty when nothing short can be said."""
        wanted: list[str] = []
        if self.wants_value:
            wanted.append("a value")
        elif self.wants_step:
            wanted.append("a layer")
        elif self.accepts == {"STRING"}:
            wanted.append('a file in quotes, like "resnet.nash"')
        elif "INT" in self.accepts:
            wanted.append("a whole number")
        elif "NAME" in self.accepts and "EQUAL" not in self.accepts:
            wanted.append("a name")
        if not self.wants_value:
            wanted += [words for name, words in _CALLED.items() if name in self.accepts]
            if "_END" in self.accepts and "`}`" in wanted:
                wanted.remove("`}`")
            if "`{`" in wanted:
                wanted = ["`=`", "`{`"] if self.where == "section" and "`=`" in wanted else ["`{`"]
            if wanted[:1] == ["a layer"]:
                wanted = wanted[:1]
            if self.where != "top" and "`from`" in wanted and len(wanted) > 1:
                wanted.remove("`from`")
        if "LPAR" in self.accepts and not wanted:
            wanted.append("`(`")
        return either(wanted)


def near_keyword(place: Place) -> str:
    found = place.found
    if found is None or found.kind != "word":
        return ""
    legal = [
        word for word in ("from", "in", "with", "then", "else") if word.upper() in place.accepts
    ]
    close = get_close_matches(found.text.lower(), legal, n=1, cutoff=0.6)
    return close[0] if close and close[0] != found.text else ""


def quoted(piece: Piece) -> str:
    text = piece.text if len(piece.text) <= 40 else piece.text[:37] + "..."
    return text if piece.kind == "text" else f"`{text}`"


def either(words: Sequence[str]) -> str:
    if len(words) < 2:
        return "".join(words)
    return ", ".join(words[:-1]) + " or " + words[-1]
