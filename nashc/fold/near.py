"""The least of something that a programme asks for, from rows near the relaxed answer outwards.

Where paths tie the layers together, the linear relaxation, which takes hundredths of a second, tells for each row what
it adds to the best value there can be. First only rows that add next to nothing are searched, few of them, and exchanges
(exchange.py) better what that finds: if it is no more above the relaxation than they, nothing else can be better. Else no row that adds more than
what was found can be part of anything better, and the others are searched, if they are few.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from nashc.fold.highs import Undecided
from nashc.fold.programme import Found, Programme
from nashc.fold.tables import Bools, Floats, Ints

NEAR = (1e-5, 1e-4, 3e-4, 1e-3)
"""Rows that add no more than such a part of the relaxed value are searched first: the largest part that has few, else the smallest."""
_FEW_ROWS = 550
"""With more HiGHS takes up to two seconds, and what it finds more the exchanges find as well."""
_MANY_ROWS = 480
"""So many are not searched again: it takes seconds, and found nothing that exchanges had not (docs/experiments/folding.md)."""
_TOLERANCE = 1e-7


def minimise(
    programme: Programme,
    objective: Floats,
    effort: int,
    *,
    gap: float = 0.0,
    known: Found | None = None,
    better: Callable[[Ints, Floats], Ints] | None = None,
) -> Found | None:
    """objective: by variable. effort: nodes of a search tree. None: nothing keeps to the constraints.

    gap: the search may end when it knows that nothing is better by more than this share. known: a choice to beat.
    better: makes the longest path of a choice shorter; it is told what each row adds to the relaxed value. Errors: Undecided, never where something is known.
    """
    every = np.ones(programme.system.whole, bool)
    if not programme.has_paths or not objective.any():
        try:
            found = _search(programme, objective, every, effort, gap)
        except Undecided:
            if known is None:
                raise
            found = known
        if known is None or found is None or found.value <= known.value:
            return found
        return replace(known, bound=min(known.value, found.bound))
    relaxed = programme.relaxed(objective)
    if relaxed is None:
        return None
    least, adds = relaxed.value, relaxed.adds
    slack = _TOLERANCE * max(1.0, abs(least))
    best = begin = known and replace(known, bound=min(known.value, max(known.bound, least)))
    for reach in (*_near(adds, abs(least)), np.inf):
        if reach == np.inf and best is not None:
            reach = best.value - least
            if (adds <= reach + slack).sum() > _MANY_ROWS:
                break  # what is left to find there would take the longest by far
        elif best is not None and (best is not begin or best.value <= least + reach + slack):
            continue
        try:
            found = _search(programme, objective, adds <= reach + slack, effort, gap)
        except Undecided:
            if best is None and reach == np.inf:
                raise
            continue
        # What is not in reach is no better than `least + reach`; where nothing is, all is beyond.
        bound = max(least, min(found.bound if found else np.inf, least + reach))
        if found is not None and better is not None:
            of_rows = [adds[programme.span[table]] for table in range(len(programme.rows))]
            choice = better(found.choice, np.concatenate(of_rows))
            found = replace(found, choice=choice, value=programme.problem.latency(choice))
        if found is not None and (best is None or found.value < best.value):
            best = found
        if best is not None:
            best = replace(best, bound=min(best.value, bound))
            if best.value <= least + reach + slack:
                return best
    return best


def _search(
    programme: Programme, objective: Floats, kept: Bools, effort: int, gap: float
) -> Found | None:
    """The best choice among the rows that are kept. Errors: Undecided."""
    searched = programme.system.only(kept).search(objective, effort, gap)
    if searched is None:
        return None
    if searched.variables is None:
        raise Undecided
    return Found(programme.choice(searched.variables), searched.value, searched.bound)


def _near(adds: Floats, value: float) -> list[float]:
    """What rows may add to be searched, one after the other until something is found. adds: [rows], to this relaxed value."""
    reaches = [part * value for part in NEAR]
    few = [at for at, reach in enumerate(reaches) if (adds <= reach).sum() <= _FEW_ROWS]
    return reaches[max(few, default=0) :]
