"""The three goals, each answered with a proven optimum or with the nearest thing that can be had.

The slowest layer decides the throughput, so that for a given interval the layers are independent but for the
budget and the links. Hence: the shortest interval by bisection over the finitely many cycle counts; at that
interval the least use, layer by layer where the result fits, else exactly by HiGHS.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from nashc.fold import exact, tied, tied_latency
from nashc.fold.highs import Undecided
from nashc.fold.paths import slack
from nashc.fold.programme import Found, Limits
from nashc.fold.proof import Further
from nashc.fold.prune import rows_worth_having
from nashc.fold.quick import Prices, fit
from nashc.fold.tables import Floats, Ints, Problem

_OUTLOOK_EFFORT = 100
"""What a step would cost is an outlook: good choices are found at once, only their proofs take long."""

_NEAREST_EFFORT = 1
"""Of the nearest choice, where nothing fits, the growth matters; nobody asks what it can do without."""

_PATH_EFFORT = 10
"""Paths tie all layers together: such searches are slow, and good long before they are proven."""


LEEWAY = 1.02
"""How far above its smallest the largest share of the budget may be: its last hundredths are dear in all else.

ResNet50 at 300 fps on a U250, converters counted: 6,002 DSPs for a share of 54.0 %, 1,010 for 55.1 %.
"""

_FEW_ROWS = 1000
"""Up to here what uses least among equally quick choices is searched; else each layer is exchanged alone."""


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
    """A choice of rows, one per table.

    gap: how far from optimal in what was asked for it can be at most, 0 when proven optimal. use_gap: how far from the least
    use among those that are as good in that; None where nothing is proven.
    """

    choice: Ints
    interval: float
    latency: float
    use: Floats
    gap: float
    step: Step | None = None
    use_gap: float | None = 0.0


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
    is_even: before these the largest share of the budget decides (to within LEEWAY of its smallest), because a
    board that is full of one thing cannot be wired.
    effort: nodes of each search tree; if they do not suffice, `gap` says how far from optimal the answer may be.
    further: goes on from there.
    """

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
        found = self._least(problem, rows, Limits(self.budget))
        if found is None:
            return self._closest(interval)
        return self._answer(found, latency_counts=False, proof=proof)

    def min_latency(self, interval: float = np.inf) -> Answer | Shortage:
        """The shortest longest path within the budget, and at it the least use, as far as `_FEW_ROWS` goes.

        interval: not to be exceeded.
        """
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
            shortest = Found(quickest, problem.latency(quickest), problem.latency(quickest))
        else:
            limits, effort = Limits(self.budget), min(self.effort, _PATH_EFFORT)
            least_latency = tied_latency.least_latency if problem.links else exact.least_latency
            try:
                searched = least_latency(problem, rows, limits, effort)
            except Undecided:
                searched = self._some_latency(problem, rows, problem.latency(quickest))
            if searched is None:
                return self._closest(interval)
            shortest = searched
            if self.further and shortest.gap > self.further.gap:
                shortest = exact.prove_latency(problem, rows, limits, shortest, self.further)
        longest = problem.latency(shortest.choice)
        gap = shortest.gap
        choice = self._trimmed(problem, rows, shortest.choice, longest)
        use_gap: float | None = None
        if gap == 0 and sum(map(len, rows)) <= _FEW_ROWS:
            limits, effort = (
                Limits(self.budget, longest=longest),
                min(self.effort, _PATH_EFFORT),
            )
            use_gap = 0.0
            for weights in self.prefer:
                weights = weights / weights[weights > 0].min()
                least = exact.least_use(problem, rows, weights, limits, effort, choice)
                assert least is not None
                use_gap = max(use_gap, least.gap)
                choice = least.choice
                value = float(problem.total(choice) @ weights)
                limits = replace(limits, at_most=(*limits.at_most, (weights, value)))
        answer = self._answer((choice, _zero_if_tiny(gap)), latency_counts=True)
        return replace(answer, use_gap=None if use_gap is None else _zero_if_tiny(use_gap))

    def _trimmed(self, problem: Problem, rows: list[Ints], choice: Ints, longest: float) -> Ints:
        """The choice with layers that need not be so quick exchanged, one by one, for what is liked better."""
        choice = choice.copy()
        after = problem.after or ((),) * len(choice)
        latency = [float(t.latency[row]) for t, row in zip(problem.tables, choice, strict=True)]
        liking = [[table.use @ weights for weights in self.prefer] for table in problem.tables]
        for number, (table, kept) in enumerate(zip(problem.tables, rows, strict=True)):
            spare = slack(after, latency, longest)[number]
            kept = kept[table.latency[kept] <= latency[number] + spare]
            order = np.lexsort([values[kept] for values in reversed(liking[number])])
            for row in kept[order]:
                if row == choice[number]:
                    break
                tried = choice.copy()
                tried[number] = row
                if (problem.total(tried) <= self.budget).all():
                    choice, latency[number] = tried, float(table.latency[row])
                    break
        return choice

    def _some_latency(self, problem: Problem, rows: list[Ints], bound: float) -> Found | None:
        """A choice within the budget that is quick on the whole; bound: the path that no budget would give."""
        size = np.where(np.isfinite(self.budget), np.maximum(self.budget, 1.0), np.inf)
        quickest = [t.latency[kept].min() for t, kept in zip(problem.tables, rows, strict=True)]
        total = max(sum(quickest), 1.0)
        for price in np.geomspace(1e-3, 1e6, 91):
            costs = (
                table.latency[kept] / total + price * (table.use[kept] / size).sum(axis=1)
                for table, kept in zip(problem.tables, rows, strict=True)
            )
            choice = np.array([kept[c.argmin()] for kept, c in zip(rows, costs, strict=True)])
            if (problem.total(choice) <= self.budget).all():
                return Found(choice, problem.latency(choice), bound)
        choice_or_not = exact.any_fit(problem, rows, Limits(self.budget), self.effort)
        if choice_or_not is None:
            return None
        return Found(choice_or_not, problem.latency(choice_or_not), bound)

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
        return self._some_fit(problem, rows)

    def _some_fit(self, problem: Problem, rows: list[Ints]) -> Ints | Prices | None:
        if problem.links:
            return tied.any_fit(problem, rows, self.budget, self.effort)
        found = fit(problem, rows, self.budget)
        if found is not None:
            return found
        return exact.any_fit(problem, rows, Limits(self.budget), self.effort)

    def _least(
        self,
        problem: Problem,
        rows: list[Ints],
        limits: Limits,
        known: Ints | None = None,
    ) -> tuple[Ints, float] | None:
        """The choice that is liked best and its gap; None: nothing keeps to the limits. known: a choice that does."""
        if self.is_even and limits.longest is None and np.isfinite(self.budget).any():
            even = self._evenly(problem, rows)
            if even is None:
                return None
            known, cut = even
            limits = replace(limits, budget=cut)
        budget = self.budget if limits.budget is None else limits.budget
        if not problem.links and limits.longest is None:
            choice = np.array(
                [
                    found[np.lexsort([table.use[found] @ w for w in reversed(self.prefer)])[0]]
                    for table, found in zip(problem.tables, rows, strict=True)
                ]
            )
            if (problem.total(choice) <= budget).all():
                return choice, 0.0
        further = self.further
        least_use = partial(tied.least_use, further=further) if problem.links else exact.least_use
        gap, best = 0.0, known
        for weights in self.prefer:
            weights = weights / weights[weights > 0].min()
            found = least_use(problem, rows, weights, limits, self.effort, best)
            if found is None:
                break
            if further and not problem.links and found.gap > further.gap:
                found = exact.prove_use(problem, rows, weights, limits, found, further)
            best = found.choice
            gap = max(gap, found.gap)
            value = float(problem.total(best) @ weights)
            limits = Limits(limits.budget, (*limits.at_most, (weights, value)), limits.longest)
        return None if best is None else (best, _zero_if_tiny(gap))

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
            some = None if found.bound > 1 else self._some_fit(problem, rows)
            if not isinstance(some, np.ndarray):
                return None
            choice = some
        cut = np.full_like(self.budget, np.inf)  # what is free stays free, though nothing is needed
        bounded = np.isfinite(self.budget)
        cut[bounded] = np.floor(self.budget[bounded] * share)
        return choice, np.minimum(self.budget, np.maximum(cut, problem.total(choice)))

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
        outlook = replace(self, effort=min(self.effort, _OUTLOOK_EFFORT))
        choice = outlook._least_growth(problem, rows)
        used = problem.total(choice)
        return Step(target, waiting, (), max(1.0, growth(used, self.budget)), used, proof)

    def _closest(self, interval: float) -> Shortage:
        """The choice at this interval that needs the least growth of the budget, and of these the least use."""
        problem, rows = self._without_beaten_rows(latency_counts=False)
        useful = rows_worth_having(problem, interval, latency_counts=False)
        smallest = self._least_growth(problem, useful)
        needed = problem.total(smallest)
        grown = np.where(needed > 0, np.maximum(self.budget, 1.0), self.budget)
        grown = np.maximum(grown * max(1.0, growth(needed, grown)), needed)
        effort = _NEAREST_EFFORT if problem.links else self.effort
        least = replace(self, budget=grown, is_even=False, effort=effort, further=None)._least(
            problem, useful, Limits(grown), smallest
        )
        assert least is not None
        choice, gap = least
        used = problem.total(choice)
        reached = problem.interval(choice)
        given = self._narrowest(rows, choice, reached, latency_counts=False)
        nearest = Answer(given, reached, self.problem.latency(given), used, gap)
        return Shortage(interval, factor=growth(used, self.budget), nearest=nearest)

    def _least_growth(self, problem: Problem, rows: list[Ints]) -> Ints:
        """The choice that needs the smallest factor on the budget.

        Where it must have what the budget has none of, that counts as a budget of one.
        """
        if not np.isfinite(self.budget).any():
            return np.array([found[0] for found in rows])
        least_stretch = tied.least_stretch if problem.links else exact.least_stretch
        pairs = zip(problem.tables, rows, strict=True)
        needed = np.sum([table.use[kept].min(axis=0) for table, kept in pairs], axis=0)
        some = np.maximum(self.budget, 1.0)
        for budget in (self.budget, np.where(needed > 0, some, self.budget), some):
            found = least_stretch(problem, rows, budget, self.effort)
            if found is not None:
                return found.choice
        raise AssertionError(f"no choice takes so little that {some} could grow to it")


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
