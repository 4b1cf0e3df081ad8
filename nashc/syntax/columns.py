"""Neighbours in columns: their signs under each other, and settings of equally many values as a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nashc.syntax import ast
from nashc.syntax.flat import flat
from nashc.syntax.lines import WIDTH
from nashc.syntax.scan import scan
from nashc.text import Source

Entry = ast.Item | ast.Number | ast.Setting | ast.Edge | ast.Branch | ast.Flow


def runs(source: Source, entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """Neighbours of one kind without a blank line between them; their signs are aligned."""
    run: list[Entry] = []
    for before, entry in zip([None, *entries], entries, strict=False):
        if run and before is not None and not _are_neighbours(source, before, entry):
            yield run
            run = []
        run.append(entry)
    if run:
        yield run


def prefixes(run: Sequence[Entry]) -> list[str]:
    """What stands up to the value: `key    =`, `part:   `; empty for entries without."""
    heads = [_head(entry) for entry in run]
    width = max(len(head) for head, _ in heads)
    return [
        f"{head + sign:<{width + 1}} " if sign == ":" else f"{head:<{width}} {sign}" if sign else ""
        for head, sign in heads
    ]


def rows(run: Sequence[Entry], prefixes: Sequence[str], indent: int) -> list[str]:
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


def _are_neighbours(source: Source, before: Entry, entry: Entry) -> bool:
    settings = isinstance(before, ast.Setting | ast.Edge) and isinstance(
        entry, ast.Setting | ast.Edge
    )
    if not settings and not (isinstance(before, ast.Branch) and isinstance(entry, ast.Branch)):
        return False
    between = source.text[before.span.end : entry.span.start].split("\n")[1:-1]
    return all(line.strip(" \t\r;") for line in between)


def _head(entry: Entry) -> tuple[str, str]:
    match entry:
        case ast.Setting():
            return flat(entry.key), entry.sign
        case ast.Edge():
            return f"edge {flat(entry.source)} -> {flat(entry.target)}", "="
        case ast.Branch():
            behind = entry.span.text[len(entry.name.text) :].lstrip()
            return flat(entry.name), behind[0]
    return "", ""
