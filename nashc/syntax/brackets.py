"""Brackets that do not pair: found, explained and repaired before the parser is asked again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nashc.diagnostics import Diagnostic, Label
from nashc.syntax.draft import Draft
from nashc.syntax.scan import CLOSING, OPENING, WANTS_MORE, Piece, scan

_NAMES = {"(": "parenthesis", "[": "bracket", "{": "brace"}


@dataclass(frozen=True)
class _Change:
    """Put `by` in place of [start, end)."""

    start: int
    end: int
    by: str


def repair_brackets(draft: Draft) -> Iterator[Diagnostic]:
    """Every bracket that is not closed (NASH012) or not opened (NASH015); mends the draft."""
    check = _Check(draft)
    check.run()
    yield from check.found
    for change in sorted(check.changes, key=lambda change: change.start, reverse=True):
        draft.replace(change.start, change.end, change.by)


class _Check:
    """One walk over the pieces with a stack of open brackets."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.pieces = scan(draft.text)
        self.signs = [p for p in self.pieces if p.kind not in ("comment", "line end")]
        self.found: list[Diagnostic] = []
        self.changes: list[_Change] = []
        self.stack: list[Piece] = []
        # `}` that stand further left (right) than the line they close: there one is missing (too many)
        self.left: list[tuple[Piece, Piece]] = []
        self.right: list[tuple[Piece, Piece]] = []
        self.closed: list[Piece] = []

    def run(self) -> None:
        for piece in self.signs:
            if piece.kind != "sign":
                continue
            if piece.text in OPENING:
                self.stack.append(piece)
            elif piece.text in CLOSING:
                self.close(piece)
        self.rest()

    def close(self, closing: Piece) -> None:
        wanted = CLOSING[closing.text]
        if closing.text == "}":
            while self.stack and self.stack[-1].text != "{":
                self.not_closed(self.stack.pop(), closing)
        elif self.stack and self.stack[-1].text not in (wanted, "{"):
            inner = self.inner_openings()
            if wanted not in [piece.text for piece in inner]:
                self.wrong_closing(self.stack.pop(), closing)
                return
            while self.stack[-1].text != wanted:
                self.not_closed(self.stack.pop(), closing)
        if not self.stack or self.stack[-1].text != wanted:
            self.not_opened(closing)
            return
        opening = self.stack.pop()
        self.closed.append(closing)
        if wanted == "{" and self.is_first_of_line(closing):
            if self.indent(closing) < self.indent(opening):
                self.left.append((opening, closing))
            elif self.indent(closing) > self.indent(opening):
                self.right.append((opening, closing))

    def inner_openings(self) -> Sequence[Piece]:
        last = max((i for i, piece in enumerate(self.stack) if piece.text == "{"), default=-1)
        return self.stack[last + 1 :]

    def rest(self) -> None:
        """What is open at the end of the text."""
        for opening in reversed(self.stack):
            if opening.text != "{":
                self.not_closed(opening, None)
            elif self.left:
                inner, closing = self.left.pop(0)
                self.report_open(inner, closing)
                self.changes.append(_Change(closing.start, closing.start, "}\n"))
            else:
                self.report_open(opening, None)
                at = self.next_item(opening)
                self.changes.append(_Change(at, at, "\n}\n"))

    # ---- what is said ----------------------------------------------------------------------------

    def not_closed(self, opening: Piece, closing: Piece | None) -> None:
        last = self.end_of_statement(opening, closing)
        self.report_open(opening, closing, f" behind `{last.text}`" if last != opening else "")
        at = last.end
        self.changes.append(_Change(at, at, OPENING[opening.text]))

    def report_open(self, opening: Piece, closing: Piece | None, where: str = "") -> None:
        sign = OPENING[opening.text]
        others = (
            (Label(self.draft.span(closing.start, closing.end), f"no `{sign}` up to here"),)
            if closing
            else ()
        )
        self.found.append(
            Diagnostic(
                "NASH012",
                f"a {_NAMES[opening.text]} is not closed",
                self.draft.span(opening.start, opening.end),
                "opened here",
                others,
                f"add `{sign}`{where}",
            )
        )

    def wrong_closing(self, opening: Piece, closing: Piece) -> None:
        sign = OPENING[opening.text]
        self.found.append(
            Diagnostic(
                "NASH012",
                f"`{opening.text}` is closed by `{closing.text}`",
                self.draft.span(closing.start, closing.end),
                f"expected `{sign}`",
                (Label(self.draft.span(opening.start, opening.end), "opened here"),),
                f"write `{sign}`",
            )
        )
        self.changes.append(_Change(closing.start, closing.end, sign))

    def not_opened(self, closing: Piece) -> None:
        before: Piece | None = next(
            (p for p in reversed(self.closed) if p.text == closing.text), None
        )
        if closing.text == "}" and self.right:
            # an earlier one closed too much: that is the one too many
            _, culprit = self.right.pop(0)
            before = next(
                (p for p in reversed(self.closed) if p.text == "}" and p.start < culprit.start),
                None,
            )
            closing = culprit
        opening = CLOSING[closing.text]
        others = (
            (Label(self.draft.span(before.start, before.end), "the one before closes the last"),)
            if before
            else ()
        )
        self.found.append(
            Diagnostic(
                "NASH015",
                f"`{closing.text}` closes nothing",
                self.draft.span(closing.start, closing.end),
                f"no `{opening}` is open here",
                others,
                f"remove it, or add the `{opening}` it should close",
            )
        )
        self.changes.append(_Change(closing.start, closing.end, " "))

    # ---- where things stand ----------------------------------------------------------------------

    def line_start(self, piece: Piece) -> int:
        return self.draft.text.rfind("\n", 0, piece.start) + 1

    def indent(self, piece: Piece) -> int:
        """Column of the first character of the line that a piece stands on."""
        line = self.draft.text[self.line_start(piece) : piece.start + 1].expandtabs(8)
        return len(line) - len(line.lstrip())

    def is_first_of_line(self, piece: Piece) -> bool:
        return not self.draft.text[self.line_start(piece) : piece.start].strip()

    def end_of_statement(self, opening: Piece, closing: Piece | None) -> Piece:
        """The last piece before the next line that looks like a statement of its own."""
        end = closing.start if closing else len(self.draft.text)
        inside = [p for p in self.signs if opening.start <= p.start < end]
        for before, piece, after in zip(inside, inside[1:], [*inside[2:], None], strict=False):
            if (
                piece.kind == "word"
                and self.is_first_of_line(piece)
                and (self.indent(piece) == 0 or (after and after.is_one_of("=", ":", "{")))
                and not before.is_one_of(*WANTS_MORE, *OPENING)
            ):
                return before
        return inside[-1]

    def next_item(self, opening: Piece) -> int:
        """Where the `}` of an open brace fits: before the next line that stands as far left as its head."""
        for piece in self.signs:
            if (
                piece.start > opening.end
                and piece.kind == "word"
                and self.is_first_of_line(piece)
                and self.indent(piece) <= self.indent(opening)
            ):
                return self.line_start(piece)
        return len(self.draft.text)
