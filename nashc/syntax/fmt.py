"""The canonical layout of a spec: two blanks for each level, `=` aligned among neighbours, comments kept.

Statements are written from the tree. Comments are found by scanning the text and put back by position:
a comment on a line of its own stays on one, a comment behind something stays behind it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import assert_never

from nashc.syntax import ast
from nashc.syntax.flat import flat, operands, step_head, step_tail, term_head
from nashc.syntax.lines import STEP, WIDTH, Line, Lines
from nashc.syntax.parse import parse
from nashc.syntax.scan import scan
from nashc.text import Source

_Entry = ast.Item | ast.Number | ast.Setting | ast.Edge | ast.Branch | ast.Flow


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


class _Writer(Lines):
    """Writes from left to right and top to bottom; comments come in as their place is passed."""

    # ---- statements ------------------------------------------------------------------------------

    def body(self, entries: Sequence[_Entry], indent: int, start: int, end: int) -> None:
        """All entries between the characters start and end, with their comments and blank lines."""
        last = start
        is_first = True
        for run in _runs(self.source, entries):
            prefixes = _prefixes(run)
            rows = _rows(run, prefixes, indent)
            for entry, prefix, row in zip(run, prefixes, rows, strict=True):
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

    def entry(self, entry: _Entry, prefix: str, row: str, indent: int) -> None:
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

    def braces(self, body: Sequence[_Entry], entry: ast.Node, indent: int, head_end: int) -> None:
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

    # ---- values and flows ------------------------------------------------------------------------

    def values(self, values: Sequence[ast.Value], indent: int) -> None:
        if len(values) == 1:
            self.value(values[0], indent)
            return
        if self.fits(", ".join(map(flat, values)), values[-1].span.end):
            self.put(" " + ", ".join(map(flat, values)))
            return
        for value in values:
            self.comments_before(value, indent + STEP)
            self.newline(indent + STEP)
            self.value(value, indent + STEP)
            if value is not values[-1]:
                self.put(",")
            self.behind(value.span.end, indent + STEP)

    def value(self, value: ast.Value, indent: int, tail: int = 0) -> None:
        """A value at the end of the current line; tail: characters that must still fit behind it."""
        self.comments_before(value, indent + STEP)
        text = flat(value)
        if self.fits(text, value.span.end, tail):
            self.put_word(text, indent)
            return
        match value:
            case ast.List():
                self.put_word("", indent)
                self.bracket("[", value.items, "]", indent, value.span.end, tail)
            case ast.Term() if value.arguments:
                self.put_word(term_head(value), indent)
                self.bracket("(", value.arguments, ")", indent, value.span.end, tail)
            case ast.From() if value.op.arguments:
                self.value(value.op, indent, len(f" from {flat(value.node)}") + tail)
                self.put(f" from {flat(value.node)}")
            case ast.Binary():
                left, right = operands(value)
                self.part_of_sum(value.left, left, indent)
                self.put(f" {value.op}")
                self.newline(indent + STEP)
                self.part_of_sum(value.right, right, indent + STEP)
            case _:
                self.put_word(text, indent)

    def part_of_sum(self, node: ast.Value, text: str, indent: int) -> None:
        """An operand; one that needs parentheses stays on its line."""
        if text.startswith("(") and text != flat(node):
            self.put_word(text, indent)
        else:
            self.value(node, indent)

    def bracket(
        self,
        opening: str,
        items: Sequence[ast.Value] | Sequence[ast.Argument] | Sequence[ast.Parameter],
        closing: str,
        indent: int,
        end: int,
        tail: int = 0,
    ) -> None:
        """A bracket on one line if it fits, else one line for each item."""
        text = opening + ", ".join(map(flat, items)) + closing
        has_comment = bool(self.comments) and self.comments[0].start < end
        has_room = not items or self.column + len(text) + tail <= WIDTH
        if not has_comment and has_room:
            self.put(text)
            return
        self.put(opening)
        for item in items:
            self.comments_before(item, indent + STEP)
            self.newline(indent + STEP)
            self.item(item, indent + STEP)
            self.put(",")
            self.behind(item.span.end, indent + STEP)
        self.write_comments(end, indent + STEP)
        self.newline(indent)
        self.put(closing)

    def item(self, item: ast.Value | ast.Argument | ast.Parameter, indent: int) -> None:
        match item:
            case ast.Argument(name=name):
                if name:
                    self.put(f"{flat(name)} =")
                self.value(item.value, indent, 1)
            case ast.Parameter(default=default):
                self.put(flat(item.name))
                if default:
                    self.put(" =")
                    self.value(default, indent, 1)
            case _:
                self.value(item, indent, 1)

    def flow(self, flow: ast.Flow, indent: int) -> None:
        """Steps behind each other if they fit, else one line for each."""
        self.comments_before(flow, indent + STEP)
        if self.fits(flat(flow), flow.span.end):
            self.put_word(flat(flow), indent)
            return
        for step in flow.steps:
            self.comments_before(step, indent + STEP)
            if step is flow.steps[0]:
                self.put_word("", indent)
            else:
                self.newline(indent + STEP)
                self.put("-> ")
            self.step(step, indent + STEP)
            self.behind(step.span.end, indent + STEP)

    def step(self, step: ast.Step, indent: int) -> None:
        if self.fits(flat(step), step.span.end):
            self.put(flat(step))
            return
        self.put(step_head(step))
        if isinstance(step.what, ast.If):
            self.choice(step.what, indent)
        else:
            self.value(step.what, indent, len(step_tail(step)))
        self.put(step_tail(step))

    def choice(self, choice: ast.If, indent: int) -> None:
        self.put("if")
        self.value(choice.condition, indent)
        for word, flow in (("then", choice.then), ("else", choice.otherwise)):
            self.comments_before(flow, indent)
            self.newline(indent)
            self.put(word)
            self.flow(flow, indent)
            self.behind(flow.span.end, indent)


# ---- neighbours -------------------------------------------------------------------------------------


def _runs(source: Source, entries: Sequence[_Entry]) -> Iterator[list[_Entry]]:
    """Neighbours of one kind without a blank line between them; their signs are aligned."""
    run: list[_Entry] = []
    for before, entry in zip([None, *entries], entries, strict=False):
        if run and before is not None and not _are_neighbours(source, before, entry):
            yield run
            run = []
        run.append(entry)
    if run:
        yield run


def _are_neighbours(source: Source, before: _Entry, entry: _Entry) -> bool:
    settings = isinstance(before, ast.Setting | ast.Edge) and isinstance(
        entry, ast.Setting | ast.Edge
    )
    if not settings and not (isinstance(before, ast.Branch) and isinstance(entry, ast.Branch)):
        return False
    between = source.text[before.span.end : entry.span.start].split("\n")[1:-1]
    return all(line.strip(" \t\r;") for line in between)


def _prefixes(run: Sequence[_Entry]) -> list[str]:
    """What stands up to the value: `key    =`, `part:   `; empty for entries without."""
    heads = [_head(entry) for entry in run]
    width = max(len(head) for head, _ in heads)
    return [
        f"{head + sign:<{width + 1}} " if sign == ":" else f"{head:<{width}} {sign}" if sign else ""
        for head, sign in heads
    ]


def _head(entry: _Entry) -> tuple[str, str]:
    match entry:
        case ast.Setting():
            return flat(entry.key), entry.sign
        case ast.Edge():
            return f"edge {flat(entry.source)} -> {flat(entry.target)}", "="
        case ast.Branch():
            behind = entry.span.text[len(entry.name.text) :].lstrip()
            return flat(entry.name), behind[0]
    return "", ""


def _rows(run: Sequence[_Entry], prefixes: Sequence[str], indent: int) -> list[str]:
    """Settings of equally many values as rows of a table; empty for all that is none."""
    counts = {len(entry.values) for entry in run if isinstance(entry, ast.Setting)}
    settings = [entry for entry in run if isinstance(entry, ast.Setting)]
    if len(settings) < 2 or len(settings) < len(run) or len(counts) != 1 or counts == {1}:
        return [""] * len(run)
    if any(piece.kind == "comment" for entry in run for piece in scan(entry.span.text)):
        return [""] * len(run)
    cells = [[flat(value) for value in entry.values] for entry in settings]
    widths = [max(map(len, column)) + 1 for column in zip(*cells, strict=True)]
    rows = [
        prefix
        + " "
        + " ".join(
            f"{cell},".ljust(width) for cell, width in zip(row[:-1], widths[:-1], strict=True)
        )
        + " "
        + row[-1]
        for prefix, row in zip(prefixes, cells, strict=True)
    ]
    return rows if all(indent + len(row) <= WIDTH for row in rows) else [""] * len(run)
