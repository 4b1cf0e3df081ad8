"""The shortest latency found and proven from coarse to fine, for a network that is a row of blocks (blocks.py).

Resources added up at the prices of the relaxed answer are one resource, and what is shortest while only the sum is kept to is a bound.
Most foldings trade one resource for another at just these prices and are alike in the sum, so that all that come near the best can be put
together, block by block. A finer grouping is gone through from the other end, and what the coarser one found tells of each beginning
how soon its end can be reached: beginnings that come too late are dropped. The last grouping tells all resources apart and is exact.
(State-space relaxation, after Christofides, Mingozzi and Toth, Networks 11, 1981.)

What counts as too late lies first near the bound and then moves away from it: the work grows fast with the distance. So no folding need be
known to begin with, and only rows that are within reach so far are looked at. A coarse walk to a later time than is asked for serves as well
and is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from math import prod

import numpy as np

from nashc.fold.blocks import Block, latency_bound
from nashc.fold.levels import Level, levels
from nashc.fold.pieces import Choices, TooMany, choices, rows_in_reach, with_single_layers
from nashc.fold.programme import Found
from nashc.fold.tables import Floats, Ints, Problem
from nashc.fold.walk import Walk, walk

_NEAR = 1e-3
"""So much of the bound is looked beyond it at first, """
_FARTHER = 4
"""and so many times as far each time that nothing is there; the rows in reach are then others."""
_PARTS = 16
"""A walk is first tried to so small a part of the way from what a coarser one proved to where is looked,"""
_SMALLEST = 64
"""but no smaller a part of the whole way from the level's bound,"""
_GROWS = 4
"""and so much further each time: the last one takes longer than all before it."""
_FEW = 100
"""Of more beginnings that differ in all resources so many are gone on with at first."""
_EXACT = 1e-9

NONE_KNOWN = Found(np.zeros(0, dtype=np.int64), np.inf, -np.inf)
"""For a search that begins with no folding."""


class GivenUp(Exception):
    """The work that was allowed is done."""


def shortest(
    problem: Problem,
    rows: list[Ints],
    row: list[Block],
    price: Floats,
    budget: Floats,
    best: Found,
    spend: Callable[[Found, int], None],
) -> Found:
    """The shortest longest path within the budget, or the best known with the bound that was reached. Links must not count.

    row, price: as of `latency_bound`. best: a folding, or NONE_KNOWN, of which the value stays endless where none is found.
    spend: told the best so far and how many beginnings are looked at next; it may raise GivenUp.
    """
    least = latency_bound(problem, rows, row, price, budget)
    search = _Search(replace(best, bound=min(best.value, max(best.bound, least))), spend)
    farthest = sum(
        float(t.latency[kept].max()) for t, kept in zip(problem.tables, rows, strict=True)
    )
    spare = _NEAR * max(abs(least), 1.0)
    with suppress(GivenUp, TooMany):
        while search.is_open and search.best.bound <= farthest:
            latest = min(least + spare, search.too_late)
            if latest > search.best.bound:
                kept = rows_in_reach(problem, rows, row, price, latest - least)
                simple, parts = with_single_layers(problem, kept, row)
                search.run(levels(simple, kept, price, budget), parts, latest)
            spare *= _FARTHER
    best = search.best
    return best if search.is_open else replace(best, bound=best.value)


class _Search:
    """best: the best known, with the bound that is proven."""

    def __init__(self, best: Found, spend: Callable[[Found, int], None]) -> None:
        self.best, self._spend = best, spend

    @property
    def too_late(self) -> float:
        """What is later is no better than the best known."""
        return self.best.value * (1 - _EXACT)

    @property
    def is_open(self) -> bool:
        return self.best.bound < self.too_late

    def run(self, found: list[Level], row: list[Block], latest: float) -> None:
        """The shortest, if it is no later than this; else that nothing is. found: the network's levels, with the rows
        in reach by then. row: its blocks. Errors: GivenUp, TooMany."""
        self._levels, self._rows, self._latest = found, _in_turn(found, row), latest
        self._leasts = [
            latency_bound(level.problem, level.rows, row, level.price, level.budget)
            for level in found
        ]
        self._walks: list[Walk | None] = [None] * len(found)
        self._pieces: dict[tuple[int, float], list[Choices]] = {}
        middle = (self.best.bound + latest) / 2
        for number in range(len(found)):
            self._settle(number)
            if number == 0 and middle < self.best.bound and latest < self.too_late:
                break  # finer levels are much farther off

    @property
    def _end(self) -> float:
        """Nothing later is looked for."""
        return min(self._latest, self.too_late)

    def _settle(self, number: int) -> None:
        """The shortest of a level is a bound; of the last it is the answer."""
        self._prove(self._leasts[number])
        is_last = number == len(self._levels) - 1
        coarser = self._walks[number - 1] if number else None
        if is_last and (coarser is None or coarser.value == self.best.bound):
            self._try(number, self.best.bound)
        is_quick = number == 0 and not is_last  # with one resource
        part = (self._end - self.best.bound) / (1 if is_quick else _PARTS)
        part = max(part, (self._latest - self._leasts[number]) / _SMALLEST)
        while self.best.bound < self._end:
            latest = min(self.best.bound + part, self._end)
            if is_last:
                self._try(number, latest)
                latest = min(latest, self._end)
            if self.best.bound < latest:
                found = self._by(number, latest)
                self._prove(found.value if found else latest)
                if found:
                    break
            part *= _GROWS

    def _try(self, number: int, latest: float) -> None:
        """Where many foldings do as well as a coarser level told, or are no later than this, a few beginnings find one."""
        if self.best.bound < self._end and (number == 0 or self._by(number - 1, latest)):
            found = self._walk(number, latest, _FEW)
            self._take(number, found)
            if found.is_complete:
                self._prove(min(found.value, latest))

    def _prove(self, bound: float) -> None:
        """Nothing is shorter than this: but for what is in no reach yet, which is no shorter than `_latest`."""
        bound = min(bound, self._latest, self.best.value)
        self.best = replace(self.best, bound=max(self.best.bound, bound))

    def _by(self, number: int, latest: float) -> Walk | None:
        """A level's walk, where its shortest is no later than this."""
        known = self._walks[number]
        if known is None or known.latest < latest:
            if number and not self._by(number - 1, latest):
                return None
            known = self._walk(number, latest)
            if known.value == np.inf:
                return None
            self._walks[number] = known
            if number == len(self._levels) - 1:
                self._take(number, known)
        return known if known.value <= latest else None

    def _walk(self, number: int, latest: float, widest: float = np.inf) -> Walk:
        level, coarser = self._levels[number], self._walks[number - 1] if number else None
        spend = partial(self._spend, self.best)
        if (number, latest) not in self._pieces:
            spare = latest - self._leasts[number]
            row, look = self._rows[number], partial(spend, 0)
            found = choices(level.problem, level.rows, row, level.price, spare, look)
            self._pieces = {(number, latest): found}  # the last ones may be asked for again
        return walk(level, self._pieces[number, latest], coarser, latest, spend, widest)

    def _take(self, number: int, found: Walk) -> None:
        """What a walk that told all resources apart found, where it is better."""
        if found.value >= self.best.value:
            return
        choice = np.zeros(len(self._levels[number].rows), dtype=np.int64)
        for block, rows in zip(self._rows[number], found.choice(), strict=True):
            choice[[table for way in block for table in way]] = rows
        self.best = Found(choice, found.value, min(self.best.bound, found.value))


def _in_turn(found: list[Level], row: list[Block]) -> list[list[Block]]:
    """The order in which each level's walk meets the blocks: the last those with most choices first, the one before it last, and so on."""

    def most(block: Block) -> int:
        return prod(len(found[-1].rows[table]) for way in block for table in way)

    row = sorted(row, key=most, reverse=True)
    return [row if (len(found) - number) % 2 else row[::-1] for number in range(len(found))]
