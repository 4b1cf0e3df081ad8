"""The tree of a file as indented text, one node a line, with the place of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from nashc.syntax import ast


def outline(file: ast.File) -> str:
    """`Setting 12:3` and below it its parts; plain values stand behind the name of their field."""
    lines = [f"File {file.source.path}"]
    for item in file.items:
        lines.extend(_lines(item, "", 1))
    return "\n".join(lines) + "\n"


def _lines(node: ast.Node, label: str, depth: int) -> Iterator[str]:
    plain = {f.name: getattr(node, f.name) for f in fields(node)}
    words = [
        f"{name}={value!r}"
        for name, value in plain.items()
        if isinstance(value, str | int | float) and name != "span"
    ]
    head = f"{label}: " if label else ""
    place = f"{node.span.line}:{node.span.column}"
    yield "  " * depth + head + " ".join([type(node).__name__, *words, place])
    for name, value in plain.items():
        yield from _children(name, value, depth + 1)


def _children(name: str, value: Any, depth: int) -> Iterator[str]:
    if isinstance(value, ast.Node):
        yield from _lines(value, name, depth)
    elif isinstance(value, tuple):
        for item in value:
            yield from _children(name, item, depth)
