"""A choice made quicker by exchanging the rows of one or two layers at a time, for as long as that shortens the longest path.

HiGHS is good long before it is done; what it leaves are mostly exchanges: a layer becomes quicker with what another one, which is
then slower, gives back.
"""

from __future__ import annotations

import numpy as np

from nashc.fold.tables import Floats, Ints, Problem

_MOST = 800
"""Exchanges that are looked at in pairs: those that cost least at the prices of the relaxed question."""
_TRIED = 10
"""Two exchanges may be on one way or on two: the best pairs are tried."""
_ROUNDS = 100


def quickened(
    problem: Problem, rows: list[Ints], adds: Floats, budget: Floats, choice: Ints
) -> Ints:
    """The choice after the exchanges. adds: by row of `rows`, one list after the other, what it adds to the relaxed best."""
    table = np.repeat(np.arange(len(rows)), [len(kept) for kept in rows])
    row = np.concatenate(rows)
    near = np.sort(adds.argsort(kind="stable")[:_MOST])
    table, row = table[near], row[near]
    widths = [
        (np.flatnonzero(table == of), ports[row[table == of]], ports)
        for link in problem.links
        for of, ports in ((link.first, link.first_port), (link.second, link.second_port))
    ]
    use = np.vstack([problem.tables[t].use[r] for t, r in zip(table, row, strict=True)])
    latency = np.array([problem.tables[t].latency[r] for t, r in zip(table, row, strict=True)])
    for _ in range(_ROUNDS):
        keeps = np.ones(len(row), bool)  # the widths of its streams, so that no converter changes
        for where, own, ports in widths:
            keeps[where] &= own == ports[choice[table[where]]]
        better = _better(
            problem, budget, choice, table[keeps], row[keeps], use[keeps], latency[keeps]
        )
        if better is None:
            return choice
        choice = better
    return choice


def _better(
    problem: Problem,
    budget: Floats,
    choice: Ints,
    table: Ints,
    row: Ints,
    use: Floats,
    latency: Floats,
) -> Ints | None:
    own_latency = np.array(
        [float(t.latency[r]) for t, r in zip(problem.tables, choice, strict=True)]
    )
    own_use = np.vstack([t.use[r] for t, r in zip(problem.tables, choice, strict=True)])
    now = problem.latency(choice)
    through, around = _ways(problem, own_latency)
    longer = np.maximum(through[table] + latency - own_latency[table], around[table]) - now
    more = use - own_use[table]
    left = budget - problem.total(choice)
    quicker = np.flatnonzero(longer < 0)
    if not len(quicker):
        return None
    first, second = (
        axis.ravel() for axis in np.meshgrid(quicker, np.arange(len(table)), indexing="ij")
    )
    change = longer[first] + longer[second]
    is_single = table[first] == table[second]
    change[is_single] = longer[first[is_single]]
    fits = np.ones(len(first), bool)
    for resource in np.flatnonzero(np.isfinite(budget)):
        column = more[:, resource]
        fits &= column[first] + np.where(is_single, 0.0, column[second]) <= left[resource]
    candidates = np.flatnonzero(fits & (change < 0))
    for pair in candidates[change[candidates].argsort(kind="stable")][:_TRIED]:
        tried = choice.copy()
        if not is_single[pair]:
            tried[table[second[pair]]] = row[second[pair]]
        tried[table[first[pair]]] = row[first[pair]]
        if problem.latency(tried) < now and (problem.total(tried) <= budget).all():
            return tried
    return None


def _ways(problem: Problem, latency: Floats) -> tuple[Floats, Floats]:
    """For each table the longest path through it, and the longest one around it, -inf where there is none."""
    after = problem.after or ((),) * len(latency)
    count = len(latency)
    lengths = np.tile(latency[:, None], (1, count + 1))
    lengths[np.arange(count), np.arange(count)] = -np.inf
    ends = np.zeros((count, count + 1))
    for number, before in enumerate(after):
        start = np.max([ends[t] for t in before], axis=0) if before else 0.0
        ends[number] = start + lengths[number]
    longest = ends.max(axis=0)
    tails = np.zeros(count)
    for number in reversed(range(count)):
        for earlier in after[number]:
            tails[earlier] = max(tails[earlier], tails[number] + latency[number])
    return ends[:, count] + tails, longest[:count]
