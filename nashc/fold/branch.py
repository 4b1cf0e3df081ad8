"""The gap between a bound from prices and the best choice known, closed by parts (branch and bound).

Where prices cannot decide between rows of a table, the bound mixes them: half a layer takes much of a limit, half of it
little. Of layers that are alike so many take much, and that number is whole: either at most the one below the mixture,
or at least the one above. Each part has prices of its own, one of them on the number, and a bound of its own; the smallest
of these bounds the whole, and its part is the next to be split.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from nashc.fold.programme import Found
from nashc.fold.streams import Streams
from nashc.fold.tables import Bools, Floats, Ints, Problem

_ROUNDS = 20
_CLOSE = 1e-5
_DEAREST = 100.0
"""Times the largest of the first prices, or of what is minimised: as dear as a limit or a number may become."""
_WAY = np.array([[0.5], [1.0]])


@dataclass(frozen=True, eq=False)
class _Count:
    """Of these tables at most so many take one of the rows; `sign` is -1 where it is at least -`most`."""

    tables: tuple[int, ...]
    rows: Bools
    sign: float
    most: float

    def of(self, choices: Ints) -> Floats:
        """choices: [n, tables]. Gives [n]."""
        return np.asarray(self.sign * self.rows[choices[:, self.tables]].sum(axis=1))


@dataclass(frozen=True, eq=False)
class _Part:
    """price: on each limit and each count, at which `bound` holds.

    mixed: numbers of the choices between which the best prices do not decide, with their shares.
    """

    counts: tuple[_Count, ...]
    bound: float
    price: Floats
    mixed: tuple[tuple[int, float], ...]


class Branches:
    """The least weighted use within limits, from the choices seen so far on.

    weights: [resources]. limits: [limits, resources]; use times limits is at most 1. seen: choices.
    """

    def __init__(
        self,
        problem: Problem,
        rows: list[Ints],
        weights: Floats,
        limits: Floats,
        seen: list[Ints],
    ) -> None:
        """rows: those that can be part of something better."""
        self._problem, self._streams = problem, Streams(problem, rows)
        self._weights, self._limits = weights, limits
        self._seen: list[Ints] = []
        self._costs: list[float] = []
        self._shares: list[Floats] = []
        for choice in seen:
            if all(row in kept for row, kept in zip(choice, rows, strict=True)):
                self._see(choice)
        alike: dict[bytes, list[int]] = {}
        for number, table in enumerate(problem.tables):
            alike.setdefault(table.use.tobytes(), []).append(number)
        self._alike = [tuple(tables) for tables in alike.values()]

    def close(
        self,
        best: Found,
        price: Floats,
        most: float,
        gap: float,
        go_on: Callable[[float, float], bool] = lambda *_: True,
    ) -> Found:
        """A choice that is as good or better, with a bound that is proven. most: parts; gap: how near suffices.

        go_on: as of `Further`.

        price: [limits], where to begin.
        """
        self._dearest = _DEAREST * max(best.value, float(price.max(initial=0.0)))
        root = self._part(_Part((), best.bound, price, ()), np.inf)
        queue, count = [(root.bound, 0, root)], 0
        while queue and count < most and queue[0][0] < best.value * (1 - gap):
            part = queue[0][2]
            counts = self._split(part)
            if not counts:
                break
            heapq.heappop(queue)
            for one in counts:
                count, known = count + 1, len(self._seen)
                begin = replace(part, counts=(*part.counts, one), price=np.append(part.price, 0.0))
                found = self._part(begin, best.value * (1 - gap))
                heapq.heappush(queue, (found.bound, count, found))
                best = self._best(best, known)
            if not go_on(best.value, min(best.value, queue[0][0])):
                break
        return replace(best, bound=min(best.value, queue[0][0]))

    def _best(self, best: Found, known: int) -> Found:
        """The best choice when those from number `known` on are looked at too."""
        for number in range(known, len(self._seen)):
            if self._costs[number] < best.value and (self._shares[number] <= 1).all():
                best = replace(best, choice=self._seen[number], value=self._costs[number])
        return best

    def _split(self, part: _Part) -> list[_Count]:
        """Two parts that this one consists of: by the tables that are mixed most, in the limit that it matters to most."""
        if len(part.mixed) < 2:
            return []
        weight = np.array([share for _, share in part.mixed])
        weight /= weight.sum()
        choices = np.array([self._seen[number] for number, _ in part.mixed])
        best, found = 1e-9, None
        for tables in self._alike:
            rows = choices[:, tables]
            if (rows == rows[0]).all():
                continue
            share = self._problem.tables[tables[0]].use @ self._limits.T
            taken = share[rows]
            low, high = taken.min(axis=(0, 1)), taken.max(axis=(0, 1))
            middle = (low + high) / 2
            count = weight @ (taken > middle).sum(axis=1)
            part_of_one = count - np.floor(count)
            gain = np.minimum(part_of_one, 1 - part_of_one) * (high - low)
            limit = int(gain.argmax())
            if gain[limit] > best:
                best = float(gain[limit])
                found = (tables, share[:, limit] > middle[limit], math.floor(count[limit]))
        if found is None:
            return []
        tables, is_high, below = found
        return [_Count(tables, is_high, 1.0, below), _Count(tables, is_high, -1.0, -below - 1.0)]

    def _part(self, begin: _Part, enough: float) -> _Part:
        """The part with a bound no smaller than that which it begins with. enough: no need of a larger one."""
        worth = np.array([*np.ones(len(self._limits)), *(one.most for one in begin.counts)])
        found = begin
        asked = begin.price[None]
        for number in range(_ROUNDS):
            if number or not begin.counts:
                bounds = self._ask(asked, begin.counts) - asked @ worth
                if bounds.max() > found.bound:
                    found = replace(found, bound=float(bounds.max()), price=asked[bounds.argmax()])
                if found.bound >= enough:
                    break
            choices = np.array(self._seen)
            counts = [one.of(choices) for one in begin.counts]
            shares = np.column_stack([np.array(self._shares), *counts])
            promised, there, mixture = best_prices(
                np.array(self._costs), shares, worth, self._dearest
            )
            mixed = tuple((int(n), float(mixture[n])) for n in np.flatnonzero(mixture > 1e-6))
            found = replace(found, mixed=mixed)
            if promised <= found.bound + _CLOSE * abs(found.bound):
                break
            asked = found.price + _WAY * (there - found.price)
        return found

    def _ask(self, asked: Floats, counts: tuple[_Count, ...]) -> Floats:
        """The least that a choice pays at each of the prices; the choices are kept."""
        first = len(self._limits)
        added: dict[int, Floats] = {}
        for price, one in zip(asked.T[first:], counts, strict=True):
            for table in one.tables:
                more = one.sign * price[:, None] * one.rows
                added[table] = added[table] + more if table in added else more
        choices, values = self._streams.cheapest(
            self._weights + asked[:, :first] @ self._limits, added=added
        )
        for choice in choices:
            self._see(choice)
        return values

    def _see(self, choice: Ints) -> None:
        used = self._problem.total(choice)
        self._seen.append(choice)
        self._costs.append(float(used @ self._weights))
        self._shares.append(self._limits @ used)


def best_prices(
    costs: Floats, shares: Floats, worth: Floats, most: float | None = None
) -> tuple[float, Floats, Floats]:
    """The prices on the limits at which the choices seen promise the highest bound, that bound, and their mixture.

    costs: [choices], shares: [choices, limits]. worth: [limits], of each at a price of 1; empty for prices that add up to 1.
    most: of a price; without it there are no best ones where no mixture of the choices keeps to the limits.
    """
    from scipy.optimize import linprog

    count, is_even = shares.shape[1], not len(worth)
    scale = float(np.abs(costs).max(initial=0.0)) or 1.0
    result = linprog(
        np.append(-1.0, np.zeros(count)),
        A_ub=np.column_stack([np.ones(len(costs)), -shares if is_even else worth - shares]),
        b_ub=costs / scale,
        A_eq=np.append(0.0, np.ones(count))[None] if is_even else None,
        b_eq=[1.0] if is_even else None,
        bounds=[(None, None), *[(0, most and most / scale)] * count],
        method="highs",
    )
    if result.status != 0:
        return -np.inf, np.zeros(count), np.zeros(len(costs))
    return float(-result.fun) * scale, result.x[1:] * scale, -result.ineqlin.marginals
