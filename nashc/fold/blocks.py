"""Blocks: the layers between two that all ways through a network share, looked at as if they were one layer.

Where a short way runs beside a long one, a linear relaxation takes half of a fast row and half of a slow one there, and so
a latency that no folding has. At given prices of the resources the best folding of a block is found exactly, by
fronts: what its ways take, and what they cost. The sum over the blocks, less what the budget is worth, is a bound
(Lagrangian duality) that is never below the relaxation's, and far above it where layers are large beside the budget.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import TypeAlias

import numpy as np

from nashc.fold.paths import After, serial
from nashc.fold.prune import front
from nashc.fold.tables import Floats, Ints, Problem

Block: TypeAlias = tuple[tuple[int, ...], ...]
"""Numbers of tables: ways that run side by side, each one table behind the other."""

Front: TypeAlias = tuple[Floats, Floats]
"""Latencies, ascending, and the priced use of each, descending."""

_NOTHING: Front = (np.zeros(1), np.zeros(1))

ROUNDING = 1e-6
"""What sums of priced use may be off by."""


@dataclass(frozen=True, eq=False)
class Choices:
    """Choices of a block's rows, one per table. latency: [n], of its longest way. use: [n, resources]. rows: [n, tables], way by way."""

    latency: Floats
    use: Floats
    rows: Ints

    def __len__(self) -> int:
        return len(self.latency)

    def only(self, kept: Ints) -> Choices:
        return Choices(self.latency[kept], self.use[kept], self.rows[kept])


def blocks(after: After) -> list[Block] | None:
    """The network as blocks in a row; None where ways fork or meet inside a block. after: as in `Problem`."""
    found: list[Block] = []
    ways: list[list[int]] = []
    for number, is_shared in enumerate(serial(after)):
        if is_shared:
            found += [tuple(map(tuple, ways))] if ways else []
            found.append(((number,),))
            ways = []
            continue
        before = [earlier for earlier in after[number] if any(earlier in way for way in ways)]
        last = {way[-1]: way for way in ways}
        if not before:
            ways.append([number])
        elif len(before) == 1 and before[0] in last:
            last[before[0]].append(number)
        else:
            return None
    return found + ([tuple(map(tuple, ways))] if ways else [])


def latency_bound(
    problem: Problem, rows: list[Ints], row: list[Block], price: Floats, budget: Floats
) -> float:
    """No choice of these rows within the budget has a shorter longest path. Links must not count.

    row: the network as blocks. price: [resources], cycles per unit, at least 0, and 0 for what has no budget.
    """
    assert not problem.links
    least = 0.0
    for block in row:
        ways = [reduce(_behind, _fronts(problem, rows, way, price)) for way in block]
        least += _least(reduce(_beside, ways))
    priced = price > 0
    return least - float(price[priced] @ budget[priced])


def choices(
    problem: Problem, rows: list[Ints], block: Block, price: Floats, spare: float, most: int
) -> Choices | None:
    """The choices that are worth having, of those whose latency and priced use are at most `spare` above the least there is.

    None: they may be more than `most`.
    """
    fronts = [_fronts(problem, rows, way, price) for way in block]
    ways = [reduce(_behind, found) for found in fronts]
    limit = _least(reduce(_beside, ways)) + spare + ROUNDING
    found: Choices | None = None
    for own, way in enumerate(block):
        other = reduce(_beside, ways[:own] + ways[own + 1 :]) if len(ways) > 1 else _NOTHING
        begun = Choices(np.zeros(1), np.zeros((1, len(price))), np.zeros((1, 0), dtype=np.int64))
        for place, number in enumerate(way):
            begun = _extended(begun, problem, number, rows[number])
            rest = reduce(_behind, fronts[own][place + 1 :], _NOTHING)
            in_time = _best_with(begun.latency, begun.use @ price, rest, other) <= limit
            begun = _worth_having(begun.only(np.flatnonzero(in_time)))
            if len(begun) > most:
                return None
        if found is not None and len(found) * len(begun) > most * 100:
            return None
        found = begun if found is None else _side_by_side(found, begun, price, limit)
    return found if found is not None and len(found) <= most else None


def _extended(begun: Choices, problem: Problem, number: int, rows: Ints) -> Choices:
    """Each choice with each row of one more table behind it."""
    table = problem.tables[number]
    one, other = np.divmod(np.arange(len(begun) * len(rows)), len(rows))
    return Choices(
        begun.latency[one] + table.latency[rows][other],
        begun.use[one] + table.use[rows][other],
        np.hstack([begun.rows[one], rows[other, None]]),
    )


def _side_by_side(one: Choices, other: Choices, price: Floats, limit: float) -> Choices:
    """Of two ways. limit: of latency and priced use."""
    of_one, of_other = np.divmod(np.arange(len(one) * len(other)), len(other))
    latency = np.maximum(one.latency[of_one], other.latency[of_other])
    use = one.use[of_one] + other.use[of_other]
    kept = np.flatnonzero(latency + use @ price <= limit)
    rows = np.hstack([one.rows[of_one[kept]], other.rows[of_other[kept]]])
    return _worth_having(Choices(latency[kept], use[kept], rows))


def _worth_having(found: Choices) -> Choices:
    return found.only(front(np.column_stack([found.latency, found.use])))


def _best_with(latency: Floats, cost: Floats, rest: Front, other: Front) -> Floats:
    """The least latency and priced use of a block, by what its beginning of one way takes; rest: of this way, other: the others."""
    longer = np.add.outer(latency, rest[0])
    count = np.searchsorted(other[0], longer, side="right")
    within = longer + np.append(np.inf, other[1])[count]
    beyond = np.append(np.minimum.accumulate((other[0] + other[1])[::-1])[::-1], np.inf)[count]
    found: Floats = (np.minimum(within, beyond) + rest[1]).min(axis=1) + cost
    return found


def _least(whole: Front) -> float:
    return float((whole[0] + whole[1]).min())


def _fronts(problem: Problem, rows: list[Ints], way: tuple[int, ...], price: Floats) -> list[Front]:
    tables = [(problem.tables[number], rows[number]) for number in way]
    return [_front(table.latency[kept], table.use[kept] @ price) for table, kept in tables]


def _front(latency: Floats, cost: Floats) -> Front:
    order = np.lexsort((cost, latency))
    latency, cost = latency[order], cost[order]
    kept = np.append(True, cost[1:] < np.minimum.accumulate(cost)[:-1])
    return latency[kept], cost[kept]


def _behind(one: Front, other: Front) -> Front:
    return _front(np.add.outer(one[0], other[0]).ravel(), np.add.outer(one[1], other[1]).ravel())


def _beside(one: Front, other: Front) -> Front:
    longer = np.maximum.outer(one[0], other[0])
    return _front(longer.ravel(), np.add.outer(one[1], other[1]).ravel())
