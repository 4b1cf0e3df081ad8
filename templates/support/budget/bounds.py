"""Bounds on what the rest of a partial network loses within a budget, from prices on the limited resources. Pure Python.

Lagrangian duality: for any prices >= 0, the candidates' losses plus what they cost at these prices, minus what the budget is
worth, is at most the loss of any network within the budget. Of a value that several nodes may read, each bears a share;
any shares that sum to 1 give a bound, too. So rounding, or stopping early, does no harm.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from support.budget.answers import EPSILON
from support.budget.costs import Vector
from support.budget.rows import AtPace, Row

_ROUNDS = 150


@dataclass(frozen=True)
class Priced:
    """A row at the prices that were found: worth of its cost, of its cost with its share of the value, of that share."""

    row: Row
    priced: float
    shared: float
    of_value: float


@dataclass(frozen=True)
class Rest:
    """Of the nodes from one on, the least use of each resource and the least loss.

    priced: the least loss plus worth of the cost, minus what the budget is worth; shared: the same with shares of values.
    """

    use: Vector
    loss: float
    priced: float
    shared: float


class Bounds:
    """rows: of each node, the most promising first. rest: from each node on, and behind the last one."""

    def __init__(self, at: AtPace, goal: Callable[[list[int]], float]) -> None:
        """goal: is given networks that come up and may be good, and says the loss that the bound has to reach."""
        self._at = at
        self._worths: dict[tuple[str, tuple[int, int]], float] = {}
        self._raise(goal)
        self.rest = self._rest()
        self.rows = [sorted(map(self._priced, rows), key=_promise) for rows in at.rows]

    def worth(self, use: Sequence[float]) -> float:
        return sum(price * used for price, used in zip(self._price, use, strict=True))

    def closed(
        self,
        node: int,
        readers: Mapping[str, tuple[int, int]],
        counted: Mapping[str, float],
    ) -> float:
        """What values cost beyond the shares of them that were counted, of those that no node after this one may read."""
        return sum(
            self._of_value(name, readers[name]) - counted[name] for name in self._at.last_read[node]
        )

    def _of_value(self, name: str, readers: tuple[int, int]) -> float:
        """The worth of what these readers add to its cost."""
        key = (name, readers)
        if key not in self._worths:
            self._worths[key] = self.worth(self._at.change(name, (0, 0), readers))
        return self._worths[key]

    def _priced(self, row: Row) -> Priced:
        priced, shared = self.worth(row.cost), self.worth(row.shared)
        return Priced(row, priced, shared, shared - priced)

    def _raise(self, goal: Callable[[list[int]], float]) -> None:
        """Prices and shares that make the bound high: subgradient steps after Polyak; a value's shares move to its readers."""
        rows, limits = self._at.rows, self._at.limits
        size = [max(1, limit) for limit in limits]
        self._price = [0.0] * len(size)
        best, highest = (self._price, self._shares()), -math.inf
        step_size = 1.0
        for _ in range(_ROUNDS):
            chosen = [
                min(of_node, key=lambda row: row.loss + self.worth(row.shared)) for of_node in rows
            ]
            wanted = goal([row.index for row in chosen])
            columns = zip(self._at.base, *(row.shared for row in chosen), strict=True)
            over = [sum(use) - limit for use, limit in zip(columns, limits, strict=True)]
            bound = sum(row.loss for row in chosen) + self.worth(over)
            if bound > highest + EPSILON:
                best, highest = (self._price, self._shares()), bound
            else:
                step_size *= 0.95
            slope = [excess / unit for excess, unit in zip(over, size, strict=True)]
            length = sum(part * part for part in slope)
            if length == 0 or bound > wanted + EPSILON:
                break
            step = step_size * max(wanted - bound, EPSILON) / length
            self._price = [
                max(0.0, price + step * part / unit)
                for price, part, unit in zip(self._price, slope, size, strict=True)
            ]
            self._move_shares(chosen, step_size)
        self._price, shares = best
        for of_node, own in zip(rows, shares, strict=True):
            for row in of_node:
                row.share = own[row.option.reads]

    def _shares(self) -> list[dict[str, float]]:
        """For each node its share of each value that it may read."""
        return [{row.option.reads: row.share for row in rows} for rows in self._at.rows]

    def _move_shares(self, chosen: Sequence[Row], by: float) -> None:
        """More of a value to the account of the nodes that chose it."""
        shares = self._shares()
        for of_node, row in zip(shares, chosen, strict=True):
            of_node[row.option.reads] += 0.3 * by
        sums: dict[str, float] = {}
        for of_node in shares:
            for name, share in of_node.items():
                sums[name] = sums.get(name, 0.0) + share
        for rows, of_node in zip(self._at.rows, shares, strict=True):
            for row in rows:
                row.share = of_node[row.option.reads] / sums[row.option.reads]

    def _rest(self) -> list[Rest]:
        use: Vector = (0,) * len(self._at.limits)
        loss = priced = shared = 0.0
        budget = self.worth(self._at.limits)
        found = [Rest(use, loss, priced - budget, shared - budget)]
        for rows in reversed(self._at.rows):
            least = (min(column) for column in zip(*(row.cost for row in rows), strict=True))
            use = tuple(map(sum, zip(use, least, strict=True)))
            loss += min(row.loss for row in rows)
            priced += min(row.loss + self.worth(row.cost) for row in rows)
            shared += min(row.loss + self.worth(row.shared) for row in rows)
            found.append(Rest(use, loss, priced - budget, shared - budget))
        return found[::-1]


def _promise(it: Priced) -> tuple[float, int]:
    """By which the candidates of a node are tried, the smallest first."""
    return it.row.loss + it.shared, it.row.index
