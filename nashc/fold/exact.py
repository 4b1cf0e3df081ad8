"""The questions about a folding that HiGHS answers: any choice, the least use, stretch or latency (programme.py).

effort: nodes of the search tree after which the best choice so far is given, with the bound proven for it. It is not a time, so
that the answer is the same on every machine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from nashc.fold.blocks import Block, blocks
from nashc.fold.exchange import quickened
from nashc.fold.near import minimise
from nashc.fold.programme import Found, Limits, Programme
from nashc.fold.proof import Further, prove
from nashc.fold.refine import NONE_KNOWN, GivenUp, shortest
from nashc.fold.tables import Floats, Ints, Problem

_MOST = 5_000_000
"""Beginnings of foldings that are looked at in one step of a proof (refine.py); with more HiGHS goes on."""

_QUICK = 4_000_000
"""Beginnings in all that are looked at before HiGHS is asked: two or three seconds' at most, of most networks a few tenths of one."""

STRETCH_GAP = 1e-3
"""Shares of a budget are found to a tenth of a per cent: the last bit of the proof takes seconds."""


def least_use(
    problem: Problem,
    rows: list[Ints],
    weights: Floats,
    limits: Limits,
    effort: int,
    known: Ints | None = None,
    gap: float = 0.0,
) -> Found | None:
    """The choice with the smallest weighted use; weights: [resources]. None: nothing keeps to the limits.

    known: a choice that does, to begin with. gap: the search may end when nothing is better by more than this share.
    """
    programme = Programme(problem, rows, paths=limits.longest is not None)
    programme.keep_to(limits)
    begin = None
    if known is not None:
        begin = Found(known, float(problem.total(known) @ weights), -np.inf)
    return minimise(programme, programme.weighted(weights), effort, gap=gap, known=begin)


def prove_use(
    problem: Problem,
    rows: list[Ints],
    weights: Floats,
    limits: Limits,
    best: Found,
    further: Further,
) -> Found:
    """What `least_use` found, or better, with a closer bound."""
    programme = Programme(problem, rows, paths=limits.longest is not None)
    programme.keep_to(limits)
    return prove(programme, programme.weighted(weights), best, further)


def prove_latency(
    problem: Problem, rows: list[Ints], limits: Limits, best: Found, further: Further
) -> Found:
    """What `least_latency` found, or better, with a closer bound."""
    programme = Programme(problem, rows, paths=True)
    programme.keep_to(limits)
    row = _row(problem)
    price = _price(programme)
    if row is not None and limits.budget is not None and price is not None:

        def spend(known: Found, work: int) -> None:
            is_near = known.gap <= further.gap
            if is_near or work > _MOST or not further.go_on(known.value, known.bound):
                raise GivenUp

        best = shortest(problem, rows, row, price, limits.budget, best, spend)
        if best.gap <= further.gap:
            return best
    path = programme.longest_path()
    return prove(programme, programme.objective(path), best, further)


def _row(problem: Problem) -> list[Block] | None:
    return None if problem.links else blocks(problem.after or ((),) * len(problem.tables))


def any_fit(problem: Problem, rows: list[Ints], limits: Limits, effort: int) -> Ints | None:
    """Some choice that keeps to the limits; None: there is none, proven."""
    programme = Programme(problem, rows)
    programme.keep_to(limits)
    found = minimise(programme, np.zeros(len(programme.system.most)), effort)
    return None if found is None else found.choice


def least_latency(problem: Problem, rows: list[Ints], limits: Limits, effort: int) -> Found | None:
    """The choice with the shortest longest path; proven from coarse to fine where that takes little, else HiGHS's."""
    programme = Programme(problem, rows, paths=True)
    programme.keep_to(limits)
    path = programme.longest_path()
    if limits.budget is None:
        return minimise(programme, programme.objective(path), effort)
    budget = limits.budget
    row, proven = _row(problem), NONE_KNOWN
    if row is not None:
        price = _price(programme, alone=True)
        if price is None:
            return None
        proven = shortest(problem, rows, row, price, budget, proven, _no_more_than(_QUICK))
        if proven.bound == proven.value < np.inf:
            return proven
    price = _price(programme)
    if price is None:
        return None
    found = minimise(
        programme,
        programme.objective(path),
        effort,
        better=lambda choice, adds: quickened(problem, rows, adds, price, budget, choice),
    )
    if found is None or found.value > proven.value:
        found = proven if proven.value < np.inf else None
    bound = max(proven.bound, -np.inf if found is None else found.bound)
    return found and replace(found, bound=min(found.value, bound))


def _price(programme: Programme, *, alone: bool = False) -> Floats | None:
    """Of each resource, as of `latency_bound`. None: nothing keeps to the budget. alone: without scipy."""
    prices = programme.latency_prices(alone=alone)
    return None if prices is None else np.maximum(prices[0], 0.0)


def _no_more_than(work: int) -> Callable[[Found, int], None]:
    """For `shortest`: gives up after so many beginnings."""

    def spend(_: Found, more: int) -> None:
        nonlocal work
        work -= more
        if work < 0:
            raise GivenUp

    return spend


def latency_prices(
    problem: Problem, rows: list[Ints], budget: Floats
) -> tuple[Floats, Floats] | None:
    """What a unit of each resource is worth in cycles of the relaxed longest path, and the weight of each table in it.

    The weights are a flow of 1 along the paths: no longest path is shorter than the weighted sum of latencies. None: nothing
    keeps to the budget.
    """
    programme = Programme(problem, rows, paths=True)
    programme.keep_to(Limits(budget))
    return programme.latency_prices()


def least_stretch(
    problem: Problem,
    rows: list[Ints],
    budget: Floats,
    effort: int,
    *,
    least: float = 1.0,
    gap: float = STRETCH_GAP,
) -> Found | None:
    """The choice that needs the smallest factor on the budget, `least` when less would do, to within the gap.

    A budget of nothing grows to nothing: None when something of it is needed.
    """
    programme = Programme(problem, rows)
    factor = programme.new_variable(low=least)
    for resource in np.flatnonzero(np.isfinite(budget)):
        programme.add(
            np.append(programme.users, factor),
            np.append(programme.use[:, resource], -float(budget[resource])),
            high=0.0,
        )
    return minimise(programme, programme.objective(factor), effort, gap=gap)
