"""One choice per table as a mixed-integer programme for HiGHS, through scipy.

Variables: how often each row is taken, by one layer or by all the layers that are alike (the blocks of a ResNet
are; told apart, they would only be permuted by the search); for each link one continuous share per pair of stream
widths, tied to the rows by flow (exact on whole choices, tight on trees); where asked, the longest path, with a
potential for each table that not all paths share, and a factor by which all budgets may grow.

Where paths tie the layers together, the linear relaxation, which takes hundredths of a second, tells for each row what
it adds to the best value there can be. First only rows that add next to nothing are searched, few of them, and exchanges
(exchange.py) better what that finds: if it is no more above the relaxation than they, nothing else can be better. Else no row that adds more than
what was found can be part of anything better, and the others are searched, if they are few.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from nashc.fold.paths import serial
from nashc.fold.tables import Floats, Ints, Problem

NEAR = (1e-5, 1e-4, 3e-4, 1e-3)
"""Rows that add no more than such a part of the relaxed value are searched first: the largest part that has few, else the smallest."""
_FEW_ROWS = 550
"""With more HiGHS takes up to two seconds, and what it finds more the exchanges find as well."""
_MANY_ROWS = 480
"""So many are not searched again: it takes seconds, and found nothing that exchanges had not (docs/experiments/folding.md)."""
_TOLERANCE = 1e-7


class Undecided(Exception):
    """The search ended before it found a choice or proved that there is none."""


@dataclass(frozen=True, eq=False)
class Found:
    """A choice, what was minimised at it, and the bound below which HiGHS proved nothing to be."""

    choice: Ints
    value: float
    bound: float


@dataclass(frozen=True, eq=False)
class Limits:
    """What a choice must keep to.

    budget: [resources], inf where free. at_most: (weights, value) pairs for the weighted use.
    longest: bound on the longest path in cycles.
    """

    budget: Floats | None = None
    at_most: tuple[tuple[Floats, float], ...] = ()
    longest: float | None = None


class Programme:
    """The constraints that every question shares, and what is added to them.

    use: [variables that use something, resources]; `users` are their numbers. span: by table, which variables
    are its rows.
    """

    def __init__(self, problem: Problem, rows: list[Ints], *, paths: bool = False) -> None:
        """paths: the longest path will be asked for, so that only layers that all paths share can be alike."""
        self.problem, self.rows = problem, rows
        self._after = problem.after or ((),) * len(rows)
        self._serial = serial(self._after) if paths else [True] * len(rows)
        self._has_paths = paths
        self._entries: list[tuple[Ints, Ints, Floats]] = []
        self._row_low: list[float] = []
        self._row_high: list[float] = []
        self._low: list[float] = []
        self._high: list[float] = []
        self.span: dict[int, slice] = {}
        self._groups = _alike(problem, rows, self._serial, paths)
        use = []
        for members in self._groups:
            options = problem.tables[members[0]].use[rows[members[0]]]
            span = slice(len(self._low), len(self._low) + len(options))
            self.span.update(dict.fromkeys(members, span))
            for _ in options:
                self.new_variable(high=len(members))
            count = float(len(members))
            self.add(np.arange(span.start, span.stop), 1.0, low=count, high=count)
            use.append(options)
        self._whole = len(self._low)
        use += [self._add_link(number) for number in range(len(problem.links))]
        self.use: Floats = np.vstack(use)
        self.users: Ints = np.arange(len(self.use))
        self._path: int | None = None
        self._path_rows: list[tuple[int, int]] = []  # tables that not all paths share, constraints
        self._budget_rows: list[tuple[int, int]] = []  # resources, constraints
        self._solved: tuple[object, tuple[Any, Floats]] | None = None  # the last linear relaxation

    def new_variable(self, low: float = 0.0, high: float = np.inf) -> int:
        self._low.append(low)
        self._high.append(high)
        return len(self._low) - 1

    def add(self, columns: Any, values: Any, *, low: float = -np.inf, high: float = np.inf) -> None:
        columns = np.asarray(columns, dtype=np.int64)
        row = np.full(len(columns), len(self._row_low), dtype=np.int64)
        self._entries.append((row, columns, np.broadcast_to(values, columns.shape).astype(float)))
        self._row_low.append(low)
        self._row_high.append(high)

    def keep_to(self, limits: Limits) -> None:
        if limits.budget is not None:
            for resource in np.flatnonzero(np.isfinite(limits.budget)):
                self._budget_rows.append((int(resource), len(self._row_low)))
                self.add(self.users, self.use[:, resource], high=float(limits.budget[resource]))
        for weights, value in limits.at_most:
            self.add(self.users, self.use @ weights, high=value)
        if limits.longest is not None:
            self.add([self.longest_path()], 1.0, high=limits.longest)

    def longest_path(self) -> int:
        """The variable that is no shorter than any path; made when it is first asked for."""
        if self._path is None:
            self._path = self.new_variable()
            columns: list[Any] = [[self._path]]
            values: list[Any] = [[1.0]]
            for members in (group for group in self._groups if self._serial[group[0]]):
                columns.append(self._own(members[0]))
                values.append(-self._latency(members[0]))
            stretches = self._parallel_stretches()
            columns.append(stretches)
            values.append(-np.ones(len(stretches)))
            self.add(np.concatenate(columns), np.concatenate(values), low=0.0)
        return self._path

    def _parallel_stretches(self) -> list[int]:
        """A variable for each stretch between two tables that all paths share: no shorter than any of its ways."""
        longest: dict[
            int, int
        ] = {}  # by the shared table behind the stretch; behind the last is none
        is_read = {earlier for before in self._after for earlier in before}
        end: dict[int, int] = {}
        for number, before in enumerate(self._after):
            ways = [end[earlier] for earlier in before if earlier in end]
            if self._serial[number]:
                self._reach(longest, number, ways)
                continue
            end[number] = self.new_variable()
            own, latency = self._own(number), -self._latency(number)
            for before_it in [[way] for way in ways] or [[]]:
                self._path_rows.append((number, len(self._row_low)))
                row = np.concatenate([own, np.array([end[number], *before_it], dtype=np.int64)])
                self.add(row, np.concatenate([latency, [1.0], -np.ones(len(before_it))]), low=0.0)
            if number not in is_read:
                self._reach(longest, len(self._after), [end[number]])
        return list(longest.values())

    def _reach(self, longest: dict[int, int], behind: int, ways: list[int]) -> None:
        if ways and behind not in longest:
            longest[behind] = self.new_variable()
        for way in ways:
            self.add([longest[behind], way], [1.0, -1.0], low=0.0)

    def latency_prices(self) -> tuple[Floats, Floats] | None:
        """As the function of this name."""
        path = self.longest_path()
        objective = np.zeros(len(self._low))
        objective[path] = 1.0
        relaxed = self._linear(objective)
        if relaxed is None:
            return None
        _, worth = relaxed
        weights = np.array(self._serial, dtype=float)
        for table, row in self._path_rows:
            weights[table] += worth[row]
        prices = np.zeros(self.use.shape[1])
        for resource, row in self._budget_rows:
            prices[resource] = worth[row]
        return prices, weights

    def _own(self, number: int) -> Ints:
        return np.arange(self.span[number].start, self.span[number].stop)

    def _latency(self, number: int) -> Floats:
        return self.problem.tables[number].latency[self.rows[number]]

    def minimise(
        self,
        cost: dict[int, float] | Floats,
        effort: int,
        *,
        gap: float = 0.0,
        known: Found | None = None,
        better: Callable[[Ints, Floats], Ints] | None = None,
    ) -> Found | None:
        """cost: by variable, or of the first variables. None: nothing keeps to the constraints.

        gap: the search may end when it knows that nothing is better by more than this share. known: a choice to beat.
        better: makes the longest path of a choice shorter; it is told what each row adds to the relaxed value. Errors: Undecided, never where something is known.
        """
        size = len(self._low)
        objective = np.zeros(size)
        if isinstance(cost, dict):
            objective[list(cost)] = list(cost.values())
        else:
            objective[: len(cost)] = cost
        if not self._has_paths or not objective.any():
            return self._search(objective, np.ones(self._whole, bool), effort, gap)
        relaxed = self._relaxed(objective)
        if relaxed is None:
            return None
        least, adds = relaxed
        slack = _TOLERANCE * max(1.0, abs(least))
        best = known
        for reach in (*_near(adds, abs(least)), np.inf):
            if reach == np.inf and best is not None:
                reach = best.value - least
                if (adds <= reach + slack).sum() > _MANY_ROWS:
                    break  # what is left to find there would take the longest by far
            elif best is not None and (best is not known or best.value <= least + reach + slack):
                continue
            try:
                found = self._search(objective, adds <= reach + slack, effort, gap)
            except Undecided:
                if best is None and reach == np.inf:
                    raise
                continue
            # What is not in reach is no better than `least + reach`; where nothing is, all is beyond.
            bound = max(least, min(found.bound if found else np.inf, least + reach))
            if found is not None and better is not None:
                of_rows = [adds[self.span[table]] for table in range(len(self.rows))]
                choice = better(found.choice, np.concatenate(of_rows))
                found = replace(found, choice=choice, value=self.problem.latency(choice))
            if found is not None and (best is None or found.value < best.value):
                best = found
            if best is not None:
                best = replace(best, bound=min(best.value, bound))
                if best.value <= least + reach + slack:
                    return best
        return best

    def _relaxed(self, objective: Floats) -> tuple[float, Floats] | None:
        """The least value when rows may be taken in parts, and what each row adds to it; None: there is none at all."""
        scale = float(np.abs(objective).max())
        relaxed = self._linear(objective / scale)
        if relaxed is None:
            return None
        result, _ = relaxed
        if result.status != 0:  # nothing is known then
            return -np.inf, np.zeros(self._whole)
        return float(result.fun) * scale, result.lower.marginals[: self._whole] * scale

    def _linear(self, objective: Floats) -> tuple[Any, Floats] | None:
        """The linear relaxation: scipy's result, and what a unit of each inequality is worth, 0 where it was not solved.

        None: nothing keeps to the constraints.
        """
        from scipy.optimize import linprog
        from scipy.sparse import vstack

        question = (objective.tobytes(), len(self._row_low))
        if self._solved is not None and self._solved[0] == question:
            return self._solved[1]
        matrix, low, high = self._matrix()
        is_equal = low == high
        most, least = np.isfinite(high) & ~is_equal, np.isfinite(low) & ~is_equal
        with _quiet():
            result = linprog(
                objective,
                A_ub=vstack([matrix[most], -matrix[least]]),
                b_ub=np.concatenate([high[most], -low[least]]),
                A_eq=matrix[is_equal],
                b_eq=low[is_equal],
                bounds=np.stack([self._low, self._high], axis=1),
                method="highs-ds",
            )
        if result.status == 2:
            return None
        worth = np.zeros(len(low))
        if result.status == 0:
            worth[most] -= result.ineqlin.marginals[: most.sum()]
            worth[least] -= result.ineqlin.marginals[most.sum() :]
        self._solved = question, (result, worth)
        return result, worth

    def _matrix(self) -> tuple[Any, Floats, Floats]:
        """The constraints, with the least and the most of each."""
        from scipy.sparse import coo_array

        row, column, value = (np.concatenate(part) for part in zip(*self._entries, strict=True))
        shape = (len(self._row_low), len(self._low))
        matrix = coo_array((value, (row, column)), shape=shape).tocsr()
        return matrix, np.array(self._row_low), np.array(self._row_high)

    def _search(
        self, objective: Floats, kept: npt.NDArray[np.bool_], effort: int, gap: float
    ) -> Found | None:
        """The best choice among the rows that are kept. Errors: Undecided."""
        from scipy.optimize import Bounds, LinearConstraint, milp

        scale = float(np.abs(objective).max()) or 1.0
        high = np.array(self._high)
        high[: self._whole][~kept] = 0.0
        with _quiet():
            result = milp(
                objective / scale,
                integrality=(np.arange(len(high)) < self._whole).astype(int),
                bounds=Bounds(np.array(self._low), high),
                constraints=LinearConstraint(*self._matrix()),
                options={"mip_rel_gap": gap, "node_limit": effort},
            )
        if result.x is None:
            # 2 is "infeasible"; scipy has no name for the end of a search by its number of nodes.
            if result.status == 2:
                return None
            assert result.status in (1, 4), result.message
            raise Undecided
        choice = np.zeros(len(self.rows), dtype=np.int64)
        for members in self._groups:
            times = np.rint(result.x[self.span[members[0]]]).astype(int)
            taken = np.repeat(np.arange(len(times)), times)
            for member, index in zip(members, taken, strict=True):
                choice[member] = self.rows[member][index]
        return Found(choice, float(result.fun) * scale, float(result.mip_dual_bound) * scale)

    def _add_link(self, number: int) -> Floats:
        """Shares of the pairs of stream widths that the rows have; gives their use."""
        link = self.problem.links[number]
        first, first_port = np.unique(link.first_port[self.rows[link.first]], return_inverse=True)
        second, second_port = np.unique(
            link.second_port[self.rows[link.second]], return_inverse=True
        )
        pairs = np.array([self.new_variable(high=1.0) for _ in range(len(first) * len(second))])
        pairs = pairs.reshape(len(first), len(second))
        for table, ports, shares in (
            (link.first, first_port, pairs),
            (link.second, second_port, pairs.T),
        ):
            for port, of_port in enumerate(shares):
                members = self.span[table].start + np.flatnonzero(ports == port)
                values = np.append(np.ones(len(of_port)), -np.ones(len(members)))
                self.add(np.append(of_port, members), values, low=0.0, high=0.0)
        return link.cost[first][:, second].reshape(-1, link.cost.shape[2])


def _alike(problem: Problem, rows: list[Ints], shared: list[bool], paths: bool) -> list[list[int]]:
    """Numbers of the tables, those together that may be exchanged: equal rows, no links, on the same paths.

    shared: whether all paths share a table.
    """
    linked = {t for link in problem.links for t in (link.first, link.second)}
    groups: dict[object, list[int]] = {}
    for number, (table, found) in enumerate(zip(problem.tables, rows, strict=True)):
        latency = table.latency[found].tobytes() if paths else b""
        is_alone = number in linked or not shared[number]
        key = number if is_alone else (table.use[found].tobytes(), latency)
        groups.setdefault(key, []).append(number)
    return list(groups.values())


def _near(adds: Floats, value: float) -> list[float]:
    """What rows may add to be searched, one after the other until something is found. adds: [rows], to this relaxed value."""
    reaches = [part * value for part in NEAR]
    few = [at for at, reach in enumerate(reaches) if (adds <= reach).sum() <= _FEW_ROWS]
    return reaches[max(few, default=0) :]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """HiGHS, as scipy 1.17 builds it, writes a line to file descriptor 1 now and then, whatever it is told."""
    sys.stdout.flush()
    kept = os.dup(1)
    try:
        with open(os.devnull, "wb") as nowhere:  # noqa: PTH123
            os.dup2(nowhere.fileno(), 1)
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
