"""One choice per table as a mixed-integer programme for HiGHS, through scipy.

Variables: how often each row is taken, by one layer or by all the layers that are alike (the blocks of a ResNet
are; told apart, they would only be permuted by the search); for each link one continuous share per pair of stream widths, tied to the rows
by flow (exact on whole choices, tight on trees); where asked, a potential per table for the longest path, and
a factor by which all budgets may grow.

effort: nodes of the search tree after which the best choice so far is given, with the bound proven for it. It
is not a time, so that the answer is the same on every machine.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from nashc.fold.tables import Floats, Ints, Problem

STRETCH_GAP = 1e-3
"""Shares of a budget are found to a tenth of a per cent: the last bit of the proof takes seconds."""


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


def least_use(
    problem: Problem, rows: list[Ints], weights: Floats, limits: Limits, effort: int
) -> Found | None:
    """The choice with the smallest weighted use; weights: [resources]. None: nothing keeps to the limits."""
    programme = _Programme(problem, rows, paths=limits.longest is not None)
    programme.keep_to(limits)
    return programme.minimise(programme.use @ weights, effort)


def any_fit(problem: Problem, rows: list[Ints], limits: Limits, effort: int) -> Ints | None:
    """Some choice that keeps to the limits; None: there is none, proven."""
    programme = _Programme(problem, rows)
    programme.keep_to(limits)
    found = programme.minimise({}, effort)
    return None if found is None else found.choice


def least_latency(problem: Problem, rows: list[Ints], limits: Limits, effort: int) -> Found | None:
    """The choice with the shortest longest path."""
    programme = _Programme(problem, rows, paths=True)
    programme.keep_to(limits)
    return programme.minimise(_one(programme.longest_path()), effort)


def least_stretch(
    problem: Problem, rows: list[Ints], budget: Floats, effort: int, *, least: float = 1.0
) -> Found | None:
    """The choice that needs the smallest factor on the budget, `least` when less would do, to within STRETCH_GAP.

    A budget of nothing grows to nothing: None when something of it is needed.
    """
    programme = _Programme(problem, rows)
    factor = programme.new_variable(low=least)
    for resource in np.flatnonzero(np.isfinite(budget)):
        programme.add(
            np.append(programme.users, factor),
            np.append(programme.use[:, resource], -float(budget[resource])),
            high=0.0,
        )
    return programme.minimise(_one(factor), effort, gap=STRETCH_GAP)


class _Programme:
    """The constraints that every question shares, and what is added to them.

    use: [variables that use something, resources]; `users` are their numbers. span: by table, which variables
    are its rows.
    """

    def __init__(self, problem: Problem, rows: list[Ints], *, paths: bool = False) -> None:
        """paths: the longest path will be asked for, so that no two layers are alike."""
        self.problem, self.rows = problem, rows
        self._entries: list[tuple[Ints, Ints, Floats]] = []
        self._row_low: list[float] = []
        self._row_high: list[float] = []
        self._low: list[float] = []
        self._high: list[float] = []
        self.span: dict[int, slice] = {}
        self._groups = _alike(problem, rows, paths)
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
                self.add(self.users, self.use[:, resource], high=float(limits.budget[resource]))
        for weights, value in limits.at_most:
            self.add(self.users, self.use @ weights, high=value)
        if limits.longest is not None:
            self.add([self.longest_path()], 1.0, high=limits.longest)

    def longest_path(self) -> int:
        """The variable that is no shorter than any path; made when it is first asked for."""
        if self._path is None:
            ends = [self.new_variable() for _ in self.rows]
            self._path = self.new_variable()
            for number, found in enumerate(self.rows):
                own = np.arange(self.span[number].start, self.span[number].stop)
                latency = -self.problem.tables[number].latency[found]
                self.add(np.append(own, ends[number]), np.append(latency, 1.0), low=0.0)
                for before in self.problem.after[number] if self.problem.after else ():
                    columns = np.append(own, [ends[number], ends[before]])
                    self.add(columns, np.append(latency, [1.0, -1.0]), low=0.0)
                self.add([self._path, ends[number]], [1.0, -1.0], low=0.0)
        return self._path

    def minimise(
        self, cost: dict[int, float] | Floats, effort: int, *, gap: float = 0.0
    ) -> Found | None:
        """cost: by variable, or of the first variables. None: nothing keeps to the constraints.

        gap: the search may end when it knows that nothing is better by more than this share.
        """
        from scipy.optimize import Bounds, LinearConstraint, milp
        from scipy.sparse import coo_array

        size = len(self._low)
        objective = np.zeros(size)
        if isinstance(cost, dict):
            objective[list(cost)] = list(cost.values())
        else:
            objective[: len(cost)] = cost
        scale = float(np.abs(objective).max()) or 1.0
        row, column, value = (np.concatenate(part) for part in zip(*self._entries, strict=True))
        matrix = coo_array((value, (row, column)), shape=(len(self._row_low), size)).tocsr()
        with _quiet():
            result = milp(
                objective / scale,
                integrality=(np.arange(size) < self._whole).astype(int),
                bounds=Bounds(np.array(self._low), np.array(self._high)),
                constraints=LinearConstraint(matrix, self._row_low, self._row_high),
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
        """Shares of the pairs of stream widths; gives their use."""
        link = self.problem.links[number]
        classes = link.cost.shape[:2]
        pairs = np.array([self.new_variable(high=1.0) for _ in range(classes[0] * classes[1])])
        pairs = pairs.reshape(classes)
        sides = ((link.first, link.first_port, pairs), (link.second, link.second_port, pairs.T))
        for table, port_of_row, shares in sides:
            ports = port_of_row[self.rows[table]]
            for port, of_port in enumerate(shares):
                members = self.span[table].start + np.flatnonzero(ports == port)
                values = np.append(np.ones(len(of_port)), -np.ones(len(members)))
                self.add(np.append(of_port, members), values, low=0.0, high=0.0)
        return link.cost.reshape(-1, link.cost.shape[2])


def _alike(problem: Problem, rows: list[Ints], paths: bool) -> list[list[int]]:
    """Numbers of the tables, those together that may be exchanged: equal rows, no links, no place in a path."""
    linked = {t for link in problem.links for t in (link.first, link.second)}
    groups: dict[object, list[int]] = {}
    for number, (table, found) in enumerate(zip(problem.tables, rows, strict=True)):
        alone = paths or number in linked
        groups.setdefault(number if alone else table.use[found].tobytes(), []).append(number)
    return list(groups.values())


def _one(variable: int) -> dict[int, float]:
    return {variable: 1.0}


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
