"""The picture of Figures 10 and 11 of the paper: accuracy against LUT and against BRAM, the front marked.

A network has its colour, bit widths their marker; one line joins what a network reaches along the first swept parameter.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from nashc.pareto.legend import equal_points, legend, times
from nashc.pareto.measure import Measure
from nashc.pareto.paint import FRAME, FRONT, GRID, INK, LIMIT, MUTED, PAPER, RADIUS, SMALL, Paint
from nashc.pareto.rows import COSTS, Row, equal_rows
from nashc.pareto.scale import Scale, scale_of, words
from nashc.pareto.shapes import Box, Line, Mark, Picture, Place, Shape, Text

LEFT, TOP, WIDE, HIGH, GAP, RIGHT = 78.0, 74.0, 440.0, 340.0, 44.0, 22.0
WIDTH = LEFT + 2 * WIDE + GAP + RIGHT
LEGEND_TOP = TOP + HIGH + 66
ASIDE = 9.0
# A board that holds up to this many times the dearest network has its limit in the picture.
NEAR = 1.6


@dataclass(frozen=True)
class Panel:
    """One of the two: the cost to the right, the measure upwards, over a rectangle whose left edge is x."""

    key: str
    label: str
    x: float
    across: Scale
    up: Scale

    def place(self, cost: float, height: float) -> Place:
        return (self.x + WIDE * self.across.part(cost), TOP + HIGH * (1 - self.up.part(height)))

    def is_inside(self, limit: int) -> bool:
        return self.across.low < limit <= self.across.high


def chart(rows: Sequence[Row], title: str, note: str) -> Picture:
    """rows: at least one of them drawn. note: a line under the title."""
    drawn = [(i, row) for i, row in enumerate(rows) if row.is_drawn]
    shown = [row for _, row in drawn]
    measure = shown[0].measure
    heights = [_up(measure, value) for row in shown for value in _heights(row)]
    # One training that failed, at 0.1 %, is no reason to draw 70 % and 75 % on each other.
    up = scale_of(heights, is_share=measure.is_percent)
    panels = []
    for place, (key, label) in enumerate(COSTS):
        costs = [row.figures[key] for row in shown]
        near = [limit for limit in _limits(shown, key).values() if limit <= NEAR * max(costs)]
        panels.append(
            Panel(
                key,
                label,
                LEFT + place * (WIDE + GAP),
                scale_of([*costs, *near], is_whole=True),
                up,
            )
        )
    paint = Paint.of(rows)
    below, end = legend(paint, shown, (LEFT, LEGEND_TOP), WIDTH - RIGHT)
    groups = [_labels(group) for key, _ in COSTS for group in equal_rows(shown, key)]
    equal, height = equal_points([*dict.fromkeys(groups)], (LEFT, end))
    shapes: list[Shape] = [
        Text(LEFT, 30, title, 18, is_bold=True),
        Text(LEFT, 52, note, 12, MUTED),
        Text(24, TOP + HIGH / 2, _short(measure), 12.5, anchor="middle", is_upright=True),
    ]
    for panel in panels:
        shapes += _frame(panel, shown)
        shapes += _front(panel, shown)
        shapes += _curves(panel, paint, shown)
        shapes += _boards(panel, shown)
        for _, row in drawn:
            shapes += _seeds(panel, paint, row)
        shapes += [_mark(panel, paint, i, row) for i, row in drawn]
        shapes += [_times(panel, group) for group in equal_rows(shown, panel.key)]
    return Picture(WIDTH, height, title, (*shapes, *below, *equal))


def _up(measure: Measure, value: float) -> float:
    return 100 * value if measure.is_percent else value


def _short(measure: Measure) -> str:
    """Short enough to stand along the axis; what it means in full is in the note."""
    return measure.words.split(" (")[0]


def _heights(row: Row) -> Iterator[float]:
    """All that must have room: the mean, its spread, and every seed."""
    assert row.height is not None
    yield row.height
    yield from (value.accuracy for value in row.values)
    if row.spread is not None:
        yield from (max(0.0, row.height - row.spread), row.height + row.spread)


def _limits(rows: Iterable[Row], key: str) -> dict[str, int]:
    """What the boards of the points hold, by name."""
    boards = {row.cost.target.board.name: row.cost.target.board for row in rows if row.cost}
    return {
        name: getattr(board.resources, key)
        for name, board in sorted(boards.items())
        if board.resources is not None
    }


def _frame(panel: Panel, rows: Sequence[Row]) -> Iterator[Shape]:
    """Axes, grid, and what the boards hold."""
    bottom, right = TOP + HIGH, panel.x + WIDE
    yield Box(panel.x, TOP, WIDE, HIGH, PAPER, FRAME)
    ticks = panel.across.ticks()
    for tick, word in zip(ticks, words(ticks), strict=True):
        x = panel.x + WIDE * panel.across.part(tick)
        yield Line(((x, TOP), (x, bottom)), GRID)
        yield Text(x, bottom + 18, word, 11, MUTED, "middle")
    ticks = panel.up.ticks()
    for tick, word in zip(ticks, words(ticks), strict=True):
        y = TOP + HIGH * (1 - panel.up.part(tick))
        yield Line(((panel.x, y), (right, y)), GRID)
        yield Text(panel.x - 8, y + 4, word, 11, MUTED, "end")
    model = rows[0].cost.found.model if rows[0].cost else ""
    label = f"{panel.label} (as {model} estimates before training)"
    yield Text(panel.x + WIDE / 2, bottom + 40, label, 12.5, anchor="middle")
    for limit in _limits(rows, panel.key).values():
        if panel.is_inside(limit):
            x = panel.x + WIDE * panel.across.part(limit)
            yield Line(((x, TOP), (x, bottom)), LIMIT, 1.4, (6, 4))


def _boards(panel: Panel, rows: Sequence[Row]) -> Iterator[Shape]:
    """Which limit is whose, over the lines that may cross it; those further off stand above the frame."""
    beyond = []
    for name, limit in _limits(rows, panel.key).items():
        if panel.is_inside(limit):
            x = panel.x + WIDE * panel.across.part(limit)
            label = f"{name}: {limit:,}"
            yield Text(x - 5, TOP + HIGH - 8, label, 11, LIMIT, is_upright=True, halo=PAPER)
        else:
            beyond.append(f"{name} holds {limit:,}")
    if beyond:
        yield Text(panel.x + WIDE, TOP - 6, f"{', '.join(beyond)} \u2192", 11, LIMIT, "end")


def _front(panel: Panel, rows: Sequence[Row]) -> Iterator[Shape]:
    """Stairs: the best that can be had for each cost."""
    measure = rows[0].measure
    best = sorted(
        (row.figures[panel.key], _up(measure, row.height))
        for row in rows
        if panel.key in row.fronts and row.height is not None
    )
    corners: list[Place] = []
    for cost, height in best:
        x, y = panel.place(cost, height)
        if corners:
            corners.append((x, corners[-1][1]))
        corners.append((x, y))
    corners.append((panel.x + WIDE, corners[-1][1]))
    yield Line(tuple(corners), FRONT, 1.6, (5, 3))


def _curves(panel: Panel, paint: Paint, rows: Sequence[Row]) -> Iterator[Shape]:
    series: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        series.setdefault(row.point.series, []).append(row)
    for own in series.values():
        if len(own) > 1:
            places = tuple(_place(panel, row) for row in own)
            yield Line(places, paint.colour(own[0]), 1.3, opacity=0.55)


def _seeds(panel: Panel, paint: Paint, row: Row) -> Iterator[Shape]:
    """Seeds as dots, the spread as a bar."""
    colour = paint.colour(row)
    x, _ = _place(panel, row)
    cost = row.figures[panel.key]
    if row.spread and row.height is not None:
        ends = [
            panel.place(cost, _up(row.measure, max(0.0, row.height + sign * row.spread)))[1]
            for sign in (-1, 1)
        ]
        yield Line(((x, ends[0]), (x, ends[1])), colour, 1.4)
        yield from (Line(((x - 4, end), (x + 4, end)), colour, 1.4) for end in ends)
    for value in row.values if len(row.values) > 1 else ():
        # Beside the bar, which would hide them.
        seed = panel.place(cost, _up(row.measure, value.accuracy))[1]
        yield Mark(x + ASIDE, seed, SMALL, (), colour, colour, 0, 0.6)


def _mark(panel: Panel, paint: Paint, index: int, row: Row) -> Mark:
    """The mean; hollow where the board is too small."""
    colour = paint.colour(row)
    x, y = _place(panel, row)
    is_best = panel.key in row.fronts
    fits = not row.cost or row.cost.fits is not False
    return Mark(
        x,
        y,
        RADIUS,
        paint.outline(row),
        colour if fits else "#ffffff",
        INK if is_best else colour,
        2.0 if is_best else 1.4,
        row=index,
    )


def _times(panel: Panel, group: Sequence[Row]) -> Text:
    """How many points lie here: the last one's mark hides those before it."""
    x, y = _place(panel, group[-1])
    return Text(x, y - 2 * RADIUS, times(len(group)), 11, INK, "middle", halo=PAPER)


def _labels(group: Sequence[Row]) -> tuple[str, ...]:
    return tuple(row.point.label for row in group)


def _place(panel: Panel, row: Row) -> Place:
    assert row.height is not None
    return panel.place(row.figures[panel.key], _up(row.measure, row.height))
