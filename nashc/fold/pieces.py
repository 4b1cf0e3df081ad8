"""What a folding that comes near the bound can be made of, block by block.

No better folding has a row with which its block, at the prices of the bound, is further above its best than the known latency is
above the bound (reduced-cost fixing, by whole blocks). Of ResNet50's rows that leaves about one in eight, and of most ways past a block those
that are quicker than the block itself: then the layers of the block stand behind each other, and the way past them only uses something.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np

from nashc.fold.blocks import Block
from nashc.fold.fronts import NOTHING, Front, behind, beside, fronts, least
from nashc.fold.prune import front
from nashc.fold.tables import Floats, Ints, Problem

ROUNDING = 1e-6
"""What sums of priced use may be off by."""
_MOST_CHOICES = 10_000
"""Of a block with more no folding is put together."""


class TooMany(Exception):
    """There is too much to choose from."""


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


def rows_in_reach(
    problem: Problem, rows: list[Ints], row: list[Block], price: Floats, spare: float
) -> list[Ints]:
    """The rows with which a block's latency and priced use are at most `spare` above the least there is.

    row: the network as blocks. price: as of `latency_bound`.
    """
    found = list(rows)
    for block in row:
        of_tables = [fronts(problem, rows, way, price) for way in block]
        ways = [reduce(behind, of_way) for of_way in of_tables]
        limit = least(reduce(beside, ways)) + spare + ROUNDING
        for own, way in enumerate(block):
            other = reduce(beside, ways[:own] + ways[own + 1 :], NOTHING)
            for place, number in enumerate(way):
                rest = reduce(behind, of_tables[own][:place] + of_tables[own][place + 1 :], NOTHING)
                table, kept = problem.tables[number], rows[number]
                of_best = _best_with(table.latency[kept], table.use[kept] @ price, rest, other)
                found[number] = kept[of_best <= limit]
    return found


def with_single_layers(
    problem: Problem, rows: list[Ints], row: list[Block]
) -> tuple[Problem, list[Block]]:
    """Blocks of which one way is the longest with any of these rows as single tables; of the other ways' the latency is 0."""
    tables, found = list(problem.tables), list[Block]()
    for block in row:
        longest = _always_longest(problem, rows, block)
        if longest is None:
            found.append(block)
            continue
        for way in block:
            found += [((number,),) for number in way]
            if way != longest:
                for number in way:
                    nothing = np.zeros(len(tables[number]))
                    tables[number] = replace(tables[number], latency=nothing)
    return replace(problem, tables=tuple(tables)), found


def _always_longest(problem: Problem, rows: list[Ints], block: Block) -> tuple[int, ...] | None:
    """The way of a block that is no shorter than the others with any of these rows; None: there is none."""
    shortest, longest = (
        [sum(float(end(problem.tables[t].latency[rows[t]])) for t in way) for way in block]
        for end in (np.min, np.max)
    )
    for own, way in enumerate(block):
        if all(other <= shortest[own] for other in longest[:own] + longest[own + 1 :]):
            return way
    return None


def choices(
    problem: Problem,
    rows: list[Ints],
    row: list[Block],
    price: Floats,
    spare: float,
    before_each: Callable[[], None] = lambda: None,
) -> list[Choices]:
    """Of each block the choices worth having, of those whose latency and priced use are at most `spare` above the least there is.

    row: the network as blocks. before_each: called before a block is looked at; it may raise. Errors: TooMany.
    """
    known: dict[object, Choices] = {}  # by what a block is to choose from: many are alike
    found = []
    for block in row:
        tables = [[(problem.tables[t], rows[t]) for t in way] for way in block]
        key = tuple(
            tuple(
                (t.latency[kept].tobytes(), t.use[kept].tobytes(), kept.tobytes()) for t, kept in w
            )
            for w in tables
        )
        if key not in known:
            before_each()
            known[key] = _of_block(problem, rows, block, price, spare)
        found.append(known[key])
    return found


def _of_block(
    problem: Problem, rows: list[Ints], block: Block, price: Floats, spare: float
) -> Choices:
    of_tables = [fronts(problem, rows, way, price) for way in block]
    ways = [reduce(behind, found) for found in of_tables]
    limit = least(reduce(beside, ways)) + spare + ROUNDING
    found: Choices | None = None
    for own, way in enumerate(block):
        other = reduce(beside, ways[:own] + ways[own + 1 :], NOTHING)
        begun = Choices(np.zeros(1), np.zeros((1, len(price))), np.zeros((1, 0), dtype=np.int64))
        for place, number in enumerate(way):
            begun = _extended(begun, problem, number, rows[number])
            rest = reduce(behind, of_tables[own][place + 1 :], NOTHING)
            in_time = _best_with(begun.latency, begun.use @ price, rest, other) <= limit
            begun = _worth_having(begun.only(np.flatnonzero(in_time)))
            if len(begun) > _MOST_CHOICES:
                raise TooMany
        if found is not None and len(found) * len(begun) > _MOST_CHOICES * 100:
            raise TooMany
        found = begun if found is None else _side_by_side(found, begun, price, limit)
    assert found is not None, block
    if len(found) > _MOST_CHOICES:
        raise TooMany
    return found


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
