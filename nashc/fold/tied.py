"""Questions about layers that converters tie together: prices choose the widths of the streams, HiGHS the rest.

exact.py's programme has a variable for every pair of widths of every stream, and is slow where all streams have one. Here prices on
what is limited decide first. At given prices the best choice is found at once (streams.py), and what it costs, less what
the limits are worth, is a bound that no choice within them beats (Fisher, Management Science 27, 1981). The best prices are
found by cutting planes (Kelley, J. SIAM 8, 1960): a linear programme with as many unknowns as there are limits, over the choices
seen so far, tells where to ask next. From the stream widths of the cheapest choice HiGHS goes to better ones without
having to decide about pairs of them (pinned.py), and what is left between that choice and the bound is closed by parts (branch.py).
`bound` tells how far from optimal the answer can be still; small problems go to HiGHS as they are.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import numpy as np

from nashc.fold import exact
from nashc.fold.branch import Branches, best_prices
from nashc.fold.highs import Undecided
from nashc.fold.pinned import Ask, better
from nashc.fold.programme import Found, Limits
from nashc.fold.proof import NOTHING, Further
from nashc.fold.quick import Prices
from nashc.fold.streams import Streams
from nashc.fold.tables import Floats, Ints, Problem

ROUNDS = 40
_CLOSE = 1e-6
"""Prices are good enough when no others promise a bound that is better by more than this share."""
WAY = np.array([[0.1], [0.3], [0.6], [1.0]])
"""Where to ask between the best prices so far and those that promise most, all at once."""
_FEW_ROWS = 400
SHARE_GAP = 1e-2
"""How near the smallest largest share is near enough where more is allowed anyway."""
USE_GAP = 1e-3
"""The least use is found to a tenth of a per cent: the last bit of the proof takes seconds."""
_USUAL_ROWS = 8000
_STARTS = 2
"""So many of the cheapest choices lend their widths, if need be."""
_EFFORT = 30
"""Nodes of HiGHS for one question with pinned widths."""


def any_fit(
    problem: Problem, rows: list[Ints], budget: Floats, effort: int
) -> Ints | Prices | None:
    """Some choice within the budget, or None or prices: proven that there is none. Errors: Undecided."""
    limits = Limits(budget)
    if is_small(rows):
        return exact.any_fit(problem, rows, limits, effort)
    priced = _priced(problem, rows, limits)
    if priced is None:
        return None
    priced.seek_share(enough=1.0)
    if priced.bound > 1 + _CLOSE:
        if (budget == 0).any():
            return None  # rows that take some of it were left out, which no price tells
        price, bounded = priced.price @ priced.limits, np.isfinite(budget)
        return Prices(price, priced.bound, float(price[bounded] @ budget[bounded]))
    found = priced.least_share(budget, 1.0, 0.0)
    if found.value > 1:
        raise Undecided
    return found.choice


def least_stretch(
    problem: Problem,
    rows: list[Ints],
    budget: Floats,
    effort: int,
    *,
    least: float = 1.0,
    is_rough: bool = False,
) -> Found | None:
    """As exact.least_stretch, but `bound` may be further away than STRETCH_GAP.

    is_rough: SHARE_GAP will do, but not more than all of the budget; anything if that does not do.
    """
    if is_small(rows):
        return exact.least_stretch(problem, rows, budget, effort, least=least)
    priced = _priced(problem, rows, Limits(budget))
    if priced is None:
        return None
    priced.seek_share(enough=least)
    gap = exact.STRETCH_GAP
    if is_rough:
        spare = 1 / priced.bound - 1 if priced.bound else np.inf
        gap = min(SHARE_GAP, spare) if spare >= 0 else np.inf
    return priced.least_share(budget, least, gap)


def least_use(
    problem: Problem,
    rows: list[Ints],
    weights: Floats,
    limits: Limits,
    effort: int,
    known: Ints | None = None,
    further: Further | None = None,
) -> Found | None:
    """As exact.least_use where the longest path does not matter, to within USE_GAP or as far as the effort goes.

    effort: parts that the problem is split into, more where rows are few. further: goes on from there, for as long as a
    number of alike layers is left to split by. Errors: Undecided, never where a choice is known.
    """
    if is_small(rows):
        found = exact.least_use(problem, rows, weights, limits, effort, known)
        if found is not None and further is not None and found.gap > further.gap:
            return exact.prove_use(problem, rows, weights, limits, found, further)
        return found
    priced = _priced(problem, rows, limits)
    if priced is None:
        return None
    if known is not None:
        priced.see(known)
    priced.seek_share(enough=1.0)
    if priced.bound > 1 + _CLOSE:
        return None
    best = priced.least_use(weights, limits)
    if best.value == np.inf:
        raise Undecided
    parts = effort * max(1, _USUAL_ROWS // sum(map(len, rows)))
    branches = priced.branches(weights, best)
    if further is None:
        return branches.close(best, priced.price, parts, USE_GAP)
    gap = max(further.gap, NOTHING)
    return branches.close(best, priced.price, np.inf, gap, further.go_on)


class _Priced:
    """A problem, the best prices on its limits, and the choices seen on the way to them.

    limits: [limits, resources]; use times limits is at most 1. price: [limits], at which `bound` holds. direction:
    [resources], what a choice pays for its use at those prices.
    """

    def __init__(self, problem: Problem, rows: list[Ints], limits: Floats) -> None:
        self.problem, self.rows, self.limits = problem, rows, limits
        self._streams = Streams(problem, rows)
        self._seen: list[Ints] = []
        self._used: list[Floats] = []
        self._begin()

    def _begin(self) -> None:
        self.bound, self.price = -np.inf, np.zeros(len(self.limits))
        self.direction = np.zeros(len(self.problem.resources))

    def seek_share(self, enough: float) -> None:
        """Prices that add up to 1: a choice's largest share of a limit is at least what it pays. enough: needs no proof."""
        count = len(self.limits)
        if not count:
            self._ask(np.ones((1, len(self.problem.resources))))
            self.bound = 0.0
            return
        asked = np.vstack([np.eye(count), np.full((1, count), 1 / count)])
        for _ in range(ROUNDS):
            self._keep(self._ask(asked @ self.limits), asked, asked @ self.limits)
            shares = np.array(self._used) @ self.limits.T
            least = float(shares.max(axis=1).min())
            if least <= max(enough, self.bound * (1 + _CLOSE)) or self.bound > enough > 0:
                return
            promised, there, _ = best_prices(np.zeros(len(shares)), shares, np.zeros(0))
            if promised <= self.bound * (1 + _CLOSE):
                return
            asked = self.price + WAY * (there - self.price)

    def seek_use(self, weights: Floats) -> None:
        """Prices on top of the weights: what a choice within the limits weighs is at least what it pays, less the prices."""
        self._begin()
        asked = np.zeros((1, len(self.limits)))
        for _ in range(ROUNDS):
            directions = weights + asked @ self.limits
            self._keep(self._ask(directions) - asked.sum(axis=1), asked, directions)
            costs, shares = np.array(self._used) @ weights, np.array(self._used) @ self.limits.T
            least = float(costs[(shares <= 1).all(axis=1)].min(initial=np.inf))
            if least <= self.bound + _CLOSE * max(1.0, self.bound):
                return
            promised, there, _ = best_prices(costs, shares, np.ones(len(self.limits)))
            if promised <= self.bound + _CLOSE * max(1.0, self.bound):
                return
            asked = self.price + WAY * (there - self.price)

    def least_share(self, budget: Floats, least: float, gap: float) -> Found:
        """The choice with the smallest largest share of the budget, `least` when less would do; after `seek_share`."""
        best = self._best(lambda use: max(least, self.share(use)))
        enough = max(least, best.bound * (1 + gap))

        def ask(unlinked: Problem, rows: list[Ints]) -> Found | None:
            return exact.least_stretch(
                unlinked, rows, budget, _EFFORT, least=least, gap=max(gap / 2, _CLOSE)
            )

        return better(self.problem, self.rows, best, self._cheapest(), _undisturbed(ask), enough)

    def least_use(self, weights: Floats, limits: Limits) -> Found:
        """The choice within the limits with the smallest weighted use, inf if none is found, and its bound."""
        self.seek_use(weights)
        best = self._best(lambda use: float(use @ weights) if self.share(use) <= 1 else np.inf)
        enough = best.bound * (1 + USE_GAP)

        def ask(unlinked: Problem, rows: list[Ints]) -> Found | None:
            return exact.least_use(unlinked, rows, weights, limits, _EFFORT, gap=USE_GAP / 2)

        return better(self.problem, self.rows, best, self._cheapest(), _undisturbed(ask), enough)

    def share(self, use: Floats) -> float:
        """The largest share of a limit that a use takes."""
        return float((self.limits @ use).max(initial=0.0))

    def _best(self, value: Callable[[Floats], float]) -> Found:
        """Of the choices seen the one with the smallest value, inf where none will do."""
        values = [value(use) for use in self._used]
        index = int(np.argmin(values))
        return Found(self._seen[index], values[index], min(self.bound, values[index]))

    def branches(self, weights: Floats, best: Found) -> Branches:
        """What is left to search: rows that can be part of something better, by their prices."""
        most = best.value + float(self.price.sum())
        rows = self._streams.rows_within(self.direction, most + _CLOSE * abs(most))
        return Branches(self.problem, rows, weights, self.limits, self._seen)

    def _cheapest(self) -> list[Ints]:
        """Of the choices seen those that pay least at the best prices."""
        paid = np.array(self._used) @ self.direction
        found = {self._seen[i].tobytes(): self._seen[i] for i in paid.argsort(kind="stable")}
        return list(found.values())[:_STARTS]

    def _ask(self, directions: Floats) -> Floats:
        """The least that a choice pays at each of the prices, [n, resources]; the choices are kept."""
        choices, values = self._streams.cheapest(directions)
        for choice in choices:
            self.see(choice)
        return values

    def see(self, choice: Ints) -> None:
        self._seen.append(choice)
        self._used.append(self.problem.total(choice))

    def _keep(self, bounds: Floats, asked: Floats, directions: Floats) -> None:
        best = int(bounds.argmax())
        if bounds[best] > self.bound:
            self.bound, self.price = float(bounds[best]), asked[best]
            self.direction = directions[best]


def _priced(problem: Problem, rows: list[Ints], limits: Limits) -> _Priced | None:
    """None: what must not be used at all must be."""
    free = np.full(len(problem.resources), np.inf)
    budget = free if limits.budget is None else limits.budget
    bounded = np.flatnonzero(np.isfinite(budget))
    weights = [*np.eye(len(budget))[bounded], *(weights for weights, _ in limits.at_most)]
    values = [*budget[bounded], *(value for _, value in limits.at_most)]
    some: list[Floats] = []
    for weight, value in zip(weights, values, strict=True):
        if value > 0:
            some.append(weight / value)
            continue
        rows = [
            kept[table.use[kept] @ weight == 0]
            for table, kept in zip(problem.tables, rows, strict=True)
        ]
        some.append(2 * weight)  # use is in whole numbers: at most a half is none
    if not all(len(kept) for kept in rows):
        return None
    return _Priced(problem, rows, np.array(some).reshape(len(some), len(budget)))


def _undisturbed(ask: Ask) -> Ask:
    """The question, with no answer where the effort did not suffice."""

    def asked(problem: Problem, rows: list[Ints]) -> Found | None:
        with contextlib.suppress(Undecided):
            return ask(problem, rows)
        return None

    return asked


def is_small(rows: list[Ints]) -> bool:
    return sum(map(len, rows)) <= _FEW_ROWS
