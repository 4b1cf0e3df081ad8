"""The three goals, each answered with a proven optimum or with the nearest thing that can be had.

The slowest layer decides the throughput, so that for a given interval the layers are independent but for the
budget and the links. Hence: the shortest interval by bisection over the finitely many cycle counts; at that
interval the least use, layer by layer where the result fits, else exactly by HiGHS.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from nashc.fold import exact
from nashc.fold.prune import rows_worth_having
from nashc.fold.quick import Prices, fit
from nashc.fold.tables import Floats, Ints, Problem

_STEP_EFFORT = 100
"""What a step would cost is an outlook: good choices are found at once, only their proofs take long."""


@dataclass(frozen=True, eq=False)
class Step:
    """The next shorter interval, and what stands in its way.

    interval: None when no layer list has a shorter one. waiting: layers that would have to become faster.
    stuck: layers that have no row that fast. factor: by which the budget would have to grow, at the choice
    that needs the least growth that was found; use: of that choice. proof: prices that show that the budget does not do.
    """

    interval: float | None
    waiting: tuple[str, ...]
    stuck: tuple[str, ...] = ()
    factor: float = 1.0
    use: Floats | None = None
    proof: Prices | None = None


@dataclass(frozen=True, eq=False)
class Answer:
    """A choice of rows, one per table. gap: how far from optimal it can be at most, 0 when proven optimal."""

    choice: Ints
    interval: float
    latency: float
    use: Floats
    gap: float
    step: Step | None = None


@dataclass(frozen=True, eq=False)
class Shortage:
    """No choice does what was asked.

    stuck: layers without a row as fast as `interval`; then the budget was not looked at. Otherwise nearest: the
    choice that needs the smallest factor on the budget.
    """

    interval: float
    stuck: tuple[str, ...] = ()
    factor: float = 1.0
    nearest: Answer | None = None


@dataclass(frozen=True, eq=False)
class Question:
    """A problem with its budget and preferences.

    budget: [resources], inf where free. prefer: weights [resources], the first decides, later ones break ties.
    effort: nodes of each search tree; if they do not suffice, `gap` says how far from optimal the answer may be.
    """

    problem: Problem
    budget: Floats
    prefer: tuple[Floats, ...]
    effort: int = 2000
    _pruned: dict[bool, tuple[Problem, list[Ints]]] = field(default_factory=dict)

    def max_throughput(self, slowest: float = np.inf) -> Answer | Shortage:
        """The shortest interval within the budget, and at it the least use. slowest: no interval above this."""
        problem, _ = self._without_beaten_rows(latency_counts=False)
        if problem.shortest_interval > slowest:
            return Shortage(slowest, _stuck(problem, slowest))
        intervals = problem.intervals
        intervals = intervals[(intervals >= problem.shortest_interval) & (intervals <= slowest)]
        low, high = 0, len(intervals)  # intervals below low are not reached, from high on they are
        proven = 0  # intervals below this are proven not to fit
        proof: Prices | None = None
        while low < high:
            middle = (low + high) // 2
            try:
                found = self._fits(float(intervals[middle]))
            except exact.Undecided:
                low = middle + 1
                continue
            if isinstance(found, np.ndarray):
                high = int(np.searchsorted(intervals, problem.interval(found)))
            else:
                low = proven = middle + 1
                proof = found
        if high == len(intervals):
            return self._closest(float(intervals[-1]))
        answer = self.min_use(float(intervals[high]), proof)
        assert isinstance(answer, Answer)
        gap = 1 - float(intervals[proven]) / answer.interval
        return replace(answer, gap=max(answer.gap, gap)) if proven < high else answer

    def min_use(self, interval: float, proof: Prices | None = None) -> Answer | Shortage:
        """The least use at an interval that is no longer than this. proof: that a shorter one does not fit."""
        problem, _ = self._without_beaten_rows(latency_counts=False)
        rows = rows_worth_having(problem, interval, latency_counts=False)
        if not all(len(found) for found in rows):
            return Shortage(interval, _stuck(problem, interval))
        found = self._least(problem, rows, exact.Limits(self.budget))
        if found is None:
            return self._closest(interval)
        return self._answer(found, latency_counts=False, proof=proof)

    def min_latency(self, interval: float = np.inf) -> Answer | Shortage:
        """The shortest longest path within the budget, and at it the least use. interval: not to be exceeded."""
        problem, _ = self._without_beaten_rows(latency_counts=True)
        rows = rows_worth_having(problem, interval, latency_counts=True)
        if not all(len(found) for found in rows):
            return Shortage(interval, _stuck(problem, interval))
        quickest = np.array(
            [
                found[table.latency[found].argmin()]
                for table, found in zip(problem.tables, rows, strict=True)
            ]
        )
        if (problem.total(quickest) <= self.budget).all():
            shortest = exact.Found(quickest, problem.latency(quickest), problem.latency(quickest))
        else:
            limits = exact.Limits(self.budget)
            searched = exact.least_latency(problem, rows, limits, self.effort)
            if searched is None:
                return self._closest(interval)
            shortest = searched
        longest = problem.latency(shortest.choice)
        gap = max(0.0, (shortest.value - shortest.bound) / max(shortest.value, 1.0))
        try:
            found = self._least(problem, rows, exact.Limits(self.budget, longest=longest))
        except exact.Undecided:
            found = None
        choice = shortest.choice if found is None else found[0]
        return self._answer((choice, _zero_if_tiny(gap)), latency_counts=True)

    # ---- pieces ----------------------------------------------------------------------------------

    def _without_beaten_rows(self, *, latency_counts: bool) -> tuple[Problem, list[Ints]]:
        """The problem with the rows of the fronts alone, and which rows of the given tables these are."""
        if latency_counts not in self._pruned:
            rows = rows_worth_having(self.problem, None, latency_counts=latency_counts)
            self._pruned[latency_counts] = (self.problem.restricted(rows), rows)
        return self._pruned[latency_counts]

    def _fits(self, interval: float) -> Ints | Prices | None:
        """A choice at this interval within the budget; None or prices: proven that there is none."""
        problem, _ = self._without_beaten_rows(latency_counts=False)
        rows = rows_worth_having(problem, interval, latency_counts=False)
        found = fit(problem, rows, self.budget)
        if found is not None:
            return found
        return exact.any_fit(problem, rows, exact.Limits(self.budget), self.effort)

    def _least(
        self, problem: Problem, rows: list[Ints], limits: exact.Limits
    ) -> tuple[Ints, float] | None:
        """The choice that `prefer` likes best and its gap; None: nothing keeps to the limits."""
        if not problem.links and limits.longest is None:
            choice = np.array(
                [
                    found[np.lexsort([table.use[found] @ w for w in reversed(self.prefer)])[0]]
                    for table, found in zip(problem.tables, rows, strict=True)
                ]
            )
            if (problem.total(choice) <= self.budget).all():
                return choice, 0.0
        gap, best = 0.0, None
        for weights in self.prefer:
            weights = weights / weights[weights > 0].min()
            found = exact.least_use(problem, rows, weights, limits, self.effort)
            if found is None:
                break
            best = found.choice
            gap = max(gap, (found.value - found.bound) / max(found.value, 1.0))
            value = float(problem.total(best) @ weights)
            limits = exact.Limits(
                limits.budget, (*limits.at_most, (weights, value)), limits.longest
            )
        return None if best is None else (best, _zero_if_tiny(gap))

    def _answer(
        self, found: tuple[Ints, float], *, latency_counts: bool, proof: Prices | None = None
    ) -> Answer:
        problem, rows = self._without_beaten_rows(latency_counts=latency_counts)
        choice, gap = found
        used = problem.total(choice)
        assert (used <= self.budget).all(), (used, self.budget)
        interval = problem.interval(choice)
        step = self._next_step(problem, choice, interval, proof)
        return Answer(
            np.array([kept[row] for kept, row in zip(rows, choice, strict=True)]),
            interval,
            problem.latency(choice),
            used,
            gap,
            step,
        )

    def _next_step(
        self, problem: Problem, choice: Ints, interval: float, proof: Prices | None
    ) -> Step:
        shorter = problem.intervals[problem.intervals < interval]
        reachable = shorter[shorter >= problem.shortest_interval]
        if not len(reachable):
            stuck = _stuck(problem, interval - 0.5)
            return Step(None, stuck, stuck)
        target = float(reachable[-1])
        pairs = zip(problem.tables, choice, strict=True)
        waiting = tuple(table.name for table, row in pairs if table.cycles[row] > target)
        rows = rows_worth_having(problem, target, latency_counts=False)
        choice = replace(self, effort=min(self.effort, _STEP_EFFORT))._least_growth(problem, rows)
        used = problem.total(choice)
        return Step(target, waiting, (), max(1.0, growth(used, self.budget)), used, proof)

    def _closest(self, interval: float) -> Shortage:
        """The choice at this interval that needs the least growth of the budget, and of these the least use."""
        problem, rows = self._without_beaten_rows(latency_counts=False)
        useful = rows_worth_having(problem, interval, latency_counts=False)
        needed = problem.total(self._least_growth(problem, useful))
        factor = growth(needed, self.budget)
        grown = np.where(self.budget > 0, self.budget, np.inf) if factor == np.inf else self.budget
        grown = np.maximum(grown * max(1.0, growth(needed, grown)), needed)
        least = replace(self, budget=grown)._least(problem, useful, exact.Limits(grown))
        assert least is not None
        choice, gap = least
        used = problem.total(choice)
        given = np.array([kept[row] for kept, row in zip(rows, choice, strict=True)])
        nearest = Answer(given, problem.interval(choice), problem.latency(choice), used, gap)
        return Shortage(interval, factor=growth(used, self.budget), nearest=nearest)

    def _least_growth(self, problem: Problem, rows: list[Ints]) -> Ints:
        """The choice that needs the smallest factor on the budget; what the budget has none of only if it must."""
        if not np.isfinite(self.budget).any():
            return np.array([found[0] for found in rows])
        found = exact.least_stretch(problem, rows, self.budget, self.effort)
        if found is None:
            some = np.where(self.budget > 0, self.budget, np.inf)
            found = exact.least_stretch(problem, rows, some, self.effort)
        assert found is not None
        return found.choice


def growth(use: Floats, budget: Floats) -> float:
    """The factor by which a budget would have to grow for this use; inf where the budget has none of a thing."""
    used = use > 0
    if (budget[used] == 0).any():
        return float(np.inf)
    return float((use[used] / budget[used]).max(initial=0.0))


def _stuck(problem: Problem, interval: float) -> tuple[str, ...]:
    return tuple(table.name for table in problem.tables if table.cycles.min() > interval)


def _zero_if_tiny(gap: float) -> float:
    """HiGHS closes the gap to within its tolerance, not to the last bit."""
    return 0.0 if gap < 1e-6 else gap
