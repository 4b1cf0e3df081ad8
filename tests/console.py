"""Console blocks of documents: commands with the lines that they print, `...` for anything."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase


def commands(texts: Iterable[str]) -> list[tuple[str, list[str]]]:
    """The commands of console blocks (`$ nashc check x.nash`), each with the lines below it."""
    found: list[tuple[str, list[str]]] = []
    for text in texts:
        for line in text.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            else:
                found[-1][1].append(line)
    return found


def matches(lines: list[str], expected: list[str]) -> bool:
    """A line `...` stands for any lines, `...` within a line for any text."""
    if not expected:
        return not lines
    if expected[0] == "...":
        return any(matches(lines[i:], expected[1:]) for i in range(len(lines) + 1))
    if not lines:
        return False
    pattern = expected[0].replace("[", "[[]").replace("...", "*")
    return fnmatchcase(lines[0].rstrip(), pattern) and matches(lines[1:], expected[1:])
