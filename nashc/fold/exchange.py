"""A choice made quicker by exchanging rows in two places at a time, for as long as that shortens the longest path.

A place is a stretch between two layers that all ways share, or such a layer: what two places change adds up. In a place
one row is exchanged, or two: where ways run side by side, both must become quicker before the network does. HiGHS is good
long before it is done; what it leaves are mostly such exchanges: a layer becomes quicker with what another one, which is
then slower, gives back.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from nashc.fold.paths import Stretch, stretches
from nashc.fold.tables import Floats, Ints, Problem

_MOST = 1500
"""Rows that are looked at: those that cost least at the prices of the relaxed question."""
_DOUBLE = 300
"""Exchanges of two rows in one place that are looked at: those with the least change and priced use."""
_AT_ONCE = 256
"""Moves that are paired with all others in one step; bounds the memory."""
_ROUNDS = 100


@dataclass(frozen=True, eq=False)
class _Moves:
    """Exchanges in one place, or in all.

    place: [n]. table, row: [n, 2], twice the same where one row alone is exchanged. change: [n], of the longest path,
    cycles. more: [n, resources].
    """

    place: Ints
    table: Ints
    row: Ints
    change: Floats
    more: Floats


def quickened(
    problem: Problem,
    rows: list[Ints],
    adds: Floats,
    price: Floats,
    budget: Floats,
    choice: Ints,
) -> Ints:
    """The choice after the exchanges. adds: by row of `rows`, one list after the other, what it adds to the relaxed best.

    price: [resources], of the relaxed question.
    """
    rows = _looked_at(problem, rows, adds, choice)
    after = problem.after or ((),) * len(choice)
    places = stretches(after)
    known: dict[tuple[int, ...], _Moves] = {}
    choice = choice.copy()
    for _ in range(_ROUNDS):
        parts = []
        for place, members in enumerate(places):
            key = (place, *choice[members].tolist())
            if key not in known:
                known[key] = _moves(problem, rows, price, choice, place, members)
            parts.append(known[key])
        moves = _joined(parts)
        taken = _best_pair(moves, budget - problem.total(choice))
        if not len(taken):
            break
        choice[moves.table[taken]] = moves.row[taken]
    return choice


def _looked_at(problem: Problem, rows: list[Ints], adds: Floats, choice: Ints) -> list[Ints]:
    """By table the rows that may be taken; the widths of linked streams stay as they are."""
    reach = np.sort(adds)[min(_MOST, len(adds)) - 1]
    ends = np.cumsum([len(found) for found in rows])[:-1]
    kept = [found <= reach for found in np.split(adds, ends)]
    for number, of_table in enumerate(problem.ports):
        for ports in of_table:
            kept[number] &= ports[rows[number]] == ports[choice[number]]
    return [found[is_kept] for found, is_kept in zip(rows, kept, strict=True)]


def _moves(
    problem: Problem,
    rows: list[Ints],
    price: Floats,
    choice: Ints,
    place: int,
    members: list[int],
) -> _Moves:
    """The exchanges in one place."""
    tables = [(number, problem.tables[number], choice[number]) for number in members]
    kept = [rows[number][rows[number] != now] for number, _, now in tables]
    who = np.repeat(np.arange(len(members)), [len(found) for found in kept])
    row = np.concatenate(kept)
    latency = np.concatenate([t.latency[f] for (_, t, _), f in zip(tables, kept, strict=True)])
    more = np.concatenate(
        [t.use[f] - t.use[now] for (_, t, now), f in zip(tables, kept, strict=True)]
    )
    after = problem.after or ((),) * len(choice)
    ways = Stretch(after, members, [float(table.latency[now]) for _, table, now in tables])
    table = np.array(members)[who]
    change = np.maximum(ways.around[who] + latency, ways.past[who]) - ways.longest
    single = _Moves(
        np.full(len(who), place), np.stack([table] * 2, 1), np.stack([row] * 2, 1), change, more
    )
    if len(members) == 1:
        return single
    one, other = np.triu_indices(len(who), 1)
    different = who[one] != who[other]
    one, other = one[different], other[different]
    change = ways.with_two(who[one], latency[one], who[other], latency[other]) - ways.longest
    cost = change + (more @ price)[one] + (more @ price)[other]
    best = np.argsort(cost, kind="stable")[:_DOUBLE]
    one, other = one[best], other[best]
    double = _Moves(
        np.full(len(best), place),
        np.stack([table[one], table[other]], 1),
        np.stack([row[one], row[other]], 1),
        change[best],
        more[one] + more[other],
    )
    return _joined([single, double])


def _joined(parts: list[_Moves]) -> _Moves:
    names = [column.name for column in fields(_Moves)]
    return _Moves(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def _best_pair(moves: _Moves, room: Floats) -> Ints:
    """The numbers of the exchange, or of the two, that take most off the longest path; none if nothing does."""
    found = np.zeros(0, dtype=np.int64)
    best = 0.0
    quicker = np.flatnonzero(moves.change < 0)
    alone = quicker[(moves.more[quicker] <= room).all(axis=1)]
    if len(alone):
        found = alone[[moves.change[alone].argmin()]]
        best = float(moves.change[found[0]])
    for start in range(0, len(quicker), _AT_ONCE):
        part = quicker[start : start + _AT_ONCE]
        together = np.add.outer(moves.change[part], moves.change)
        good = (together < best) & (moves.place[part][:, None] != moves.place)
        for resource in np.flatnonzero(np.isfinite(room)):
            more = moves.more[:, resource]
            good &= more[part][:, None] <= room[resource] - more
        if good.any():
            pair = np.where(good, together, 0.0).argmin()
            one, other = divmod(int(pair), len(moves.change))
            best, found = float(together[one, other]), np.array([part[one], other])
    return found
