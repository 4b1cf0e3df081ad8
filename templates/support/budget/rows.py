"""What the nodes of a search may keep at one pace, in the resources that a budget limits. Pure Python.

For each pace (support/budget/costs.py) the best network within a budget is a knapsack with several limits and one choice from
every node, with a little coupling: nodes that read the same value share what it costs.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from support.budget.costs import FIGURES, Option, Part, SearchCosts, Vector, total


@dataclass(frozen=True)
class Candidate:
    """What a node may keep, and how much worse than its best that is, >= 0."""

    option: Option
    loss: float


@dataclass
class Row:
    """A candidate at one pace, limited resources only.

    first: what its value costs if nobody else reads it. share: the part of that which the bounds put to its node's account.
    """

    index: int
    option: Option
    loss: float
    cost: Vector
    first: Vector
    share: float
    needs: bool

    @property
    def shared(self) -> list[float]:
        return [own + self.share * more for own, more in zip(self.cost, self.first, strict=True)]


@dataclass(frozen=True)
class Reading:
    """One more reader of a value: how many there are then, what that costs more, and whether it needs this pace."""

    after: tuple[int, int]
    change: Vector
    needs: bool


class AtPace:
    """The networks that are folded for one pace. rows: of each node. base: what all networks use. limits: of the resources.

    needs: whether what all have needs this pace; may_need: from each node on, whether a part that does may still come.
    Without one, FINN folds for a faster pace. last_read: of each node, the values that it is the last one to read.
    """

    def __init__(
        self,
        costs: SearchCosts,
        nodes: Sequence[Sequence[Candidate]],
        limits: Mapping[str, int],
        pace: int,
    ) -> None:
        self._costs, self._pace = costs, pace
        self._slowest = costs.paces[pace]
        self._faster = costs.paces[pace - 1] if pace else -1
        self._most_cycles = limits.get("cycles", math.inf)
        self._limited = [index for index, name in enumerate(FIGURES) if index and name in limits]
        self._readings: dict[tuple[str, tuple[int, int], bool], Reading | None] = {}
        self.limits = [limits[FIGURES[index]] for index in self._limited]
        read = [{candidate.option.reads for candidate in node} for node in nodes]
        self._readers = Counter(name for names in read for name in names)
        last = {name: index for index, names in enumerate(read) for name in names}
        # Sorted, since floats are added in this order.
        self.last_read = [
            sorted(name for name, place in last.items() if place == index)
            for index in range(len(nodes))
        ]
        in_all = [costs.fixed, *(costs.value(name, 0, 0) for name in costs.values)]
        self.rows = [list(self._rows(node)) for node in nodes]
        self.is_possible = all(map(self._is_allowed, in_all)) and all(self.rows)
        base = total([part.cost[pace] for part in in_all])
        self.base = tuple(base[index] for index in self._limited)
        self.needs = self._needs(costs.fixed)
        values = (part for rows in costs.values.values() for row in rows for part in row)
        self.may_need = [any(map(self._needs, values))]
        for rows in reversed(self.rows):
            self.may_need.insert(0, self.may_need[0] or any(row.needs for row in rows))

    def reading(self, name: str, before: tuple[int, int], is_wide: bool) -> Reading | None:
        """None if a frame takes too long with that."""
        key = (name, before, is_wide)
        if key not in self._readings:
            after = (before[0] + (not is_wide), before[1] + is_wide)
            value = self._costs.value(name, *after)
            reading = Reading(after, self.change(name, before, after), self._needs(value))
            self._readings[key] = reading if self._is_allowed(value) else None
        return self._readings[key]

    def change(self, name: str, before: tuple[int, int], after: tuple[int, int]) -> Vector:
        """What a value costs more with other readers."""
        old, new = (self._use(self._costs.value(name, *readers)) for readers in (before, after))
        return tuple(a - b for a, b in zip(new, old, strict=True))

    def _rows(self, node: Sequence[Candidate]) -> Iterator[Row]:
        """The candidates of a node that are worth a look: none that another one beats in everything."""
        found: list[Row] = []
        for index, candidate in enumerate(node):
            option = candidate.option
            if not self._is_allowed(option.part):
                continue
            first = self.change(
                option.reads, (0, 0), (int(not option.is_wide), int(option.is_wide))
            )
            share = 1 / self._readers[option.reads]
            cost, needs = self._use(option.part), self._needs(option.part)
            found.append(Row(index, option, candidate.loss, cost, first, share, needs))
        for row in found:
            if not any(_beats(other, row) for other in found if other is not row):
                yield row

    def _is_allowed(self, part: Part) -> bool:
        is_fast = part.cost[self._pace][0] <= self._most_cycles
        return is_fast and part.slowest <= self._slowest

    def _needs(self, part: Part) -> bool:
        return part.slowest > self._faster

    def _use(self, part: Part) -> Vector:
        cost = part.cost[self._pace]
        return tuple(cost[index] for index in self._limited)


def _beats(a: Row, b: Row) -> bool:
    if (a.option.reads, a.option.is_wide) != (b.option.reads, b.option.is_wide):
        return False
    if a.needs != b.needs:
        return False
    first, second = (a.loss, *a.cost), (b.loss, *b.cost)
    is_no_worse = all(x <= y for x, y in zip(first, second, strict=True))
    return is_no_worse and (first != second or a.index < b.index)
