"""Links that tie nothing: where one end keeps its stream width, what the link costs is a matter of the other end alone.

Layers of one colour have no link among them. With all others pinned to their widths they choose anew, each for itself but
for the budget, links counted: a question without links, in which layers that are alike count together.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

import numpy as np

from nashc.fold.programme import Found
from nashc.fold.prune import front
from nashc.fold.tables import Floats, Ints, Link, Problem, Table

_NOTHING = 1e-9
_FAR = 1.5e-2

Ask: TypeAlias = Callable[[Problem, list[Ints]], Found | None]
"""A question without links, put to `exact`."""


def better(
    problem: Problem, rows: list[Ints], best: Found, starts: list[Ints], ask: Ask, enough: float
) -> Found:
    """A choice that is as good as `best`, whose bound it keeps, or better: with the widths of the starts, and widths around.

    starts: the next one is tried only while the value is more than `_FAR` above `enough`, the least that is of use.
    """
    groups = colours(problem, rows)
    for number, start in enumerate([starts[0], best.choice, *starts[1:]]):
        if best.value <= enough * (1 + _FAR if number else 1):
            break
        around = ask(*pinned(problem, rows, start, []))
        if around is None:
            continue
        around = Found(around.choice[:-1], around.value, best.bound)
        idle = 0
        for free in itertools.cycle(groups):
            if idle == len(groups) or around.value <= enough:
                break
            found = ask(*pinned(problem, rows, around.choice, free))
            idle += 1
            if found is not None and found.value < around.value - _NOTHING * around.value:
                around, idle = Found(found.choice[:-1], found.value, best.bound), 1
        if around.value < best.value:
            best = Found(around.choice, around.value, min(best.bound, around.value))
    return best


def colours(problem: Problem, rows: list[Ints]) -> list[list[int]]:
    """Tables, those together that have no link between them; those with many rows choose their colour first."""
    near: list[set[int]] = [set() for _ in rows]
    for link in problem.links:
        near[link.first].add(link.second)
        near[link.second].add(link.first)
    colour: dict[int, int] = {}
    for table in sorted(range(len(rows)), key=lambda t: (-len(rows[t]), t)):
        taken = {colour[other] for other in near[table] if other in colour}
        colour[table] = next(c for c in range(len(rows)) if c not in taken)
    found: list[list[int]] = [[] for _ in range(max(colour.values()) + 1)]
    for table in range(len(rows)):
        found[colour[table]].append(table)
    return found


def pinned(
    problem: Problem,
    rows: list[Ints],
    choice: Ints,
    free: list[int],
    *,
    latency_counts: bool = False,
) -> tuple[Problem, list[Ints]]:
    """The question with all tables but `free`, which have no links among them, pinned to the widths of a choice.

    What remains of the links is a last table with one row. latency_counts: paths and the rows that are quick are kept.
    """
    added: dict[int, Floats] = {t: np.zeros_like(problem.tables[t].use) for t in free}
    kept = dict(enumerate(rows))
    rest = np.zeros((1, len(problem.resources)))
    for link in problem.links:
        for table, port in ((link.first, link.first_port), (link.second, link.second_port)):
            if table not in added:
                kept[table] = kept[table][port[kept[table]] == port[choice[table]]]
        if link.first in added:
            added[link.first] += _across(link, choice)[link.first_port]
        elif link.second in added:
            added[link.second] += _across(_turned(link), choice)[link.second_port]
        else:
            rest += _across(link, choice)[link.first_port[choice[link.first]]]
    tables = [
        replace(table, use=table.use + added[t]) if t in added else table
        for t, table in enumerate(problem.tables)
    ]
    kept_rows = []
    for number, found in enumerate(tables):
        columns = (found.use, found.latency[:, None]) if latency_counts else (found.use,)
        kept_rows.append(kept[number][front(np.hstack(columns)[kept[number]])])
    none = np.zeros(1)
    unlinked = replace(
        problem,
        tables=(*tables, Table("links", none, rest, none, none)),
        links=(),
        after=(*problem.after, ()) if latency_counts else (),
    )
    return unlinked, [*kept_rows, np.zeros(1, dtype=np.int64)]


def _across(link: Link, choice: Ints) -> Floats:
    """[classes of first, resources]: what the link costs where the second table keeps its width."""
    return link.cost[:, link.second_port[choice[link.second]]]


def _turned(link: Link) -> Link:
    cost = link.cost.swapaxes(0, 1)
    return Link(link.second, link.first, link.second_port, link.first_port, cost)
