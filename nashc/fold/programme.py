"""One choice per table as a mixed-integer programme.

Variables: how often each row is taken, by one layer or by all the layers that are alike (the blocks of a ResNet
are; told apart, they would only be permuted by the search); for each link one continuous share per pair of stream
widths, tied to the rows by flow (exact on whole choices, tight on trees); where asked, the longest path, with a
potential for each table that not all paths share, and a factor by which all budgets may grow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from nashc.fold.highs import Relaxed, System
from nashc.fold.paths import serial
from nashc.fold.tables import Floats, Ints, Problem


@dataclass(frozen=True, eq=False)
class Found:
    """A choice, what was minimised at it, and the bound below which HiGHS proved nothing to be."""

    choice: Ints
    value: float
    bound: float

    @property
    def gap(self) -> float:
        """The share of the value that is not proven."""
        return max(0.0, (self.value - self.bound) / max(self.value, 1.0))


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
    are its rows. groups: tables that are alike, which share their variables.
    """

    def __init__(self, problem: Problem, rows: list[Ints], *, paths: bool = False) -> None:
        """paths: the longest path will be asked for, so that only layers that all paths share can be alike."""
        self.problem, self.rows = problem, rows
        self._after = problem.after or ((),) * len(rows)
        self._serial = serial(self._after) if paths else [True] * len(rows)
        self.has_paths = paths
        self._entries: list[tuple[Ints, Ints, Floats]] = []
        self._row_low: list[float] = []
        self._row_high: list[float] = []
        self._low: list[float] = []
        self._high: list[float] = []
        self.span: dict[int, slice] = {}
        self.groups = _alike(problem, rows, self._serial, paths)
        use = []
        for members in self.groups:
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
        self._system: System | None = None
        self._relaxed: tuple[object, Relaxed | None] | None = None

    def new_variable(self, low: float = 0.0, high: float = np.inf) -> int:
        """Its number."""
        self._low.append(low)
        self._high.append(high)
        return len(self._low) - 1

    def add(self, columns: Any, values: Any, *, low: float = -np.inf, high: float = np.inf) -> None:
        """A constraint: low <= sum of values * variables <= high. columns: the variables; values: one for each, or for all."""
        columns = np.asarray(columns, dtype=np.int64)
        row = np.full(len(columns), len(self._row_low), dtype=np.int64)
        self._entries.append((row, columns, np.broadcast_to(values, columns.shape).astype(float)))
        self._row_low.append(low)
        self._row_high.append(high)

    def keep_to(self, limits: Limits) -> None:
        """A constraint for each limit that there is."""
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
            for members in (group for group in self.groups if self._serial[group[0]]):
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

    def latency_prices(self, *, alone: bool = False) -> tuple[Floats, Floats] | None:
        """As the function of this name. alone: without scipy."""
        objective = self.objective(self.longest_path())
        relaxed = self.system.relaxed_alone(objective) if alone else self.relaxed(objective)
        if relaxed is None:
            return None
        weights = np.array(self._serial, dtype=float)
        for table, row in self._path_rows:
            weights[table] += relaxed.worth[row]
        prices = np.zeros(self.use.shape[1])
        for resource, row in self._budget_rows:
            prices[resource] = relaxed.worth[row]
        return prices, weights

    def _own(self, number: int) -> Ints:
        return np.arange(self.span[number].start, self.span[number].stop)

    def _latency(self, number: int) -> Floats:
        return self.problem.tables[number].latency[self.rows[number]]

    def objective(self, variable: int) -> Floats:
        """[variables]: the value of one of them."""
        found = np.zeros(len(self._low))
        found[variable] = 1.0
        return found

    def weighted(self, weights: Floats) -> Floats:
        """[variables]: the use at these weights, [resources]."""
        found = np.zeros(len(self._low))
        found[self.users] = self.use @ weights
        return found

    @property
    def system(self) -> System:
        """The constraints, as they are now."""
        size = (len(self._row_low), len(self._low))
        if self._system is None or (len(self._system.low), len(self._system.most)) != size:
            row, column, value = (np.concatenate(part) for part in zip(*self._entries, strict=True))
            low, high = np.array(self._row_low), np.array(self._row_high)
            least, most = np.array(self._low), np.array(self._high)
            self._system = System((row, column, value), low, high, least, most, self._whole)
        return self._system

    def relaxed(self, objective: Floats) -> Relaxed | None:
        """The linear relaxation, kept for when it is asked again."""
        question = (objective.tobytes(), len(self._row_low))
        if self._relaxed is None or self._relaxed[0] != question:
            self._relaxed = question, self.system.relaxed(objective)
        return self._relaxed[1]

    def choice(self, variables: Floats) -> Ints:
        """The row of each table; of tables that are alike the first take the first rows."""
        found = np.zeros(len(self.rows), dtype=np.int64)
        for members in self.groups:
            times = np.rint(variables[self.span[members[0]]]).astype(int)
            taken = np.repeat(np.arange(len(times)), times)
            for member, index in zip(members, taken, strict=True):
                found[member] = self.rows[member][index]
        return found

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
