"""The shortest latency found and proven from coarse to fine, for a network that is a row of blocks (blocks.py).

Resources added up at the prices of the relaxed answer are one resource, and what is shortest while only the sum is kept to is a bound.
Most foldings trade one resource for another at just these prices and are alike in the sum, so that all that come near the best can be put
together, block by block. A finer grouping is gone through from the other end, and what the coarser one found tells of each beginning
how soon its end can be reached: beginnings that come too late are dropped. The last grouping tells all resources apart and is exact.
(State-space relaxation, after Christofides, Mingozzi and Toth, Networks 11, 1981.)

What counts as too late lies first near the bound and then moves towards the best known: the work grows fast with the distance.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations
from typing import TypeAlias

import numpy as np

from nashc.fold.blocks import Block, latency_bound
from nashc.fold.pieces import ROUNDING, TooMany, pieces
from nashc.fold.programme import Found
from nashc.fold.prune import front
from nashc.fold.tables import Bools, Floats, Ints, Problem

_PARTS = 16
"""Of the way from the bound to the best known: the first step, also behind a bound that a coarser walk gave."""
_AT_ONCE = 500_000
"""Beginnings in one step; bounds the memory."""
_CELLS = (4096, 400, 64, 24)
"""Along each of so many groups of resources: the cells in which ends are looked up."""
_MANY = 20_000
"""Among more beginnings those that others beat are not looked for: it takes longer than going on with them."""
_WIDEST = 2000
"""Of more beginnings that differ in all resources some are gone on with: where as many do as well as a coarser walk told, one of a few does."""
_EXACT = 1e-9


class GivenUp(Exception):
    """The work that was allowed is done."""


def shortest(
    problem: Problem,
    rows: list[Ints],
    row: list[Block],
    price: Floats,
    budget: Floats,
    best: Found,
    spend: Callable[[float, int], None],
) -> Found:
    """The shortest longest path within the budget, or `best` with the bound that was reached. Links must not count.

    row, price: as of `latency_bound`. spend: told the bound so far and how many beginnings are looked at next; it may raise GivenUp.
    """
    least = latency_bound(problem, rows, row, price, budget)
    best = replace(best, bound=max(best.bound, least))
    too_late = best.value * (1 - _EXACT)
    part = (too_late - least) / _PARTS
    reach = part
    try:
        while best.bound < too_late:
            latest = min(best.bound + reach, too_late)
            reach *= 2
            walks = _Walks(problem, rows, row, price, budget, latest - least)
            for grouping in walks.groupings:
                value = walks.go(grouping, latest, partial(spend, best.bound))
                if value == np.inf:
                    if not walks.is_complete:
                        raise GivenUp
                    best = replace(best, bound=max(best.bound, latest))
                    break
                if value > best.bound and walks.is_complete:
                    best = replace(best, bound=min(value, best.value))
                    latest, reach = value, part  # first it is seen whether finer groups do as well
            else:
                return Found(walks.choice(len(rows)), value, min(value, best.bound))
    except (GivenUp, TooMany):
        return best
    return replace(best, bound=best.value)


Frontier: TypeAlias = tuple[Floats, Floats]
"""Latencies, [n], and uses, [n, groups]."""


@dataclass(frozen=True, eq=False)
class _Walk:
    """What the first so many blocks can be, frontier by frontier.

    groups: [resources, groups], what a unit of a resource is in each group.
    """

    groups: Floats
    frontiers: list[Frontier]


class _Walks:
    """Ways through the blocks, there and back, in ever finer groups of resources."""

    def __init__(
        self,
        problem: Problem,
        rows: list[Ints],
        row: list[Block],
        price: Floats,
        budget: Floats,
        spare: float,
    ) -> None:
        """spare: how far above the bound a latency may be. Errors: TooMany."""
        self._pieces = pieces(problem, rows, row, price, spare)
        most = sum((piece.choices.use.max(axis=0) for piece in self._pieces), np.zeros(len(price)))
        self._limited = np.flatnonzero(most > budget)  # the others suffice for any choice
        self._price, self._budget = price[self._limited], budget[self._limited]
        self.groupings = [*self._coarse_groupings(), []]
        """From all resources that have a price together to almost each of them alone; [] at last: all that are limited, as they are."""
        self._order = sorted(range(len(self._pieces)), key=lambda number: len(self._pieces[number]))
        if len(self.groupings) % 2 == 0:
            self._order.reverse()  # the last walk begins with the blocks that have most choices
        self._last: _Walk | None = None
        self.is_complete = True  # nothing was left out that could be the best

    def _coarse_groupings(self) -> list[list[list[int]]]:
        priced = np.flatnonzero(self._price > 0).tolist()
        found = [[priced]] if len(priced) > 1 else []
        while found and len(found[-1]) < len(priced) - 1:
            found.append(min(_splits(found[-1]), key=self._variety))
        return found

    def _variety(self, grouping: list[list[int]]) -> float:
        groups = self._in_groups(grouping)
        of_blocks = (
            _front_of(b.latency, b.use[:, self._limited] @ groups)
            for b in (piece.choices for piece in self._pieces)
        )
        return sum(float(np.log(len(latency))) for latency, _ in of_blocks)

    def _in_groups(self, grouping: list[list[int]]) -> Floats:
        groups = np.zeros((len(self._price), len(grouping)))
        for number, members in enumerate(grouping):
            groups[members, number] = self._price[members]
        return groups

    def go(self, grouping: list[list[int]], latest: float, spend: Callable[[int], None]) -> float:
        """The shortest latency where each group's sum is kept to; inf: above `latest`. Blocks are met in the other direction each time."""
        is_last = not grouping
        groups = np.eye(len(self._price)) if is_last else self._in_groups(grouping)
        price = self._price if is_last else np.ones(len(grouping))
        budget = self._budget @ groups
        order = self._order[::-1]
        stages = []
        for number in order:
            found = self._pieces[number].choices
            stages.append(_front_of(found.latency, found.use[:, self._limited] @ groups))
        least = _from_here(np.array([use.min(axis=0) for _, use in stages]))
        cheapest = _from_here(np.array([(lat + use @ price).min() for lat, use in stages]))
        walk = _Walk(groups, [(np.zeros(1), np.zeros((1, len(price))))])
        for place, stage in enumerate(stages, 1):
            begun = walk.frontiers[-1]
            spend(len(begun[0]) * len(stage[0]))
            ends = self._ends(len(stages) - place, groups, price, cheapest[place])
            latency, use = _in_time(begun, stage, budget, least[place], ends, latest)
            if not len(latency):
                return np.inf
            latency, use = _front_of(latency, use)
            if is_last and len(latency) > _WIDEST:
                some = np.linspace(0, len(latency) - 1, _WIDEST).astype(np.int64)
                latency, use, self.is_complete = latency[some], use[some], False
            walk.frontiers.append((latency, use))
        shortest = float(walk.frontiers[-1][0].min())
        if shortest > latest + ROUNDING:  # what is left was credited at its price
            return np.inf
        self._last, self._order = walk, order
        return shortest

    def _ends(
        self, count: int, groups: Floats, price: Floats, cheapest: float
    ) -> Callable[[Floats], Floats]:
        """How long the last blocks take, so many, by what is left to them: [n, groups]; never more than they do."""
        if self._last is None:
            return lambda room: cheapest - room @ price
        coarser = self._last
        to_coarser = np.linalg.lstsq(groups, coarser.groups, rcond=None)[0]
        ends = _Ends(*coarser.frontiers[count])
        return lambda room: ends(room @ to_coarser)

    def choice(self, tables: int) -> Ints:
        """Of the last walk, which told all resources apart."""
        assert self._last is not None
        found = np.zeros(tables, dtype=np.int64)
        latency, use = self._last.frontiers[-1]
        at = int(latency.argmin())
        latency, use = latency[at], use[at]
        for place in reversed(range(len(self._order))):
            piece = self._pieces[self._order[place]]
            block = piece.choices
            before, before_use = self._last.frontiers[place]
            own = np.column_stack([latency - block.latency, use - block.use[:, self._limited]])
            known = {tuple(state) for state in np.column_stack([before, before_use]).tolist()}
            taken = next(n for n, state in enumerate(own.tolist()) if tuple(state) in known)
            latency, use = own[taken, 0], own[taken, 1:]
            found[list(piece.tables)] = block.rows[taken]
        return found


def _in_time(
    begun: Frontier,
    stage: Frontier,
    budget: Floats,
    least: Floats,
    ends: Callable[[Floats], Floats],
    latest: float,
) -> Frontier:
    """Each beginning with each choice of one more block, where the rest can still be within the budget, by `latest`.

    budget, least: [groups], of all and what the rest takes at least. ends: how long the rest takes with what is left.
    """
    kept = []
    at_once = max(1, _AT_ONCE // len(stage[0]))
    for start in range(0, len(begun[0]), at_once):
        some = slice(start, start + at_once)
        latency = np.add.outer(begun[0][some], stage[0]).ravel()
        use = (begun[1][some, None] + stage[1]).reshape(len(latency), -1)
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
        cells = _CELLS[groups - 1]
        self._low = use.min(axis=0)
        span = use.max(axis=0) - self._low
        self._size = np.where(span > 0, span, 1.0) / (cells - 1)
        self._shortest = np.full((cells,) * groups, np.inf)
        np.minimum.at(self._shortest, tuple(self._cell(use).T), latency)
        for axis in range(groups):
            np.minimum.accumulate(self._shortest, axis=axis, out=self._shortest)

    def _cell(self, use: Floats) -> Ints:
        cell: Ints = np.floor((use - self._low) / self._size).astype(np.int64)
        return cell

    def __call__(self, room: Floats) -> Floats:
        cell = self._cell(room + ROUNDING)
        found: Floats = self._shortest[tuple(np.clip(cell, 0, len(self._shortest) - 1).T)]
        found[(cell < 0).any(axis=1)] = np.inf
        return found


def _splits(grouping: list[list[int]]) -> list[list[list[int]]]:
    """The groupings with one of the groups in two."""
    found = []
    for number, members in enumerate(grouping):
        for size in range(1, len(members) // 2 + 1):
            for part in combinations(members, size):
                rest = [member for member in members if member not in part]
                found.append([*grouping[:number], list(part), rest, *grouping[number + 1 :]])
    return found


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
