"""Diagnostics as text for a screen and as data for other programs: the only place that lays them out."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from nashc.diagnostics.model import Diagnostic, counted
from nashc.text import Source, Span

_TAB = 4
_WIDEST_LINE = 160
_MOST_LINES_OF_SPAN = 3

_RED, _BLUE, _CYAN, _YELLOW, _PLAIN = "\x1b[1;31m", "\x1b[34m", "\x1b[36m", "\x1b[1;33m", "\x1b[0m"


def render_text(diagnostics: Iterable[Diagnostic], colour: bool = False) -> str:
    """All diagnostics with the lines they speak of, one blank line between two; no newline at the end."""
    paint = _Paint(colour)
    return "\n\n".join("\n".join(_render(diagnostic, paint)) for diagnostic in diagnostics)


def told_once(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Without those that read like an earlier one: every loading of a spec has spans of its own."""
    found: dict[str, Diagnostic] = {}
    for diagnostic in diagnostics:
        found.setdefault(render_text([diagnostic]), diagnostic)
    return tuple(found.values())


def render_json(diagnostics: Iterable[Diagnostic]) -> list[dict[str, Any]]:
    """One flat dict for each diagnostic; lines and columns count from 1, end_column is one behind the last."""
    return [
        {
            "code": diagnostic.code,
            "severity": diagnostic.severity,
            "message": diagnostic.message,
            **_place(diagnostic.span),
            "label": diagnostic.label,
            "others": [{**_place(other.span), "label": other.text} for other in diagnostic.others],
            "help": diagnostic.help,
        }
        for diagnostic in diagnostics
    ]


def summarise(diagnostics: Iterable[Diagnostic]) -> str:
    """ "2 errors in 1 file", "1 error and 3 warnings in 2 files"; empty for nothing."""
    found = list(diagnostics)
    counts = [
        counted(number, severity)
        for severity in ("error", "warning")
        if (number := sum(d.severity == severity for d in found))
    ]
    files = {d.span.source.path for d in found if d.span}
    where = f" in {counted(len(files), 'file')}" if files else ""
    text = " and ".join(counts)
    return text + where if text else ""


def _place(span: Span | None) -> dict[str, Any]:
    if span is None:
        return dict.fromkeys(("file", "line", "column", "end_line", "end_column"))
    end_line, end_column = span.source.position(max(span.start, span.end))
    return {
        "file": span.source.path,
        "line": span.line,
        "column": span.column,
        "end_line": end_line,
        "end_column": end_column,
    }


# ---- text -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Paint:
    colour: bool

    def __call__(self, text: str, colour: str) -> str:
        return f"{colour}{text}{_PLAIN}" if self.colour and text else text


@dataclass(frozen=True)
class _Mark:
    """Columns [start, end) of one source line to underline, counted in characters from 0."""

    line: int
    start: int
    end: int
    sign: str
    text: str


def _render(diagnostic: Diagnostic, paint: _Paint) -> Iterator[str]:
    is_error = diagnostic.severity == "error"
    head = diagnostic.code if is_error else f"warning {diagnostic.code}"
    yield paint(head, _RED if is_error else _YELLOW) + f": {clean(diagnostic.message)}"
    if diagnostic.span:
        yield from _places(diagnostic, diagnostic.span, paint)
    if diagnostic.help:
        yield paint("help", _CYAN) + f": {clean(diagnostic.help)}"
    yield paint("more", _CYAN) + f": nashc explain {diagnostic.code}"


def _places(diagnostic: Diagnostic, span: Span, paint: _Paint) -> Iterator[str]:
    by_source: dict[str, tuple[Span, list[_Mark]]] = {}
    labels = [(span, "^", diagnostic.label)]
    labels += [(other.span, "-", other.text) for other in diagnostic.others]
    for place, sign, text in labels:
        _, marks = by_source.setdefault(place.source.path, (place, []))
        marks.extend(_marks(place, sign, text))
    numbers = [mark.line for _, marks in by_source.values() for mark in marks]
    gutter = len(str(max(numbers)))
    for place, marks in by_source.values():
        yield f"  {clean(str(place))}"
        yield from _excerpt(place.source, marks, gutter, paint)


def _marks(span: Span, sign: str, text: str) -> Iterator[_Mark]:
    """One mark for each line of a span; of a long span the first line and the last."""
    source = span.source
    start_line, start = source.position(span.start)
    end_line, end = source.position(max(span.start, span.end))
    if end == 1 and end_line > start_line:  # the newline of the line before
        end_line -= 1
        end = len(source.line(end_line)) + 1
    lines = range(start_line, end_line + 1)
    if len(lines) > _MOST_LINES_OF_SPAN:
        shown = [start_line, end_line]
    else:
        shown = [n for n in lines if n in (start_line, end_line) or source.line(n).strip()]
    for number in shown:
        line = source.line(number)
        first = start - 1 if number == start_line else len(line) - len(line.lstrip())
        last = end - 1 if number == end_line else len(line.rstrip())
        yield _Mark(number, first, max(last, first + 1), sign, text if number == end_line else "")


def _excerpt(source: Source, marks: Sequence[_Mark], gutter: int, paint: _Paint) -> Iterator[str]:
    bar = paint(f"{' ' * gutter} |", _BLUE)
    yield bar
    for number in sorted({mark.line for mark in marks}):
        here = sorted((m for m in marks if m.line == number), key=lambda mark: mark.start)
        shown = _Line.of(source.line(number), here[0].start)
        yield f"{paint(f'{number:>{gutter}} |', _BLUE)} {shown.text}".rstrip()
        for mark in here:
            yield f"{bar} {_underline(shown, mark, paint)}"


def _underline(shown: _Line, mark: _Mark, paint: _Paint) -> str:
    start, end = shown.column(mark.start), shown.column(mark.end)
    colour = _RED if mark.sign == "^" else _BLUE
    label = f" {clean(mark.text)}" if mark.text else ""
    return " " * start + paint(mark.sign * max(end - start, 1) + label, colour)


@dataclass(frozen=True)
class _Line:
    """A source line as shown, and the column on the screen of each of its characters."""

    text: str
    columns: tuple[int, ...]

    @classmethod
    def of(cls, line: str, focus: int) -> _Line:
        """Tabs become blanks, unprintable characters a sign; a very long line is cut around focus."""
        shown, columns, width = [], [], 0
        for char in line:
            columns.append(width)
            cell = " " * (_TAB - width % _TAB) if char == "\t" else clean(char)
            shown.append(cell)
            width += len(cell) if char == "\t" else _width(cell)
        columns.append(width)
        if width <= _WIDEST_LINE:
            return cls("".join(shown), tuple(columns))
        first = max(0, min(focus, len(line)) - _WIDEST_LINE // 4)
        last = next(
            (i for i in range(first, len(line)) if columns[i] - columns[first] > _WIDEST_LINE - 8),
            len(line),
        )
        before, after = "... " if first else "", " ..." if last < len(line) else ""
        offset = len(before) - columns[first]
        edge = columns[last] + offset
        return cls(
            before + "".join(shown[first:last]) + after,
            tuple(min(max(column + offset, 0), edge) for column in columns),
        )

    def column(self, character: int) -> int:
        if character < len(self.columns):
            return self.columns[character]
        return self.columns[-1] + character - len(self.columns) + 1


def clean(text: str) -> str:
    """Text without characters that would steer a terminal or hide something."""
    return "".join("�" if unicodedata.category(char) in _UNSHOWN else char for char in text)


_UNSHOWN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def _width(text: str) -> int:
    return sum(_cells(char) for char in text)


def _cells(char: str) -> int:
    """Columns on a screen. Marks stand on the letter before them, vowels and ends of Hangul in its cell."""
    if unicodedata.category(char) in ("Mn", "Me") or "\u1160" <= char <= "\u11ff":
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1
