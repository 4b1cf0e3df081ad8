"""What the colours and outlines of a picture mean, in rows under it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from unicodedata import east_asian_width

from nashc.diagnostics.model import counted
from nashc.pareto.paint import FRONT, INK, MUTED, RADIUS, SMALL, Paint
from nashc.pareto.rows import Row
from nashc.pareto.shapes import Box, Line, Mark, Place, Shape, Text

LEGEND_ROW, LETTER, LONGEST, WIDEST = 22.0, 6.6, 720.0, 900.0
MOST_EQUAL = 6
# Words of the legend and the shapes in front of them, from (0, 0) to the right.
Entry = tuple[str, list[Shape]]


def legend(
    paint: Paint, drawn: Sequence[Row], begin: Place, right: float
) -> tuple[list[Shape], float]:
    """Its shapes, row by row from `begin` on and up to `right`, and where it ends below."""
    networks = {row.point.network for row in drawn}
    bits = {row.point.bits for row in drawn}
    of_networks: list[Entry] = [
        (name, [Line(((0, 0), (20, 0)), colour, 2.4)])
        for name, colour in paint.colours.items()
        if name in networks
    ]
    of_marks: list[Entry] = [
        (name, [Mark(10, 0, RADIUS, outline, MUTED, MUTED)])
        for name, outline in paint.outlines.items()
        if name in bits and name
    ]
    front: list[Shape] = [Line(((0, 0), (20, 0)), FRONT, 1.6, (5, 3))]
    of_marks.append(("front", [*front, Mark(10, 0, RADIUS, (), "#ffffff", INK, 2.0)]))
    if any(row.spread is not None for row in drawn):
        bar = [((10, -7), (10, 7)), ((7, -7), (13, -7)), ((7, 7), (13, 7))]
        lines: list[Shape] = [Line(ends, MUTED, 1.4) for ends in bar]
        of_marks.append(("\u00b1 1 standard deviation over seeds", lines))
        of_marks.append(("one seed", [Mark(10, 0, SMALL, (), MUTED, MUTED, 0, 0.6)]))
    if any(row.cost and row.cost.fits is False for row in drawn):
        hollow = Mark(10, 0, RADIUS, (), "#ffffff", MUTED, 1.4)
        of_marks.append(("hollow: larger than its board", [hollow]))
    found: list[Shape] = []
    left, y = begin
    for entries in (of_networks, of_marks):
        x = left
        for name, shapes in entries:
            name = _cut(name, LONGEST)
            step = 46 + _wide(name)
            if x + step > right and x > left:
                x, y = left, y + LEGEND_ROW
            found += [_moved(shape, x, y) for shape in shapes]
            found.append(Text(x + 28, y + 4, name, 12))
            x += step
        y += LEGEND_ROW
    return found, y


def equal_points(groups: Sequence[Sequence[str]], begin: Place) -> tuple[list[Shape], float]:
    """A line for each group of points of one place, of which a picture shows the last alone; and where they end below.

    groups: the labels of their points.
    """
    x, y = begin
    shapes: list[Shape] = []
    for group in groups[:MOST_EQUAL]:
        told = f"{times(len(group))} at one place: {', '.join(group)}"
        shapes.append(Text(x, y + 4, _cut(told, WIDEST), 12, MUTED))
        y += LEGEND_ROW
    if len(groups) > MOST_EQUAL:
        left = counted(len(groups) - MOST_EQUAL, "more such place")
        shapes.append(Text(x, y + 4, f"and {left}, which pareto.html tells", 12, MUTED))
        y += LEGEND_ROW
    return shapes, y


def times(count: int) -> str:
    """What stands at the mark of so many points."""
    return f"\u00d7{count}"


def _cut(words: str, most: float) -> str:
    """No wider than so many pixels, what is too much left out in the middle."""
    kept = len(words)
    cut = words
    while _wide(cut) > most:
        kept -= 1
        cut = f"{words[: -(-kept // 2)]}\u2026{words[len(words) - kept // 2 :]}"
    return cut


def _wide(words: str) -> float:
    """About as many pixels as words of the legend take."""
    return LETTER * sum(2 if east_asian_width(letter) in "WF" else 1 for letter in words)


def _moved(shape: Shape, x: float, y: float) -> Shape:
    if isinstance(shape, Line):
        return replace(shape, points=tuple((a + x, b + y) for a, b in shape.points))
    assert not isinstance(shape, Text | Box)
    return replace(shape, x=shape.x + x, y=shape.y + y)
