"""What tables take and what that costs at given prices, as far as it is worth having: the quicker, the dearer."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from nashc.fold.tables import Floats, Ints, Problem

Front: TypeAlias = tuple[Floats, Floats]
"""Latencies, ascending, and the priced use of each, descending."""

NOTHING: Front = (np.zeros(1), np.zeros(1))


def least(whole: Front) -> float:
    return float((whole[0] + whole[1]).min())


def fronts(problem: Problem, rows: list[Ints], way: tuple[int, ...], price: Floats) -> list[Front]:
    tables = [(problem.tables[number], rows[number]) for number in way]
    return [front_of(table.latency[kept], table.use[kept] @ price) for table, kept in tables]


def front_of(latency: Floats, cost: Floats) -> Front:
    order = np.lexsort((cost, latency))
    latency, cost = latency[order], cost[order]
    kept = np.append(True, cost[1:] < np.minimum.accumulate(cost)[:-1])
    return latency[kept], cost[kept]


def behind(one: Front, other: Front) -> Front:
    return front_of(np.add.outer(one[0], other[0]).ravel(), np.add.outer(one[1], other[1]).ravel())


def beside(one: Front, other: Front) -> Front:
    longer = np.maximum.outer(one[0], other[0])
    return front_of(longer.ravel(), np.add.outer(one[1], other[1]).ravel())
