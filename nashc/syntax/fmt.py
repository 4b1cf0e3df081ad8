"""The canonical layout of a spec: two blanks for each level, `=` aligned among neighbours, comments kept.

Statements are written from the tree. Comments are found by scanning the text and put back by position:
a comment on a line of its own stays on one, a comment behind something stays behind it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from nashc.syntax import ast
from nashc.syntax.columns import Entry, prefixes, rows, runs
from nashc.syntax.flat import flat
from nashc.syntax.lines import STEP, Line
from nashc.syntax.parse import parse
from nashc.syntax.scan import scan
from nashc.syntax.wrap import Wrapped
from nashc.text import Source


def format_source(source: Source) -> str:
    """The text of a spec in its one layout; formatting that again changes nothing.

    Errors: SpecError with all syntax mistakes, as from `parse`.
    """
    text = _written(source)
    for _ in range(_MOST_ROUNDS):
        again = _written(Source(source.path, text))
        if again == text:
            break
        text = again
    return text


# A comment in the middle of a layer moves behind it; what it had pushed apart then fits on one line.
# Once is the rule; the bound is for comments within comments within comments.
_MOST_ROUNDS = 6


def _written(source: Source) -> str:
    file = parse(source)
    edition = (file.edition,) if file.edition else ()
    writer = _Writer(source)
    writer.body((*edition, *file.items), 0, 0, len(source.text))
    return writer.text()


class _Writer(Wrapped):
    """Writes statements from left to right and top to bottom; comments come in as their place is passed."""

    def body(self, entries: Sequence[Entry], indent: int, start: int, end: int) -> None:
        """All entries between the characters start and end, with their comments and blank lines."""
        last = start
        is_first = True
        for run in runs(self.source, entries):
            heads = prefixes(run)
            for entry, prefix, row in zip(run, heads, rows(run, heads, indent), strict=True):
                last, is_first = self.own_comments(entry.span.start, indent, last, is_first)
                self.gap(last, entry.span.start, is_first)
                self.newline(indent)
                self.entry(entry, prefix, row, indent)
                self.behind(entry.span.end, indent)
                last, is_first = entry.span.end, False
                last = self.trailing(last)
                self.dedent_last_comments(indent)
        self.own_comments(end, indent, last, is_first)

    def dedent_last_comments(self, indent: int) -> None:
        """Comments that found no place in a statement stand behind it, and at its level."""
        for line in reversed(self.lines):
            if line.code:
                return
            line.indent = indent

    def own_comments(self, before: int, indent: int, last: int, is_first: bool) -> tuple[int, bool]:
        """Write the comments in front of a place; gives what `last` and `is_first` are after them."""
        while self.comments and self.comments[0].start < before:
            comment = self.comments.pop(0)
            self.gap(last, comment.start, is_first)
            self.lines.append(Line(indent, comment=comment.text))
            last, is_first = comment.start + len(comment.text), False
        return last, is_first

    def gap(self, last: int, start: int, is_first: bool) -> None:
        """Keep one blank line where the text had any between two places."""
        between = self.source.text[last:start].split("\n")[1:-1]
        if not is_first and any(not line.strip(" \t\r;") for line in between):
            self.lines.append(Line(0))

    def trailing(self, last: int) -> int:
        """Put a comment on the same source line behind what was written last."""
        if self.comments and not self.comments[0].has_own_line:
            comment = self.comments[0]
            between = self.source.text[last : comment.start]
            if "\n" not in between and not between.strip(" \t;,"):
                self.comment(self.comments.pop(0))
                return comment.start + len(comment.text)
        return last

    def entry(self, entry: Entry, prefix: str, row: str, indent: int) -> None:
        if row:
            self.put(row)
            return
        match entry:
            case ast.Number():
                self.put(f"nash {entry.value}")
            case ast.Use():
                self.put(f"use {', '.join(map(flat, entry.names))} from {flat(entry.path)}")
            case ast.Extends():
                self.put(f"extends {flat(entry.path)}")
                if entry.overrides:
                    self.put(" with")
                    self.braces(entry.overrides, entry, indent, entry.path.span.end)
            case ast.Param():
                self.put(f"param {flat(entry.name)}: {flat(entry.type)} = ")
                self.value(entry.default, indent)
                if entry.choices:
                    self.put(" in ")
                    self.value(entry.choices, indent)
            case ast.Block() | ast.Backbone():
                word = "block" if isinstance(entry, ast.Block) else "backbone"
                self.put(f"{word} {flat(entry.name)}")
                head_end = self.head_end(entry)
                self.bracket("(", entry.parameters, ")", indent, head_end, 2)
                body = entry.body if isinstance(entry, ast.Block) else entry.parts
                self.braces(body, entry, indent, head_end)
            case ast.Section():
                self.put(" ".join([flat(entry.name), *map(flat, entry.words)]))
                self.braces(entry.body, entry, indent, entry.head_span.end)
            case ast.Setting():
                self.put(prefix)
                self.values(entry.values, indent)
            case ast.Edge():
                self.put(prefix)
                self.value(entry.value, indent)
            case ast.Branch():
                self.put(prefix)
                self.flow(entry.flow, indent)
            case ast.Flow():
                self.flow(entry, indent)
            case _:
                assert_never(entry)

    def head_end(self, entry: ast.Block | ast.Backbone) -> int:
        """Behind the `)` of the parameters."""
        last = entry.parameters[-1].span.end if entry.parameters else entry.name.span.end
        signs = (
            piece for piece in scan(self.source.text[last : entry.span.end]) if piece.text == ")"
        )
        return last + next(signs).end

    def braces(self, body: Sequence[Entry], entry: ast.Node, indent: int, head_end: int) -> None:
        opening = self.source.text.index("{", head_end)
        inside = [c for c in self.comments if opening < c.start < entry.span.end]
        if not body and not inside:
            self.put(" {}")
            return
        self.put(" {")
        start = self.trailing(opening + 1)
        self.body(body, indent + STEP, start, entry.span.end)
        self.newline(indent)
        self.put("}")
