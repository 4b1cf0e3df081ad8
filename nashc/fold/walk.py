"""Ways through the blocks of a network, one after the other: what the first so many can take and use, that leaves the rest enough.

How soon the rest can be done with what is left is told by a walk from the other end, which told fewer resources apart.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from nashc.fold.levels import Level
from nashc.fold.pieces import ROUNDING, Choices
from nashc.fold.prune import front
from nashc.fold.tables import Bools, Floats, Ints

_AT_ONCE = 500_000
"""Beginnings in one step; bounds the memory."""
_CELLS = (4096, 400, 64, 24)
"""Along each of so many groups of resources: the cells in which ends are looked up."""
_MANY = 20_000
"""Among more beginnings those that others beat are not looked for in more than two resources: it takes longer than going on with them."""

Frontier: TypeAlias = tuple[Floats, Floats]
"""Latencies, [n], and uses, [n, groups]."""


@dataclass(frozen=True, eq=False)
class Walk:
    """What the first so many blocks can be, frontier by frontier, in any folding that is no longer than `latest`.

    is_complete: nothing was left out that could be the best.
    """

    level: Level
    pieces: list[Choices]
    frontiers: list[Frontier]
    latest: float
    is_complete: bool
    _ends: dict[int, _Ends] = field(default_factory=dict)

    @property
    def value(self) -> float:
        """The shortest latency; inf: above `latest`."""
        latency = self.frontiers[-1][0]
        return (
            float(latency.min())
            if len(latency) and latency.min() <= self.latest + ROUNDING
            else np.inf
        )

    def ends(self, place: int) -> _Ends:
        """Of a walk from the other end past so many pieces."""
        if place not in self._ends:
            self._ends[place] = _Ends(*self.frontiers[len(self.pieces) - place])
        return self._ends[place]

    def choice(self) -> list[Ints]:
        """The rows that each piece has in the shortest."""
        found = []
        latency, use = self.frontiers[-1]
        at = int(latency.argmin())
        latency, use = latency[at], use[at]
        for piece, before in zip(self.pieces[::-1], self.frontiers[-2::-1], strict=True):
            own = np.column_stack([latency - piece.latency, use - piece.use])
            known = {tuple(state) for state in np.column_stack(before).tolist()}
            taken = next(n for n, state in enumerate(own.tolist()) if tuple(state) in known)
            latency, use = own[taken, 0], own[taken, 1:]
            found.append(piece.rows[taken])
        return found[::-1]


def walk(
    level: Level,
    pieces: list[Choices],
    coarser: Walk | None,
    latest: float,
    spend: Callable[[int], None],
    widest: float = np.inf,
) -> Walk:
    """coarser: a walk through the same pieces from the other end, to the same latency or a longer one.

    widest: of more beginnings so many are gone on with. spend: told how many beginnings are looked at next; it may raise.
    """
    least = _from_here(np.array([piece.use.min(axis=0) for piece in pieces]))
    cheapest = _from_here(np.array([(p.latency + p.use @ level.price).min() for p in pieces]))
    ends_of = _ends_by_place(level, coarser, cheapest)
    frontiers = [(np.zeros(1), np.zeros((1, len(level.price))))]
    is_complete = True
    for place, piece in enumerate(pieces, 1):
        begun = frontiers[-1]
        spend(len(begun[0]) * len(piece))
        if len(piece) == 1 and place < len(pieces):
            frontiers.append((begun[0] + piece.latency, begun[1] + piece.use))
            continue
        ends = ends_of(place)
        latency, use = _in_time(begun, piece, level.budget, least[place], ends, latest)
        latency, use = _front_of(latency, use)
        if len(latency) > widest:
            some = np.linspace(0, len(latency) - 1, int(widest)).astype(np.int64)
            latency, use, is_complete = latency[some], use[some], False
        frontiers.append((latency, use))
        if not len(latency):
            break
    return Walk(level, pieces, frontiers, latest, is_complete)


def _ends_by_place(
    level: Level, coarser: Walk | None, cheapest: Floats
) -> Callable[[int], Callable[[Floats], Floats]]:
    """By how many pieces are behind: how long the others take by what is left to them, [n, groups]; never more than they do."""
    if coarser is None:
        return lambda place: lambda room: cheapest[place] - room @ level.price
    walked = coarser
    solved = np.linalg.lstsq(level.groups, coarser.level.groups, rcond=None)
    to_coarser = solved[0].astype(np.float64)

    def ends_of(place: int) -> Callable[[Floats], Floats]:
        ends = walked.ends(place)
        return lambda room: ends(room @ to_coarser)

    return ends_of


def _in_time(
    begun: Frontier,
    piece: Choices,
    budget: Floats,
    least: Floats,
    ends: Callable[[Floats], Floats],
    latest: float,
) -> Frontier:
    """Each beginning with each choice of one more piece, where the rest can still be within the budget, by `latest`.

    budget, least: [groups], of all and what the rest takes at least. ends: how long the rest takes with what is left.
    """
    kept = []
    at_once = max(1, _AT_ONCE // len(piece))
    for start in range(0, len(begun[0]), at_once):
        some = slice(start, start + at_once)
        latency = np.add.outer(begun[0][some], piece.latency).ravel()
        use = (begun[1][some, None] + piece.use).reshape(len(latency), -1)
        room = budget - use
        fits: Bools = np.asarray((room >= least - ROUNDING).all(axis=1))
        fits[fits] = latency[fits] + ends(room[fits]) <= latest + ROUNDING
        kept.append((latency[fits], use[fits]))
    latency, use = (np.concatenate(part) for part in zip(*kept, strict=True))
    return latency, use


class _Ends:
    """The shortest of some latencies by what may be used; looked up in cells, and so at times shorter than it is."""

    def __init__(self, latency: Floats, use: Floats) -> None:
        groups = use.shape[1]
        self._edges = [_edges(column, _CELLS[groups - 1]) for column in use.T]
        self._shortest = np.full([len(edges) for edges in self._edges], np.inf)
        np.minimum.at(self._shortest, self._cells(use), latency)
        for axis in range(groups):
            np.minimum.accumulate(self._shortest, axis=axis, out=self._shortest)

    def _cells(self, use: Floats) -> tuple[Ints, ...]:
        """By group; -1: less than any end uses."""
        pairs = zip(self._edges, use.T, strict=True)
        return tuple(np.searchsorted(edges, of_group, "right") - 1 for edges, of_group in pairs)

    def __call__(self, room: Floats) -> Floats:
        cells = self._cells(room + ROUNDING)
        found: Floats = self._shortest[cells]
        found[np.min(cells, axis=0) < 0] = np.inf
        return found


def _edges(use: Floats, cells: int) -> Floats:
    """What is used, ascending; of more than so many cells some, among them the least."""
    found = np.unique(use)
    return found[:: -(-len(found) // cells)]


def _from_here(of_stages: Floats) -> Floats:
    """Of each stage the sum of its own and all later ones, and nothing behind the last."""
    ends = np.zeros_like(of_stages[:1])
    return np.concatenate([np.cumsum(of_stages[::-1], axis=0)[::-1], ends])


def _front_of(latency: Floats, use: Floats) -> Frontier:
    columns = np.column_stack([latency, use])
    if len(columns) > _MANY and columns.shape[1] > 3:
        return latency, use
    kept = front(columns)
    return latency[kept], use[kept]
