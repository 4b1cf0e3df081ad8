"""The grid: a column and a rank for each box, and a lane for each wire.

Ranks run from top to bottom, the backbone straight down column 0. Columns left of it (-1, -2, ...)
hold shortcuts, columns right of it (1, 2, ...) what a cell adds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import count

from nashc.emit.picture.boxes import Box

Cell = tuple[int, int]  # column, rank


@dataclass(frozen=True)
class Edge:
    """One wire of the grid.

    kind: spine, shortcut or nas.
    track: where it runs when it passes a row: 1, 2, ... right of the backbone and -1, -2, ... left of
    it, nearest first; 0 for the column of its source.
    """

    source: str
    target: str
    kind: str
    track: int = 0


@dataclass(frozen=True)
class Grid:
    """Edges stand in the order of the boxes and their inputs."""

    cells: dict[str, Cell]
    edges: tuple[Edge, ...]


def grid(boxes: tuple[Box, ...]) -> Grid:
    """The grid for boxes in topological order, of which the last is the output."""
    spine = _spine(boxes)
    cells = _cells(boxes, spine)
    edges = [_edge(source, box, cells, spine) for box in boxes for source in box.inputs]
    return Grid(cells, _with_tracks(edges, cells))


def _ranks(boxes: tuple[Box, ...]) -> dict[str, int]:
    ranks: dict[str, int] = {}
    for box in boxes:
        ranks[box.name] = max((ranks[name] + 1 for name in box.inputs), default=0)
    return ranks


def _spine(boxes: tuple[Box, ...]) -> tuple[str, ...]:
    """The backbone, from the output up: at a join its longest branch that is no shortcut and no cell."""
    by_name = {box.name: box for box in boxes}
    ranks = _ranks(boxes)

    def fitness(name: str) -> tuple[bool, int]:
        box = by_name[name]
        beside = box.is_shortcut or (box.is_nas and box.layer.op != "add")
        return not beside, ranks[name]

    path = [boxes[-1].name]
    while inputs := by_name[path[-1]].inputs:
        path.append(max(inputs, key=fitness))
    return tuple(reversed(path))


def _cells(boxes: tuple[Box, ...], spine: tuple[str, ...]) -> dict[str, Cell]:
    """A free cell for each box, none above its rank by longest path.

    What stands beside the backbone may slide down to its reader: the ops of a cell do, so that wires
    from one source share a track; shortcuts and activations stay where their value is made.
    """
    ranks = _ranks(boxes)
    latest = dict(ranks)
    on_spine = frozenset(spine)
    readers: dict[str, list[str]] = {box.name: [] for box in boxes}
    for box in reversed(boxes):
        if box.name not in on_spine:
            below = (latest[name] - 1 for name in readers[box.name])
            latest[box.name] = min(below, default=ranks[box.name])
        for name in box.inputs:
            readers[name].append(box.name)
    cells: dict[str, Cell] = {name: (0, ranks[name]) for name in spine}
    taken = set(cells.values())
    for box in boxes:
        if box.name in on_spine:
            continue
        first = max((cells[name][1] + 1 for name in box.inputs), default=0)
        last = max(first, latest[box.name])
        slides = box.is_nas and box.layer.op != "act"
        sign, wish = (1 if box.is_nas else -1), (last if slides else first)
        free = [
            (4 * column + abs(rank - wish), column, rank)
            for column in range(1, len(boxes) + 1)
            for rank in range(first, last + 1)
            if (sign * column, rank) not in taken
        ]
        _, column, rank = min(free)
        cells[box.name] = (sign * column, rank)
        taken.add(cells[box.name])
    return cells


def _edge(source: str, box: Box, cells: dict[str, Cell], spine: tuple[str, ...]) -> Edge:
    columns = (cells[source][0], cells[box.name][0])
    if columns == (0, 0) and spine.index(box.name) == spine.index(source) + 1:
        return Edge(source, box.name, "spine")
    nas = max(columns) > 0 or (min(columns) == 0 and box.is_nas)
    return Edge(source, box.name, "nas" if nas else "shortcut")


def _with_tracks(edges: list[Edge], cells: dict[str, Cell]) -> tuple[Edge, ...]:
    """The edges with tracks such that no wire runs through a box or along one of another value.

    Wires that leave a box on one side carry one value and share a track.
    """
    column_of = {name: column for name, (column, _) in cells.items()}
    taken = {cell: name for name, cell in cells.items()}
    buses: dict[tuple[str, int], int] = {}  # source and side: the last row it passes
    for edge in sorted(edges, key=lambda e: len(_passed(e, cells))):
        column, rows = column_of[edge.source], _passed(edge, cells)
        own = column and _is_free(column, rows, edge.source, taken)
        if edge.kind == "spine" or own:
            taken.update({(column, row): edge.source for row in rows})
        elif rows:
            side = _side(edge)
            buses[edge.source, side] = max(rows[-1], buses.get((edge.source, side), 0))
    tracks: dict[tuple[str, int], int] = {}
    filled: dict[Cell, str] = {}
    for bus in sorted(buses, key=lambda b: (buses[b] - cells[b[0]][1], cells[b[0]][1])):
        source, side = bus
        # One row more than it passes: two wires that meet head to tail would look like one.
        rows = range(cells[source][1] + 1, buses[bus] + 2)
        tracks[bus] = next(side * n for n in count(1) if _is_free(side * n, rows, source, filled))
        filled.update({(tracks[bus], row): source for row in rows})

    def track(edge: Edge) -> int:
        rows = _passed(edge, cells)
        straight = all(taken.get((column_of[edge.source], r)) == edge.source for r in rows)
        return 0 if straight else tracks[edge.source, _side(edge)]

    return tuple(replace(edge, track=track(edge)) for edge in edges)


def _passed(edge: Edge, cells: dict[str, Cell]) -> range:
    """Rows between the two ends of an edge."""
    return range(cells[edge.source][1] + 1, cells[edge.target][1])


def _side(edge: Edge) -> int:
    return 1 if edge.kind == "nas" else -1


def _is_free(lane: int, rows: Iterable[int], source: str, taken: dict[Cell, str]) -> bool:
    return all(taken.get((lane, row), source) == source for row in rows)
