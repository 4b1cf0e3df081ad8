"""The three goals, each answered with a proven optimum or with the nearest thing that can be had.

The slowest layer decides the throughput, so that for a given interval the layers are independent but for the
budget and the links. Hence: the shortest interval by bisection over the finitely many cycle counts; at that
interval the least use, layer by layer where the result fits, else exactly by HiGHS.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from nashc.fold import latency
from nashc.fold.answer import Answer, Shortage, Step
from nashc.fold.highs import Undecided
from nashc.fold.proof import Further
from nashc.fold.prune import rows_worth_having
from nashc.fold.quick import Prices
from nashc.fold.tables import Floats, Ints, Problem
from nashc.fold.terms import Terms, growth, zero_if_tiny

_OUTLOOK_EFFORT = 100
"""What a step would cost is an outlook: good choices are found at once, only their proofs take long."""

_NEAREST_EFFORT = 1
"""Of the nearest choice, where nothing fits, the growth matters; nobody asks what it can do without."""


@dataclass(frozen=True, eq=False)
class Question:
    """A problem with its budget and preferences, which are as those of `Terms`."""

    problem: Problem
    budget: Floats
    prefer: tuple[Floats, ...]
    is_even: bool = False
    effort: int = 2000
    further: Further | None = None
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
        middle = 0  # often no budget binds
        while low < high:
            try:
                found = self._fits(float(intervals[middle]))
            except Undecided:
                low = middle + 1
            else:
                if isinstance(found, np.ndarray):
                    high = int(np.searchsorted(intervals, problem.interval(found)))
                else:
                    low = proven = middle + 1
                    proof = found
            middle = (low + high) // 2
        if high == len(intervals):
            return self._closest(float(intervals[-1]))
        answer = self.min_use(float(intervals[high]), proof)
        assert isinstance(answer, Answer)
        gap = 1 - float(intervals[proven]) / answer.interval if proven < high else 0.0
        return replace(answer, gap=gap)

    def can_fit(self) -> bool:
        """Whether some choice keeps to the budget, however slow it is; True where that is not decided."""
        try:
            return isinstance(self._fits(np.inf), np.ndarray)
        except Undecided:
            return True

    def min_use(self, interval: float, proof: Prices | None = None) -> Answer | Shortage:
        """The least use at an interval that is no longer than this. proof: that a shorter one does not fit."""
        problem, _ = self._without_beaten_rows(latency_counts=False)
        rows = rows_worth_having(problem, interval, latency_counts=False)
        if not all(len(found) for found in rows):
            return Shortage(interval, _stuck(problem, interval))
        found = self._terms.least(problem, rows)
        if found is None:
            return self._closest(interval)
        return self._answer(found, latency_counts=False, proof=proof)

    def min_latency(self, interval: float = np.inf) -> Answer | Shortage:
        """The shortest longest path within the budget, and at it the least use, as far as `latency.liked_best` goes.

        interval: not to be exceeded.
        """
        problem, _ = self._without_beaten_rows(latency_counts=True)
        rows = rows_worth_having(problem, interval, latency_counts=True)
        if not all(len(found) for found in rows):
            return Shortage(interval, _stuck(problem, interval))
        found = latency.shortest(self._terms, problem, rows)
        if found is None:
            return self._closest(interval)
        choice, use_gap = latency.liked_best(self._terms, problem, rows, found)
        answer = self._answer((choice, zero_if_tiny(found.gap)), latency_counts=True)
        return replace(answer, use_gap=use_gap)

    # ---- pieces ----------------------------------------------------------------------------------

    @property
    def _terms(self) -> Terms:
        return Terms(self.budget, self.prefer, self.is_even, self.effort, self.further)

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
        return self._terms.some_fit(problem, rows)

    def _answer(
        self, found: tuple[Ints, float], *, latency_counts: bool, proof: Prices | None = None
    ) -> Answer:
        problem, rows = self._without_beaten_rows(latency_counts=latency_counts)
        choice, gap = found
        used = problem.total(choice)
        assert (used <= self.budget).all(), (used, self.budget)
        interval = problem.interval(choice)
        step = self._next_step(problem, choice, interval, proof)
        given = self._narrowest(rows, choice, interval, latency_counts=latency_counts)
        return Answer(given, interval, self.problem.latency(given), used, gap, step, gap)

    def _narrowest(
        self, rows: list[Ints], choice: Ints, interval: float, *, latency_counts: bool
    ) -> Ints:
        """The choice in the rows of the given tables, each exchanged for the narrowest that is as good."""
        given = np.array([kept[row] for kept, row in zip(rows, choice, strict=True)])
        for number, (table, row) in enumerate(zip(self.problem.tables, given, strict=True)):
            good = (table.use <= table.use[row]).all(axis=1) & (table.cycles <= interval)
            if latency_counts:
                good &= table.latency <= table.latency[row]
            for port in self.problem.ports[number]:
                good &= port == port[row]
            candidates = np.flatnonzero(good)
            given[number] = candidates[table.lanes[candidates].argmin()]
        return given

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
        outlook = replace(self._terms, effort=min(self.effort, _OUTLOOK_EFFORT))
        used = problem.total(outlook.least_growth(problem, rows))
        return Step(target, waiting, (), max(1.0, growth(used, self.budget)), used, proof)

    def _closest(self, interval: float) -> Shortage:
        """The choice at this interval that needs the least growth of the budget, and of these the least use."""
        problem, rows = self._without_beaten_rows(latency_counts=False)
        useful = rows_worth_having(problem, interval, latency_counts=False)
        smallest = self._terms.least_growth(problem, useful)
        needed = problem.total(smallest)
        grown = np.where(needed > 0, np.maximum(self.budget, 1.0), self.budget)
        grown = np.maximum(grown * max(1.0, growth(needed, grown)), needed)
        effort = _NEAREST_EFFORT if problem.links else self.effort
        terms = Terms(grown, self.prefer, is_even=False, effort=effort, further=None)
        least = terms.least(problem, useful, smallest)
        assert least is not None
        choice, gap = least
        used = problem.total(choice)
        reached = problem.interval(choice)
        given = self._narrowest(rows, choice, reached, latency_counts=False)
        nearest = Answer(given, reached, self.problem.latency(given), used, gap)
        return Shortage(interval, factor=growth(used, self.budget), nearest=nearest)


def _stuck(problem: Problem, interval: float) -> tuple[str, ...]:
    return tuple(table.name for table in problem.tables if table.cycles.min() > interval)
