"""A proof to the end: a programme is split into parts until HiGHS is soon done with each (branch and bound).

With a choice known, the relaxed answer of a part excludes most rows: those that add more to it than that choice leaves open
(reduced-cost fixing). HiGHS gets what remains for so many nodes of a search tree, more for smaller parts. Where these do not suffice, the relaxed
answer takes parts of rows: of layers that are alike, or of one, so many take much of something that is dear, and that number is
whole. Either it is at most the one below, or at least the one above; these are the next parts. The smallest bound of
all parts bounds the whole, and its part is the next. Between two parts the search can be told to end.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from nashc.fold.highs import Relaxed, System
from nashc.fold.programme import Found, Programme
from nashc.fold.tables import Bools, Floats, Ints

_EFFORT, _MORE = 1000, 8
"""Nodes of HiGHS for the whole, and how many times more for each part of a part: to begin anew costs seconds."""
NOTHING = 1e-7
"""A share that is none: HiGHS reckons no closer."""
_WHOLE = 1e-6


@dataclass(frozen=True)
class Further:
    """A proof that goes on until nothing is better by more than the share `gap`.

    go_on: told the value and the bound whenever one of them may be new; False ends the search.
    """

    gap: float
    go_on: Callable[[float, float], bool]


@dataclass(frozen=True, eq=False)
class _Part:
    """What is left of a programme: rows that are kept, and numbers of rows, (variables, low, high), that it is bounded by."""

    bound: float
    kept: Bools
    counts: tuple[tuple[Ints, float, float], ...] = ()


def prove(programme: Programme, objective: Floats, best: Found, further: Further) -> Found:
    """A choice that is as good as `best`, which keeps to the constraints, or better, with the bound that is proven."""
    return _Proof(programme, objective, best, further).run()


class _Proof:
    def __init__(
        self, programme: Programme, objective: Floats, best: Found, further: Further
    ) -> None:
        self._programme, self._objective = programme, objective
        self._best, self._further = best, further

    def run(self) -> Found:
        system = self._programme.system
        queue, number = (
            [(self._best.bound, 0, _Part(self._best.bound, np.ones(system.whole, bool)))],
            0,
        )
        bound = self._best.bound
        while queue and queue[0][0] < self._enough():
            if not self._further.go_on(self._best.value, bound):
                break
            part = heapq.heappop(queue)[2]
            for one in self._look(part):
                number += 1
                heapq.heappush(queue, (one.bound, number, one))
            bound = max(bound, min(self._enough(), queue[0][0] if queue else np.inf))
        return replace(self._best, bound=min(self._best.value, bound))

    def _enough(self) -> float:
        """A part with this bound holds nothing that is of interest."""
        value = self._best.value
        return value - max(self._further.gap, NOTHING) * max(1.0, abs(value))

    def _look(self, part: _Part) -> list[_Part]:
        """The parts that are left of a part."""
        system = self._system(part)
        relaxed = system.relaxed(self._objective)
        if relaxed is None or relaxed.value >= self._enough():
            return []
        bound = max(part.bound, relaxed.value)
        kept = part.kept & (relaxed.adds <= self._enough() - relaxed.value)
        effort = _EFFORT * _MORE ** len(part.counts)
        searched = system.only(kept).search(self._objective, effort, self._further.gap)
        if searched is None:
            return []
        if searched.variables is not None and searched.value < self._best.value:
            choice = self._programme.choice(searched.variables)
            self._best = Found(choice, searched.value, self._best.bound)
        bound = max(bound, searched.bound)
        if bound >= self._enough():
            return []
        counts = self._split(system, relaxed)
        return [replace(part, bound=bound, kept=kept, counts=(*part.counts, one)) for one in counts]

    def _system(self, part: _Part) -> System:
        system = self._programme.system.only(part.kept)
        if not part.counts:
            return system
        from scipy.sparse import coo_array, vstack

        row = np.repeat(
            np.arange(len(part.counts)), [len(columns) for columns, _, _ in part.counts]
        )
        column = np.concatenate([columns for columns, _, _ in part.counts])
        shape = (len(part.counts), len(self._objective))
        more = coo_array((np.ones(len(row)), (row, column)), shape=shape)
        return replace(
            system,
            matrix=vstack([system.matrix, more]).tocsr(),
            low=np.append(system.low, [low for _, low, _ in part.counts]),
            high=np.append(system.high, [high for _, _, high in part.counts]),
        )

    def _split(self, system: System, relaxed: Relaxed) -> list[tuple[Ints, float, float]]:
        """Two bounds on a number of rows, of which each choice keeps to one: where rows that are mixed differ most in what they pay."""
        paid = system.matrix.multiply(relaxed.worth[:, None]).tocsc()
        best, found = 0.0, None
        for members in self._programme.groups:
            span = self._programme.span[members[0]]
            taken = relaxed.variables[span]
            mixed = taken > _WHOLE
            if mixed.sum() < 2:
                continue
            terms = paid[:, span].toarray()
            low, high = terms[:, mixed].min(axis=1), terms[:, mixed].max(axis=1)
            is_high = terms > ((low + high) / 2)[:, None]
            count = is_high @ taken
            part_of_one = count - np.floor(count)
            gain = np.minimum(part_of_one, 1 - part_of_one) * (high - low)
            row = int(gain.argmax())
            if gain[row] > best:
                best = float(gain[row])
                found = (span.start + np.flatnonzero(is_high[row]), math.floor(count[row]))
        if found is None:
            columns = np.arange(system.whole)
            away = np.abs(
                relaxed.variables[: system.whole] - np.rint(relaxed.variables[: system.whole])
            )
            found = (columns[[away.argmax()]], math.floor(relaxed.variables[away.argmax()]))
        columns, below = found
        return [(columns, -np.inf, below), (columns, below + 1.0, np.inf)]
