"""The shortest longest path where converters tie layers together: as tied.py, with prices on cycles as well.

What a unit of the budget is worth in cycles, and how much each layer's latency counts (a flow of 1 along the paths, so that no
longest path is shorter than the weighted sum), are the duals of a linear programme over mixtures of the choices seen so far
(Dantzig and Wolfe, Operations Research 8, 1960). At these prices streams.py gives a bound and another choice. The first prices
are those of the same question without converters, which are nearly right.
"""

from __future__ import annotations

import contextlib
import itertools
from dataclasses import replace

import numpy as np

from nashc.fold import exact
from nashc.fold.exchange import quickened
from nashc.fold.highs import Undecided
from nashc.fold.pinned import colours, pinned
from nashc.fold.programme import Found, Limits
from nashc.fold.prune import rows_worth_having
from nashc.fold.streams import Streams
from nashc.fold.tables import Floats, Ints, Problem
from nashc.fold.tied import ROUNDS, WAY, is_small

_CLOSE = 1e-4
"""The search among rows leaves more open than what better prices could still promise."""
_TOO_MUCH = 1e3
"""What a budget that is exceeded by all of itself costs, in longest paths: choices that fit are sought first."""


def least_latency(problem: Problem, rows: list[Ints], limits: Limits, effort: int) -> Found | None:
    """As exact.least_latency, for a budget that bounds something. Errors: Undecided."""
    assert limits.budget is not None
    if is_small(rows):
        return exact.least_latency(problem, rows, limits, effort)
    loose = replace(problem, links=()).restricted(rows)
    few = rows_worth_having(loose, np.inf, latency_counts=True)
    first = exact.latency_prices(loose, few, limits.budget)
    if first is None:
        return None
    mixture = _Mixture(problem, rows, limits.budget)
    mixture.improve(*first)
    best = mixture.best()
    near = _with_widths_of(problem, rows, mixture.parts())
    with contextlib.suppress(Undecided):
        found = exact.least_latency(problem, near, limits, effort)
        if found is not None and (best is None or found.value < best.value):
            best = found
    if best is None:
        raise Undecided
    choice = _widened(problem, rows, mixture, limits.budget, best.choice)
    value = problem.latency(choice)
    return Found(choice, value, min(value, mixture.bound))


def _with_widths_of(problem: Problem, rows: list[Ints], choices: list[Ints]) -> list[Ints]:
    """For each table the rows with the stream widths that it has in one of the choices."""
    chosen = np.array(choices)
    found = []
    for table, (kept, seen) in enumerate(zip(rows, problem.ports, strict=True)):
        widths = np.stack([np.zeros(len(problem.tables[table]), dtype=np.int64), *seen])
        wanted = np.unique(widths[:, chosen[:, table]], axis=1)
        is_wanted = (widths[:, kept, None] == wanted[:, None]).all(axis=0).any(axis=1)
        found.append(kept[is_wanted])
    return found


def _widened(
    problem: Problem, rows: list[Ints], mixture: _Mixture, budget: Floats, choice: Ints
) -> Ints:
    """The choice after exchanges that change stream widths too, of one colour of layers at a time (pinned.py)."""
    price, weights = mixture.prices
    groups = colours(problem, rows)
    turns, idle = itertools.cycle(groups), 0
    while idle < len(groups):
        unlinked, few = pinned(problem, rows, choice, next(turns), latency_counts=True)
        costs = [
            table.use[kept] @ price + weight * table.latency[kept]
            for table, kept, weight in zip(unlinked.tables, few, [*weights, 0.0], strict=True)
        ]
        adds = np.concatenate([cost - cost.min() for cost in costs])
        found = quickened(unlinked, few, adds, price, budget, np.append(choice, 0))[:-1]
        idle = 0 if problem.latency(found) < problem.latency(choice) else idle + 1
        choice = found
    return choice


class _Mixture:
    """Choices seen, and the mixture of them with the shortest relaxed longest path."""

    def __init__(self, problem: Problem, rows: list[Ints], budget: Floats) -> None:
        self.bound = 0.0
        self.prices = np.zeros(len(budget)), np.zeros(len(rows))
        self._problem, self._budget = problem, budget
        self._bounded = np.flatnonzero(np.isfinite(budget))
        self._size = np.maximum(budget[self._bounded], 0.5)  # use is in whole numbers
        self._streams = Streams(problem, rows)
        self._seen: list[Ints] = []
        self._used: list[Floats] = []
        self._latency: list[Floats] = []
        self._shares = np.zeros(0)

    def improve(self, prices: Floats, weights: Floats) -> None:
        """From these prices to the best, see `_ask`; nearly, when no others promise a better bound by more than `_CLOSE`."""
        asked = prices[None], weights[None]
        best = self.prices = prices, weights
        for _ in range(ROUNDS):
            bounds = self._ask(*asked)
            if bounds.max() > self.bound:
                self.bound = float(bounds.max())
                best = self.prices = asked[0][bounds.argmax()], asked[1][bounds.argmax()]
            promised, prices, weights = self._mixed()
            if promised <= self.bound * (1 + _CLOSE):
                return
            asked = (best[0] + WAY * (prices - best[0]), best[1] + WAY * (weights - best[1]))

    def best(self) -> Found | None:
        """The choice within the budget that is the quickest of those seen."""
        found = [
            Found(choice, self._problem.latency(choice), self.bound)
            for choice, used in zip(self._seen, self._used, strict=True)
            if (used <= self._budget).all()
        ]
        return min(found, key=lambda one: one.value, default=None)

    def parts(self) -> list[Ints]:
        """The choices of which the mixture is made."""
        return [self._seen[i] for i in np.flatnonzero(self._shares > 1e-9)]

    def _ask(self, prices: Floats, weights: Floats) -> Floats:
        """Bounds on the longest path, [n]; the choices at these prices are kept.

        prices: [n, resources], cycles for a unit of the budget. weights: [n, tables], a flow of 1 along the paths.
        """
        choices, values = self._streams.cheapest(prices, weights)
        for choice in choices:
            self._seen.append(choice)
            self._used.append(self._problem.total(choice))
            pairs = zip(self._problem.tables, choice, strict=True)
            self._latency.append(np.array([table.latency[row] for table, row in pairs]))
        return np.asarray(values - prices[:, self._bounded] @ self._size)

    def _mixed(self) -> tuple[float, Floats, Floats]:
        """The relaxed longest path of the best mixture, and the prices and weights that belong to it.

        Variables: the longest path, the end of each table, the share of each choice, by how much the budget is exceeded.
        """
        from scipy.optimize import linprog
        from scipy.sparse import coo_array

        after = self._problem.after
        tables, count = len(after), len(self._seen)
        ways = [(t, before) for t in range(tables) for before in after[t] or (-1,)]
        is_read = {earlier for before in after for earlier in before}
        last = [t for t in range(tables) if t not in is_read]
        of_way = np.array([t for t, _ in ways])
        latency = np.array(self._latency).T[of_way]
        shares = (np.array(self._used)[:, self._bounded] / self._size).T
        ends, mixed, excess = 1, 1 + tables, 1 + tables + count
        rows: list[Ints] = []
        columns: list[Ints] = []
        values: list[Floats] = []

        def add(row: Ints, column: Ints | int, value: Floats | float) -> None:
            row, column, value = np.broadcast_arrays(row, column, value)
            rows.append(row.ravel())
            columns.append(column.ravel())
            values.append(value.ravel())

        way = np.arange(len(ways))
        add(way[:, None], mixed + np.arange(count), latency)
        add(way, ends + of_way, -1.0)
        behind = np.array([i for i, (_, before) in enumerate(ways) if before >= 0], dtype=np.int64)
        add(behind, ends + np.array([ways[i][1] for i in behind], dtype=np.int64), 1.0)
        end = len(ways) + np.arange(len(last))
        add(end, ends + np.array(last), 1.0)
        add(end, 0, -1.0)
        limit = len(ways) + len(last) + np.arange(len(shares))
        add(limit[:, None], mixed + np.arange(count), shares)
        add(limit, excess, -1.0)
        shape = (len(ways) + len(last) + len(shares), excess + 1)
        matrix = coo_array(
            (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=shape
        )
        scale = max(self.bound, 1.0)
        cost = np.zeros(excess + 1)
        cost[0], cost[excess] = 1 / scale, _TOO_MUCH
        whole = np.zeros(excess + 1)
        whole[mixed:excess] = 1.0
        result = linprog(
            cost,
            A_ub=matrix.tocsr(),
            b_ub=np.concatenate([np.zeros(len(ways) + len(last)), np.ones(len(shares))]),
            A_eq=whole[None],
            b_eq=[1.0],
            method="highs-ds",
        )
        assert result.status == 0, result.message
        self._shares = result.x[mixed:excess]
        worth = -result.ineqlin.marginals * scale
        weights = np.bincount(of_way, worth[: len(ways)], tables).astype(float)
        prices = np.zeros(len(self._budget))
        prices[self._bounded] = worth[limit] / self._size
        return float(result.fun) * scale, prices, weights
