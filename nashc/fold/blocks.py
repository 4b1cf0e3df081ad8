"""Blocks: the layers between two that all ways through a network share, looked at as if they were one layer.

Where a short way runs beside a long one, a linear relaxation takes half of a fast row and half of a slow one there, and so
a latency that no folding has. At given prices of the resources the best folding of a block is found exactly, by
fronts: what its ways take, and what they cost. The sum over the blocks, less what the budget is worth, is a bound
(Lagrangian duality) that is never below the relaxation's, and far above it where layers are large beside the budget.
"""

from __future__ import annotations

from functools import reduce
from typing import TypeAlias

from nashc.fold.fronts import behind, beside, fronts, least
from nashc.fold.paths import After, serial
from nashc.fold.tables import Floats, Ints, Problem

Block: TypeAlias = tuple[tuple[int, ...], ...]
"""Numbers of tables: ways that run side by side, each one table behind the other."""


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
    shortest = 0.0
    for block in row:
        ways = [reduce(behind, fronts(problem, rows, way, price)) for way in block]
        shortest += least(reduce(beside, ways))
    priced = price > 0
    return shortest - float(price[priced] @ budget[priced])
