"""Where boxes and wires lie: ranks from top to bottom, the backbone straight down the middle.

Columns left of it hold shortcuts, columns right of it what a cell adds. The space between two rows is
free of boxes, so a wire bends only there; between bends it runs down a track beside the backbone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count

from nashc.emit.picture.boxes import Box, candidates, details, extent, group, operation, short

LINE, PAD, PILL, PILLS_PER_ROW = 16, 8, 19, 2
GAP, GROUP_GAP, COLUMN_GAP, TRACK, PORT, MARGIN = 34, 30, 30, 13, 15, 24
LETTER = 6.7  # mean width of a letter of a wide sans-serif at 11 px


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
    width: float
    height: float
    places: tuple[Place, ...]
    wires: tuple[Wire, ...]
    bands: tuple[Band, ...]


@dataclass(frozen=True)
class _Edge:
    source: str
    target: str
    kind: str


Cell = tuple[int, int]  # column, rank; column 0 is the backbone


def layout(boxes: tuple[Box, ...]) -> Layout:
    """Places for the boxes of a graph; y begins at 0, the caller adds its own heading."""
    spine = _spine(boxes)
    cells = _cells(boxes, spine)
    edges = [_edge(source, box, cells, spine) for box in boxes for source in box.inputs]
    lanes = _lanes(edges, cells)
    return _Sheet(boxes, cells, edges, lanes).layout()


# ---- ranks and columns ----------------------------------------------------------------------


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


# ---- wires ----------------------------------------------------------------------------------


def _edge(source: str, box: Box, cells: dict[str, Cell], spine: tuple[str, ...]) -> _Edge:
    columns = (cells[source][0], cells[box.name][0])
    if columns == (0, 0) and spine.index(box.name) == spine.index(source) + 1:
        return _Edge(source, box.name, "spine")
    nas = max(columns) > 0 or (min(columns) == 0 and box.is_nas)
    return _Edge(source, box.name, "nas" if nas else "shortcut")


def _lanes(edges: list[_Edge], cells: dict[str, Cell]) -> dict[_Edge, int | None]:
    """For each wire longer than a row: its track beside the backbone, or None for its source's column.

    Tracks 1, 2, ... lie right of the backbone and -1, -2, ... left, nearest first. Wires from one
    source carry one value and may lie on each other.
    """
    lanes: dict[_Edge, int | None] = {}
    used: dict[tuple[int, int], str] = {cell: name for name, cell in cells.items()}
    tracks: dict[tuple[int, int], str] = {}

    def rows(edge: _Edge) -> range:
        return range(cells[edge.source][1] + 1, cells[edge.target][1])

    def is_free(taken: dict[tuple[int, int], str], lane: int, edge: _Edge) -> bool:
        return all(taken.get((lane, row), edge.source) == edge.source for row in rows(edge))

    for edge in sorted(edges, key=lambda e: (len(rows(e)), cells[e.source][1])):
        column = cells[edge.source][0]
        if edge.kind == "spine" or (column != 0 and is_free(used, column, edge)):
            lanes[edge] = None
            used.update({(column, row): edge.source for row in rows(edge)})
        elif rows(edge):
            sign = 1 if edge.kind == "nas" else -1
            lane = next(sign * n for n in count(1) if is_free(tracks, sign * n, edge))
            lanes[edge] = lane
            tracks.update({(lane, row): edge.source for row in rows(edge)})
    return lanes


# ---- the sheet ------------------------------------------------------------------------------


class _Sheet:
    """Turns columns, ranks and tracks into coordinates."""

    def __init__(
        self,
        boxes: tuple[Box, ...],
        cells: dict[str, Cell],
        edges: list[_Edge],
        lanes: dict[_Edge, int | None],
    ) -> None:
        self.boxes, self.cells, self.edges, self.lanes = boxes, cells, edges, lanes
        self.box_width = max(_width(box) for box in boxes)
        self._set_columns()
        self._set_rows()
        self.places = {box.name: self._place(box) for box in boxes}

    def layout(self) -> Layout:
        wires = tuple(self._wires())
        return Layout(self.width, self.height, tuple(self.places.values()), wires, self.bands)

    def _set_columns(self) -> None:
        columns = [column for column, _ in self.cells.values()]
        lanes = [lane for lane in self.lanes.values() if lane is not None]
        left_tracks, right_tracks = -min(lanes, default=0), max(lanes, default=0)
        labels = max((len(group(box.name)) for box in self.boxes), default=0)
        step = self.box_width + COLUMN_GAP
        left = MARGIN + labels * LETTER * 1.2 + COLUMN_GAP
        gutter = COLUMN_GAP + TRACK * max(0, left_tracks - 1) if left_tracks or min(columns) else 0
        self.spine_x = left - min(columns) * step + gutter * (min(columns) < 0)
        if not min(columns):
            self.spine_x += gutter
        self.left_edge = self.spine_x - COLUMN_GAP / 2
        self.right_edge = self.spine_x + self.box_width + COLUMN_GAP / 2
        self.outer_left = self.left_edge - TRACK * max(0, left_tracks - 1) - COLUMN_GAP / 2
        self.outer_right = self.right_edge + TRACK * max(0, right_tracks - 1) + COLUMN_GAP / 2
        end = self.outer_right + max(0, max(columns)) * step
        self.width = end + MARGIN

    def _column_x(self, column: int) -> float:
        step = self.box_width + COLUMN_GAP
        if column < 0:
            return self.outer_left + (column + 1) * step - self.box_width
        return self.outer_right + (column - 1) * step if column else self.spine_x

    def _track_x(self, lane: int) -> float:
        if lane < 0:
            return self.left_edge + (lane + 1) * TRACK
        return self.right_edge + (lane - 1) * TRACK

    def _set_rows(self) -> None:
        """Rows as high as their highest box; a group begins and ends with some air."""
        rank_of = {name: rank for name, (_, rank) in self.cells.items()}
        heights: dict[int, float] = {}
        groups: dict[int, str] = {}
        for box in self.boxes:
            rank = rank_of[box.name]
            heights[rank] = max(heights.get(rank, 0), _height(box))
            groups.setdefault(rank, group(box.name))
        self.tops: dict[int, float] = {}
        self.bottoms: dict[int, float] = {}
        bands: list[Band] = []
        y = 0.0
        for rank in sorted(heights):
            if rank:
                y += GAP if groups[rank] == groups[rank - 1] else GAP + GROUP_GAP
            self.tops[rank], self.bottoms[rank] = y, y + heights[rank]
            y += heights[rank]
        air = GROUP_GAP * 0.6
        for name in dict.fromkeys(name for name in groups.values() if name):
            ranks = [rank for rank, other in groups.items() if other == name]
            top, bottom = self.tops[min(ranks)] - air, self.bottoms[max(ranks)] + air
            bands.append(Band(name, top, bottom - top))
        self.bands = tuple(bands)
        self.height = y + air + MARGIN

    def _place(self, box: Box) -> Place:
        column, rank = self.cells[box.name]
        height = _height(box)
        y = (self.tops[rank] + self.bottoms[rank] - height) / 2
        return Place(box, self._column_x(column), y, self.box_width, height)

    def _wires(self) -> Iterable[Wire]:
        arrivals: dict[str, list[float]] = {box.name: [] for box in self.boxes}
        for edge in self.edges:
            arrivals[edge.target].append(self._lane_x(edge))
        taken: dict[str, list[float]] = {box.name: [] for box in self.boxes}
        for edge in self.edges:
            x = self._lane_x(edge)
            port = _port(x, arrivals[edge.target], taken[edge.target], self._center(edge.target))
            yield Wire(edge.kind, self._points(edge, port))

    def _points(self, edge: _Edge, port: float) -> tuple[tuple[float, float], ...]:
        source, target = self.places[edge.source], self.places[edge.target]
        start, end = self.cells[edge.source][1], self.cells[edge.target][1]
        x, lane = self._center(edge.source), self._lane_x(edge)
        points = [(x, source.y + source.height), (x, self.bottoms[start])]
        if end > start + 1:
            points += [(lane, self.tops[start + 1]), (lane, self.bottoms[end - 1])]
        points += [(port, self.tops[end]), (port, target.y)]
        return tuple(points)

    def _center(self, name: str) -> float:
        return self.places[name].x + self.box_width / 2

    def _lane_x(self, edge: _Edge) -> float:
        lane = self.lanes.get(edge)
        return self._center(edge.source) if lane is None else self._track_x(lane)


def _port(x: float, arrivals: list[float], taken: list[float], center: float) -> float:
    """Where on the top of a box a wire ends: the leftmost arrival leftmost, the backbone in the middle."""
    order = sorted(arrivals)
    index = order.index(x) + taken.count(x)
    taken.append(x)
    if x == center:
        return center
    below = sum(1 for other in order if other < center)
    offset = index - below if x < center else index - below - order.count(center) + 1
    return center + PORT * offset


def _width(box: Box) -> float:
    wide = operation(box.layer) + "   " + extent(box.nodes[-1])
    lines = [short(box.name) + " ", wide, details(box)]
    pills = max((len(op) for op in candidates(box)), default=0)
    return max(150.0, *(len(line) * LETTER + 2 * PAD for line in lines), pills * 2 * LETTER + 36)


def _height(box: Box) -> float:
    rows = -(-len(candidates(box)) // PILLS_PER_ROW)
    return 2 * PAD + LINE * (3 if details(box) else 2) + rows * PILL
