"""A network with its resources in ever finer groups: each is one resource, the sum of its members at the prices of the relaxed answer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations
from typing import TypeAlias

import numpy as np

from nashc.fold.prune import front
from nashc.fold.tables import Floats, Ints, Problem

Grouping: TypeAlias = list[list[int]]
"""Numbers of resources, group by group."""


@dataclass(frozen=True, eq=False)
class Level:
    """problem: with the groups as its resources. rows: those worth having there. price, budget: [groups].

    groups: [resources, groups], what a unit of a resource is in each group.
    """

    problem: Problem
    rows: list[Ints]
    price: Floats
    budget: Floats
    groups: Floats


def levels(problem: Problem, rows: list[Ints], price: Floats, budget: Floats) -> list[Level]:
    """From all resources that have a price together to almost each of them alone; at last all that are limited, as they are.

    price: [resources], 0 for what has no budget.
    """
    pairs = zip(problem.tables, rows, strict=True)
    most = np.sum([table.use[kept].max(axis=0) for table, kept in pairs], axis=0)
    limited = np.flatnonzero(most > budget)  # the others suffice for any choice
    priced = [int(resource) for resource in limited if price[resource] > 0]
    groupings: list[Grouping] = [[priced]] if len(priced) > 1 else []
    while groupings and len(groupings[-1]) < len(priced) - 1:
        finer = _splits(groupings[-1])
        groupings.append(min(finer, key=lambda g: _variety(problem, rows, _sums(g, price))))
    found = []
    for grouping in groupings:
        groups = _sums(grouping, price)
        found.append(_level(problem, rows, groups, np.ones(len(grouping)), budget))
    return [*found, _level(problem, rows, np.eye(len(price))[:, limited], price[limited], budget)]


def _level(
    problem: Problem, rows: list[Ints], groups: Floats, price: Floats, budget: Floats
) -> Level:
    tables = tuple(replace(table, use=table.use @ groups) for table in problem.tables)
    kept = []
    known: dict[object, Ints] = {}  # many tables are alike
    for table, of_table in zip(tables, rows, strict=True):
        columns = np.column_stack([table.latency[of_table], table.use[of_table]])
        key = columns.tobytes()
        if key not in known:
            known[key] = front(columns)
        kept.append(of_table[known[key]])
    names = tuple(str(group) for group in range(len(price)))
    grouped = replace(problem, tables=tables, resources=names)
    used = groups.any(axis=1)  # else a budget without end would be taken 0 times
    return Level(grouped, kept, price, budget[used] @ groups[used], groups)


def _variety(problem: Problem, rows: list[Ints], groups: Floats) -> float:
    """How many foldings there are in these groups, as a logarithm."""
    found = _level(problem, rows, groups, np.ones(groups.shape[1]), np.zeros(len(groups)))
    return float(np.log([len(kept) for kept in found.rows]).sum())


def _sums(grouping: Grouping, price: Floats) -> Floats:
    """As `groups` of `Level`."""
    found = np.zeros((len(price), len(grouping)))
    for number, members in enumerate(grouping):
        found[members, number] = price[members]
    return found


def _splits(grouping: Grouping) -> list[Grouping]:
    """The groupings with one of the groups in two."""
    found = []
    for number, members in enumerate(grouping):
        for size in range(1, len(members) // 2 + 1):
            for part in combinations(members, size):
                rest = [member for member in members if member not in part]
                found.append([*grouping[:number], list(part), rest, *grouping[number + 1 :]])
    return found
