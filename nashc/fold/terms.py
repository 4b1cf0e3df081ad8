"""What a choice of rows is held to and judged by, whatever its goal: a budget, and what is liked better within it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from nashc.fold import exact, tied
from nashc.fold.programme import Found, Limits
from nashc.fold.proof import Further
from nashc.fold.quick import Prices, fit
from nashc.fold.tables import Floats, Ints, Problem

LEEWAY = 1.02
"""How far above its smallest the largest share of the budget may be: its last hundredths are dear in all else.

ResNet50 at 300 fps on a U250, converters counted: 6,002 DSPs for a share of 54.0 %, 1,010 for 55.1 %.
"""


@dataclass(frozen=True, eq=False)
class Terms:
    """A budget and preferences; rows are given as those of each table that may be taken.

    budget: [resources], inf where free. prefer: weights [resources], the first decides, later ones break ties.
    is_even: before these the largest share of the budget decides (to within LEEWAY of its smallest), because a
    board that is full of one thing cannot be wired.
    effort: nodes of each search tree; if they do not suffice, a gap says how far from optimal the answer may be.
    further: goes on from there.
    """

    budget: Floats
    prefer: tuple[Floats, ...]
    is_even: bool
    effort: int
    further: Further | None

    def some_fit(self, problem: Problem, rows: list[Ints]) -> Ints | Prices | None:
        """A choice within the budget; None or prices: proven that there is none. Errors: Undecided."""
        if problem.links:
            return tied.any_fit(problem, rows, self.budget, self.effort)
        found = fit(problem, rows, self.budget)
        if found is not None:
            return found
        return exact.any_fit(problem, rows, Limits(self.budget), self.effort)

    def least(
        self, problem: Problem, rows: list[Ints], known: Ints | None = None
    ) -> tuple[Ints, float] | None:
        """The choice within the budget that is liked best, and its gap; None: there is none. known: one that fits."""
        budget = self.budget
        if self.is_even and np.isfinite(budget).any():
            even = self._evenly(problem, rows)
            if even is None:
                return None
            known, budget = even
        if not problem.links:
            choice = self._liked_alone(problem, rows)
            if (problem.total(choice) <= budget).all():
                return choice, 0.0
        least_use = partial(self._least_use, problem, rows)
        return in_turn(self.prefer, problem, Limits(budget), known, least_use)

    def least_growth(self, problem: Problem, rows: list[Ints]) -> Ints:
        """The choice that needs the smallest factor on the budget.

        Where it must have what the budget has none of, that counts as a budget of one.
        """
        if not np.isfinite(self.budget).any():
            return np.array([found[0] for found in rows])
        if not problem.links:
            some = fit(problem, rows, self.budget)
            if isinstance(some, np.ndarray):
                return some  # a factor below one is none
        least_stretch = tied.least_stretch if problem.links else exact.least_stretch
        pairs = zip(problem.tables, rows, strict=True)
        needed = np.sum([table.use[kept].min(axis=0) for table, kept in pairs], axis=0)
        more = np.maximum(self.budget, 1.0)
        for budget in (self.budget, np.where(needed > 0, more, self.budget), more):
            found = least_stretch(problem, rows, budget, self.effort)
            if found is not None:
                return found.choice
        raise AssertionError(f"no choice takes so little that {more} could grow to it")

    def _evenly(self, problem: Problem, rows: list[Ints]) -> tuple[Ints, Floats] | None:
        """A choice that needs the smallest share of everything, and the budget cut to a little more of that.

        None: all of the budget does not do.
        """
        if not problem.links and isinstance(fit(problem, rows, self.budget), Prices):
            return None  # proven in milliseconds, where the smallest share takes a second
        least_stretch = (
            partial(tied.least_stretch, is_rough=True) if problem.links else exact.least_stretch
        )
        found = least_stretch(problem, rows, self.budget, self.effort, least=0.0)
        if found is None:
            return None
        choice, share = found.choice, found.bound * LEEWAY
        if growth(problem.total(choice), self.budget) > 1:
            some = None if found.bound > 1 else self.some_fit(problem, rows)
            if not isinstance(some, np.ndarray):
                return None
            choice = some
        cut = np.full_like(self.budget, np.inf)  # what is free stays free, though nothing is needed
        bounded = np.isfinite(self.budget)
        cut[bounded] = np.floor(self.budget[bounded] * share)
        return choice, np.minimum(self.budget, np.maximum(cut, problem.total(choice)))

    def _liked_alone(self, problem: Problem, rows: list[Ints]) -> Ints:
        """Of each table the row that is liked best."""
        return np.array(
            [
                found[np.lexsort([table.use[found] @ w for w in reversed(self.prefer)])[0]]
                for table, found in zip(problem.tables, rows, strict=True)
            ]
        )

    def _least_use(
        self,
        problem: Problem,
        rows: list[Ints],
        weights: Floats,
        limits: Limits,
        known: Ints | None,
    ) -> Found | None:
        """The least of one preference, with tied layers by their own search, else proven as far as is asked."""
        further = self.further
        if problem.links:
            return tied.least_use(
                problem, rows, weights, limits, self.effort, known, further=further
            )
        found = exact.least_use(problem, rows, weights, limits, self.effort, known)
        if found and further and found.gap > further.gap:
            return exact.prove_use(problem, rows, weights, limits, found, further)
        return found


def in_turn(
    prefer: tuple[Floats, ...],
    problem: Problem,
    limits: Limits,
    known: Ints | None,
    least_use: Callable[[Floats, Limits, Ints | None], Found | None],
) -> tuple[Ints, float] | None:
    """The least by the first weights, among these by the next, and the largest gap; None: nothing keeps to the limits.

    known: a choice that does. least_use: of some weights, within limits, from a known choice on.
    """
    gap, best = 0.0, known
    for weights in prefer:
        weights = weights / weights[weights > 0].min()
        found = least_use(weights, limits, best)
        if found is None:
            break
        best = found.choice
        gap = max(gap, found.gap)
        value = float(problem.total(best) @ weights)
        limits = replace(limits, at_most=(*limits.at_most, (weights, value)))
    return None if best is None else (best, zero_if_tiny(gap))


def growth(use: Floats, budget: Floats) -> float:
    """The factor by which a budget would have to grow for this use; inf where the budget has none of a thing."""
    used = use > 0
    if (budget[used] == 0).any():
        return float(np.inf)
    return float((use[used] / budget[used]).max(initial=0.0))


def zero_if_tiny(gap: float) -> float:
    """HiGHS closes the gap to within its tolerance, not to the last bit."""
    return 0.0 if gap < 1e-6 else gap
