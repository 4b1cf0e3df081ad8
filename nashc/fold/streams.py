"""The cheapest choice at given prices where stream widths tie neighbours together: exact, by elimination.

A converter costs by the widths at both ends of a stream. So what a network costs at prices is a sum of terms of few widths
each: every layer's cheapest row for the widths of its streams, and every converter. Widths are taken out one by one, each
replaced by the least it can cost for the widths that it shares a term with (bucket elimination; Dechter, Artificial Intelligence
113, 1999). Networks are nearly chains, so such a term has two or three widths of a dozen values. Going back the same way
tells of each row what the cheapest choice that has it costs.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

import numpy as np

from nashc.fold.tables import Floats, Ints, Problem

Scope: TypeAlias = tuple[int, ...]
_NO_WIDTH = -1
_NOTHING: Mapping[int, Floats] = MappingProxyType({})


@dataclass(frozen=True)
class _Term:
    """A term in the sum of a step. order, shape: how its axes lie there; others: axes of the sum that it lacks."""

    number: int
    order: tuple[int, ...]
    shape: tuple[int, ...]
    others: tuple[int, ...]


@dataclass(frozen=True)
class _Step:
    """Takes out a width. scope: the widths of the new term. terms: what it is made of."""

    width: int
    scope: Scope
    terms: tuple[_Term, ...]


@dataclass(frozen=True, eq=False)
class _Costs:
    """At n prices: of the rows, of the cheapest row in each group, of the terms, and of the sums of the steps.

    least: [n], of all together.
    """

    rows: Floats
    groups: Floats
    terms: list[Floats]
    sums: list[Floats]
    least: Floats


class Streams:
    """The rows of all tables, sorted by table and widths. A group are the rows of a table that are alike in all widths.

    rows: as `rows_worth_having` gives them; every list is filled.
    """

    def __init__(self, problem: Problem, rows: list[Ints]) -> None:
        self._tables = len(rows)
        self._sizes: list[int] = []
        self._scopes: list[Scope] = []
        end_of: dict[tuple[int, bool], tuple[int, Ints]] = {}  # by link and end
        self._add_tables(problem, rows, end_of)
        self._add_links(problem, end_of)
        self._steps = self._plan()

    def cheapest(
        self,
        prices: Floats,
        weights: Floats | None = None,
        added: Mapping[int, Floats] = _NOTHING,
    ) -> tuple[Ints, Floats]:
        """The cheapest choice at each of the prices, [n, tables], and what it costs, links included.

        prices: [n, resources], >= 0. weights: [n, tables], what a cycle of each table's latency costs; nothing if left out. added: by table, what its rows cost besides, [n, rows of the problem]; inf for those that
        must not be taken. If there is no choice, it costs inf.
        """
        costs = self._costs(prices, weights, added)
        if np.isinf(costs.least).any():  # for all prices, then
            return np.zeros((len(prices), self._tables), dtype=np.int64), costs.least
        every = np.arange(len(prices))
        value = np.zeros((len(self._sizes) + 1, len(prices)), dtype=np.int64)
        for step, total in zip(reversed(self._steps), reversed(costs.sums), strict=True):
            left = total[(every, *(value[width] for width in step.scope))]
            value[step.width] = left.argmin(axis=-1)
        cell = self._begin + (self._stride[:, :, None] * value[self._width]).sum(axis=1)
        group = np.searchsorted(self._cells, cell).T
        is_least = costs.rows == np.repeat(costs.groups, self._counts, axis=1)
        numbers = np.where(is_least, np.arange(len(self._row)), len(self._row))
        first = np.minimum.reduceat(numbers, self._starts, axis=1)
        return self._row[first[every[:, None], group]], costs.least

    def rows_within(self, price: Floats, most: float) -> list[Ints]:
        """Of each table the rows that are part of a choice that costs no more at these prices [resources]."""
        costs = self._costs(price[None])
        beyond: dict[int, Floats] = {}
        best = [costs.least] * len(self._scopes)
        count = len(self._scopes)
        with np.errstate(invalid="ignore"):
            for place, (step, total) in reversed(
                list(enumerate(zip(self._steps, costs.sums, strict=True)))
            ):
                new = count + place
                outside = beyond.get(new, costs.least - costs.terms[new])
                whole = total + outside[..., None]
                for term in step.terms:
                    reached = whole.min(axis=term.others).transpose(np.argsort(term.order))
                    if term.number < count:
                        best[term.number] = reached
                    else:
                        value = costs.terms[term.number]
                        beyond[term.number] = np.where(np.isinf(value), np.inf, reached - value)
        with_group = np.concatenate([found.ravel() for found in best[: self._tables]])[self._cells]
        others = np.repeat(with_group - costs.groups[0], self._counts)
        is_within = costs.rows[0] + others <= most
        return [
            np.sort(self._row[start:stop][is_within[start:stop]])
            for start, stop in itertools.pairwise(self._first)
        ]

    def _costs(
        self,
        prices: Floats,
        weights: Floats | None = None,
        added: Mapping[int, Floats] = _NOTHING,
    ) -> _Costs:
        rows = prices @ self._use.T
        if weights is not None:
            rows += np.repeat(weights, np.diff(self._first), axis=1) * self._latency
        for table, more in added.items():
            start, stop = self._first[table : table + 2]
            rows[:, start:stop] += more[:, self._row[start:stop]]
        groups = np.minimum.reduceat(rows, self._starts, axis=1)
        flat = np.full((len(prices), self._count), np.inf)
        flat[:, self._cells] = groups
        links = prices @ self._link_use.T
        terms = [flat[:, at].reshape(-1, *shape) for at, shape in self._of_table]
        terms += [links[:, at].reshape(-1, *shape) for at, shape in self._of_link]
        sums = []
        for step in self._steps:
            first, *others = step.terms
            total = terms[first.number].transpose(first.order).reshape(-1, *first.shape)
            for term in others:
                total = total + terms[term.number].transpose(term.order).reshape(-1, *term.shape)
            sums.append(total)
            terms.append(total.min(axis=-1))
        least = np.sum([term for term in terms if term.ndim == 1], axis=0)
        return _Costs(rows, groups, terms, sums, np.asarray(least))

    def _add_tables(
        self,
        problem: Problem,
        rows: list[Ints],
        end_of: dict[tuple[int, bool], tuple[int, Ints]],
    ) -> None:
        ports: list[list[tuple[tuple[int, bool], Ints]]] = [[] for _ in rows]
        for number, link in enumerate(problem.links):
            ports[link.first].append(((number, False), link.first_port))
            ports[link.second].append(((number, True), link.second_port))
        cells = []
        for table, kept in enumerate(rows):
            scope, cell, ends = self._add_widths(kept, ports[table])
            end_of |= ends
            self._scopes.append(scope)
            cells.append(cell)
        shapes = [tuple(self._sizes[width] for width in scope) for scope in self._scopes]
        begin = np.cumsum([0, *(math.prod(shape) for shape in shapes)])
        self._count = int(begin[-1])
        self._begin: Ints = begin[:-1, None]
        self._of_table = [
            (slice(start, stop), shape)
            for (start, stop), shape in zip(itertools.pairwise(begin), shapes, strict=True)
        ]
        most = max(1, *(len(scope) for scope in self._scopes))
        self._width = np.full((len(rows), most), len(self._sizes))  # the last is no width: always 0
        self._stride = np.zeros((len(rows), most), dtype=np.int64)
        for table, (scope, shape) in enumerate(zip(self._scopes, shapes, strict=True)):
            self._width[table, : len(scope)] = scope
            self._stride[table, : len(scope)] = [
                math.prod(shape[n + 1 :]) for n in range(len(shape))
            ]
        self._sort(problem, rows, np.repeat(begin[:-1], [len(kept) for kept in rows]) + np.concatenate(cells))  # fmt: skip

    def _sort(self, problem: Problem, rows: list[Ints], cell: Ints) -> None:
        """cell: [rows of all tables], the place of each among the values of its table's widths, of all tables."""
        order = cell.argsort(kind="stable")
        self._row: Ints = np.concatenate(rows)[order]
        self._first = np.cumsum([0, *(len(kept) for kept in rows)])
        self._use: Floats = np.concatenate(
            [table.use[kept] for table, kept in zip(problem.tables, rows, strict=True)]
        )[order]
        self._latency: Floats = np.concatenate(
            [table.latency[kept] for table, kept in zip(problem.tables, rows, strict=True)]
        )[order]
        self._cells, self._starts = np.unique(cell[order], return_index=True)
        self._counts = np.diff(np.append(self._starts, len(order)))

    def _add_widths(
        self, kept: Ints, ports: list[tuple[tuple[int, bool], Ints]]
    ) -> tuple[Scope, Ints, dict[tuple[int, bool], tuple[int, Ints]]]:
        """The widths of a table, the place of each row among their values, and for each end of a link its width and classes.

        Streams that always have as many values as one another share a width. What has one value alone is none: `_NO_WIDTH`.
        """
        widths: dict[bytes, int] = {}
        ends = {}
        cell = np.zeros(len(kept), dtype=np.int64)
        for end, classes in ports:
            _, first, value = np.unique(classes[kept], return_index=True, return_inverse=True)
            order = (
                first.argsort()
            )  # values are numbered as they come, whatever the link calls them
            value = order.argsort()[value.ravel()]
            if len(first) == 1:
                ends[end] = (_NO_WIDTH, classes[kept][first])
                continue
            if value.tobytes() not in widths:
                widths[value.tobytes()] = len(self._sizes)
                self._sizes.append(len(first))
                cell = cell * len(first) + value
            ends[end] = (widths[value.tobytes()], classes[kept][first[order]])
        return tuple(widths.values()), cell, ends

    def _add_links(
        self, problem: Problem, end_of: dict[tuple[int, bool], tuple[int, Ints]]
    ) -> None:
        self._of_link: list[tuple[slice, Scope]] = []
        uses = [np.zeros((0, len(problem.resources)))]
        begin = 0
        for number, link in enumerate(problem.links):
            (first, given), (second, taken) = end_of[number, False], end_of[number, True]
            use = link.cost[given][:, taken]
            scope = tuple(width for width in (first, second) if width != _NO_WIDTH)
            self._scopes.append(scope)
            shape = tuple(self._sizes[width] for width in scope)
            self._of_link.append((slice(begin, begin + use[..., 0].size), shape))
            uses.append(use.reshape(-1, use.shape[2]))
            begin += use[..., 0].size
        self._link_use: Floats = np.concatenate(uses)

    def _plan(self) -> tuple[_Step, ...]:
        """Widths in the order that keeps terms small: next is always the one whose new term is the smallest."""
        scopes = list(self._scopes)
        seen: list[set[int]] = [set() for _ in self._sizes]
        for number, own in enumerate(scopes):
            for width in own:
                seen[width].add(number)

        def joined(width: int) -> Scope:
            return tuple(sorted({other for n in seen[width] for other in scopes[n]} - {width}))

        def rank(width: int) -> tuple[int, int]:
            return math.prod(self._sizes[other] for other in joined(width)), width

        steps = []
        ranks = {width: rank(width) for width in range(len(self._sizes))}
        while ranks:
            width = min(ranks, key=ranks.__getitem__)
            del ranks[width]
            scope = joined(width)
            terms = tuple(
                self._term(number, scopes[number], (*scope, width))
                for number in sorted(seen[width])
            )
            for term in terms:
                for other in scopes[term.number]:
                    seen[other].discard(term.number)
            for other in scope:
                seen[other].add(len(scopes))
            scopes.append(scope)
            steps.append(_Step(width, scope, terms))
            ranks |= {other: rank(other) for other in scope}
        return tuple(steps)

    def _term(self, number: int, own: Scope, scope: Scope) -> _Term:
        order = tuple(own.index(width) + 1 for width in scope if width in own)
        shape = tuple(self._sizes[width] if width in own else 1 for width in scope)
        others = tuple(axis + 1 for axis, width in enumerate(scope) if width not in own)
        return _Term(number, (0, *order), shape, others)
