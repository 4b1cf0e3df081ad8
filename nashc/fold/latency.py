"""The shortest longest path within a budget, and of the choices that have it the one that is liked best."""

from __future__ import annotations

import numpy as np

from nashc.fold import exact, tied_latency
from nashc.fold.highs import Undecided
from nashc.fold.paths import slack
from nashc.fold.programme import Found, Limits
from nashc.fold.tables import Floats, Ints, Problem
from nashc.fold.terms import Terms, in_turn

_EFFORT = 10
"""Paths tie all layers together: such searches are slow, and good long before they are proven."""

_FEW_ROWS = 1000
"""Up to here what uses least among equally quick choices is searched; else each layer is exchanged alone."""


def shortest(terms: Terms, problem: Problem, rows: list[Ints]) -> Found | None:
    """The choice of the shortest longest path within the budget; None: there is none. rows: of each table."""
    quickest = np.array(
        [
            found[table.latency[found].argmin()]
            for table, found in zip(problem.tables, rows, strict=True)
        ]
    )
    bound = problem.latency(quickest)
    if (problem.total(quickest) <= terms.budget).all():
        return Found(quickest, bound, bound)
    limits, further = Limits(terms.budget), terms.further
    least_latency = tied_latency.least_latency if problem.links else exact.least_latency
    try:
        found = least_latency(problem, rows, limits, min(terms.effort, _EFFORT))
    except Undecided:
        found = _some_within(terms, problem, rows, bound)
    if found and further and found.gap > further.gap:
        return exact.prove_latency(problem, rows, limits, found, further)
    return found


def liked_best(
    terms: Terms, problem: Problem, rows: list[Ints], found: Found
) -> tuple[Ints, float | None]:
    """A choice as quick as what was found that uses less, as far as `_FEW_ROWS` goes; how far from the least it can be.

    None: nothing is proven of that.
    """
    longest = problem.latency(found.choice)
    choice = _trimmed(terms, problem, rows, found.choice, longest)
    if found.gap > 0 or sum(map(len, rows)) > _FEW_ROWS:
        return choice, None
    limits, effort = Limits(terms.budget, longest=longest), min(terms.effort, _EFFORT)

    def least_use(weights: Floats, limits: Limits, known: Ints | None) -> Found:
        least = exact.least_use(problem, rows, weights, limits, effort, known)
        assert least is not None, known  # which keeps to the limits
        return least

    best = in_turn(terms.prefer, problem, limits, choice, least_use)
    assert best is not None
    return best


def _trimmed(
    terms: Terms, problem: Problem, rows: list[Ints], choice: Ints, longest: float
) -> Ints:
    """The choice with layers that need not be so quick exchanged, one by one, for what is liked better."""
    choice = choice.copy()
    after = problem.after or ((),) * len(choice)
    latency = [float(t.latency[row]) for t, row in zip(problem.tables, choice, strict=True)]
    liking = [[table.use @ weights for weights in terms.prefer] for table in problem.tables]
    spare = slack(after, latency, longest)
    for number, (table, kept) in enumerate(zip(problem.tables, rows, strict=True)):
        kept = kept[table.latency[kept] <= latency[number] + spare[number]]
        order = np.lexsort([values[kept] for values in reversed(liking[number])])
        for row in kept[order]:
            if row == choice[number]:
                break
            tried = choice.copy()
            tried[number] = row
            if (problem.total(tried) <= terms.budget).all():
                choice, latency[number] = tried, float(table.latency[row])
                spare = slack(after, latency, longest)
                break
    return choice


def _some_within(terms: Terms, problem: Problem, rows: list[Ints], bound: float) -> Found | None:
    """A choice within the budget that is quick on the whole; bound: the path that no budget would give."""
    size = np.where(np.isfinite(terms.budget), np.maximum(terms.budget, 1.0), np.inf)
    quickest = [t.latency[kept].min() for t, kept in zip(problem.tables, rows, strict=True)]
    total = max(sum(quickest), 1.0)
    for price in np.geomspace(1e-3, 1e6, 91):
        costs = (
            table.latency[kept] / total + price * (table.use[kept] / size).sum(axis=1)
            for table, kept in zip(problem.tables, rows, strict=True)
        )
        choice = np.array([kept[c.argmin()] for kept, c in zip(rows, costs, strict=True)])
        if (problem.total(choice) <= terms.budget).all():
            return Found(choice, problem.latency(choice), bound)
    choice_or_not = exact.any_fit(problem, rows, Limits(terms.budget), terms.effort)
    if choice_or_not is None:
        return None
    return Found(choice_or_not, problem.latency(choice_or_not), bound)
