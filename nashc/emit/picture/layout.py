"""Where boxes and wires lie on the sheet, in pixels.

The space between two rows is free of boxes, so a wire bends only there; between bends it runs straight
down a column or a track beside the backbone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from nashc.emit.picture.boxes import Box, candidates, details, extent, group, operation, short
from nashc.emit.picture.grid import Edge, Grid, grid

LINE, PAD, PILL, PILLS_PER_ROW = 16, 8, 19, 2
GAP, GROUP_GAP, COLUMN_GAP, TRACK, PORT, MARGIN = 34, 30, 30, 13, 15, 24
AIR = 18  # between the border of a group and its boxes
LETTER, BOLD = 6.7, 7.5  # mean width of a letter of a wide sans-serif at 11 px


@dataclass(frozen=True)
class Place:
    """A box on the sheet; x and y are its left upper corner."""

    box: Box
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Wire:
    """A line through points; between points that differ in x it bends, else it is straight."""

    kind: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Band:
    """The background of a group."""

    name: str
    y: float
    height: float


@dataclass(frozen=True)
class Layout:
    """A whole drawing in pixels."""

    width: float
    height: float
    places: tuple[Place, ...]
    wires: tuple[Wire, ...]
    bands: tuple[Band, ...]


def layout(boxes: tuple[Box, ...]) -> Layout:
    """Places for the boxes of a graph; y begins at 0, the caller adds its own heading."""
    return _Sheet(boxes, grid(boxes)).layout()


class _Sheet:
    """Turns columns, ranks and tracks into coordinates."""

    def __init__(self, boxes: tuple[Box, ...], grid: Grid) -> None:
        self.boxes, self.cells, self.edges = boxes, grid.cells, grid.edges
        self.box_width = max(_width(box) for box in boxes)
        self._set_columns()
        self._set_rows()
        self.places = {box.name: self._place(box) for box in boxes}

    def layout(self) -> Layout:
        places, wires = tuple(self.places.values()), tuple(self._wires())
        return Layout(self.width, self.height, places, wires, tuple(self._bands()))

    def _set_columns(self) -> None:
        """From left to right: names of groups, shortcuts, tracks, backbone, tracks, cells."""
        columns = [0, *(column for column, _ in self.cells.values())]
        tracks = [0, *(edge.track for edge in self.edges)]
        labels = max(len(group(box.name)) for box in self.boxes) * BOLD * 1.2
        self.step = self.box_width + COLUMN_GAP
        self.left_end = MARGIN + labels - min(columns) * self.step
        self.spine_x = self.left_end + _gutter(-min(tracks))
        self.right_start = self.spine_x + self.box_width + _gutter(max(tracks))
        self.width = self.right_start + max(columns) * self.step + MARGIN

    def _column_x(self, column: int) -> float:
        """Left edge of a column."""
        if column < 0:
            return self.left_end + (column + 1) * self.step - self.box_width
        return self.right_start + (column - 1) * self.step if column else self.spine_x

    def _track_x(self, track: int) -> float:
        if track < 0:
            return self.spine_x - COLUMN_GAP / 2 + (track + 1) * TRACK
        return self.spine_x + self.box_width + COLUMN_GAP / 2 + (track - 1) * TRACK

    def _set_rows(self) -> None:
        """Rows as high as their highest box; a group begins and ends with some air."""
        heights: dict[int, float] = {}
        self.groups: dict[int, str] = {}
        for box in self.boxes:
            rank = self.cells[box.name][1]
            heights[rank] = max(heights.get(rank, 0.0), _height(box))
            self.groups.setdefault(rank, group(box.name))
        self.tops: dict[int, float] = {}
        self.bottoms: dict[int, float] = {}
        y, before = 0.0, self.groups[0]
        for rank in sorted(heights):
            if rank:
                y += GAP if self.groups[rank] == before else GAP + GROUP_GAP
            self.tops[rank], self.bottoms[rank] = y, y + heights[rank]
            y, before = self.bottoms[rank], self.groups[rank]
        self.height = y + AIR + MARGIN

    def _bands(self) -> Iterable[Band]:
        for name in dict.fromkeys(self.groups[rank] for rank in sorted(self.groups)):
            if name:
                ranks = [rank for rank, other in self.groups.items() if other == name]
                top, bottom = self.tops[min(ranks)] - AIR, self.bottoms[max(ranks)] + AIR
                yield Band(name, top, bottom - top)

    def _place(self, box: Box) -> Place:
        column, rank = self.cells[box.name]
        height = _height(box)
        y = (self.tops[rank] + self.bottoms[rank] - height) / 2
        return Place(box, self._column_x(column), y, self.box_width, height)

    def _wires(self) -> Iterable[Wire]:
        arriving: dict[str, list[int]] = {}
        for index, edge in enumerate(self.edges):
            arriving.setdefault(edge.target, []).append(index)
        for index, edge in enumerate(self.edges):
            port = self._port(index, arriving[edge.target])
            yield Wire(edge.kind, self._points(edge, port))

    def _port(self, index: int, arriving: list[int]) -> float:
        """Where on the top of a box a wire ends: in the order they come in, one from above in the middle."""
        center = self._center(self.edges[index].target)
        lanes = {i: self._lane_x(self.edges[i]) for i in arriving}
        order = sorted(arriving, key=lambda i: (lanes[i], i))
        above = [i for i in order if lanes[i] == center]
        middle = order.index(above[0]) if len(above) == 1 else (len(order) - 1) / 2
        step = min(PORT, self.box_width / 2 / len(order))
        return center + (order.index(index) - middle) * step

    def _points(self, edge: Edge, port: float) -> tuple[tuple[float, float], ...]:
        source, target = self.places[edge.source], self.places[edge.target]
        start, end = self.cells[edge.source][1], self.cells[edge.target][1]
        x, lane = self._center(edge.source), self._lane_x(edge)
        points = [(x, source.y + source.height), (x, self.bottoms[start])]
        if end > start + 1:
            points += [(lane, self.tops[start + 1]), (lane, self.bottoms[end - 1])]
        return (*points, (port, self.tops[end]), (port, target.y))

    def _center(self, name: str) -> float:
        return self.places[name].x + self.box_width / 2

    def _lane_x(self, edge: Edge) -> float:
        return self._track_x(edge.track) if edge.track else self._center(edge.source)


def _gutter(tracks: int) -> float:
    """Width of the space between the backbone and the next column."""
    return COLUMN_GAP + TRACK * max(0, tracks - 1)


def _width(box: Box) -> float:
    letters = [
        len(short(box.name)) * BOLD,
        len(f"{operation(box.layer)}   {extent(box.nodes[-1])}") * LETTER,
        len(details(box)) * LETTER,
        PILLS_PER_ROW * max((len(op) + 2 for op in candidates(box)), default=0) * LETTER,
    ]
    return max(150.0, max(letters) + 2 * PAD)


def _height(box: Box) -> float:
    rows = -(-len(candidates(box)) // PILLS_PER_ROW)
    return 2 * PAD + LINE * (3 if details(box) else 2) + rows * PILL
