"""The cheapest choice at given prices where stream widths tie neighbours together: exact, by elimination.

A converter costs by the widths at both ends of a stream. So what a network costs at prices is a sum of terms of few widths
each: every layer's cheapest row for the widths of its streams, and every converter. Widths are taken out one by one, each
replaced by the least it can cost for the widths that it shares a term with (bucket elimination; Dechter, Artificial Intelligence
113, 1999). Networks are nearly chains, so such a term has two or three widths of a dozen values.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from nashc.fold.tables import Floats, Ints, Problem, Table

Scope = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class _Layer:
    """A table's rows, sorted by the values of its widths. starts: of each group of rows; cells: its place in the term."""

    table: int
    rows: Ints
    use: Floats
    latency: Floats
    starts: Ints
    cells: Ints
    scope: Scope


@dataclass(frozen=True, eq=False)
class _Step:
    """A width that is taken out. scope: the widths left in the new term. terms: numbers, with the shape they take for it."""

    width: int
    scope: Scope
    terms: tuple[tuple[int, tuple[int, ...], tuple[int, ...]], ...]


class Streams:
    """rows: as `rows_worth_having` gives them; every list is filled."""

    def __init__(self, problem: Problem, rows: list[Ints]) -> None:
        self._tables = len(rows)
        self._sizes: list[int] = []
        self._links: list[tuple[Scope, Floats]] = []
        self._layers: list[_Layer] = []
        ports: list[list[tuple[tuple[int, bool], Ints]]] = [[] for _ in rows]
        for number, link in enumerate(problem.links):
            ports[link.first].append(((number, False), link.first_port))
            ports[link.second].append(((number, True), link.second_port))
        end_of: dict[tuple[int, bool], tuple[int, Ints]] = {}  # by link and end
        for table, kept in enumerate(rows):
            end_of |= self._add_layer(table, problem.tables[table], kept, ports[table])
        for number, link in enumerate(problem.links):
            (first, given), (second, taken) = end_of[number, False], end_of[number, True]
            cost = link.cost[given][:, taken]
            if first > second:
                first, second, cost = second, first, cost.swapaxes(0, 1)
            self._links.append(((first, second), cost))
        self._steps = self._plan()

    def cheapest(self, prices: Floats, weights: Floats | None = None) -> tuple[Ints, Floats]:
        """The cheapest choice at each of the prices, [n, tables], and what it costs, links included.

        prices: [n, resources], >= 0. weights: [n, tables], what a cycle of each table's latency costs; nothing if left out.
        """
        terms, costs = self._terms(prices, weights)
        best: list[Ints] = []
        for step in self._steps:
            joint = None
            for number, order, shape in step.terms:
                term = terms[number].transpose(order).reshape(len(prices), *shape)
                joint = term if joint is None else joint + term
            assert joint is not None
            best.append(joint.argmin(axis=-1))
            terms.append(joint.min(axis=-1))
        ends = [number for number, term in enumerate(terms) if term.ndim == 1]
        values = np.sum([terms[number] for number in ends], axis=0)
        return self._choices(best, costs, len(prices)), np.asarray(values)

    def _terms(self, prices: Floats, weights: Floats | None) -> tuple[list[Floats], list[Floats]]:
        """The layers' and the links' terms, and what each row of each layer costs."""
        terms, costs = [], []
        for layer in self._layers:
            cost = prices @ layer.use.T
            if weights is not None:
                cost = cost + weights[:, layer.table, None] * layer.latency
            sizes = [self._sizes[width] for width in layer.scope]
            term = np.full((len(prices), int(np.prod(sizes))), np.inf)
            term[:, layer.cells] = np.minimum.reduceat(cost, layer.starts, axis=1)
            terms.append(term.reshape(len(prices), *sizes))
            costs.append(cost)
        for _, cost in self._links:
            terms.append(np.einsum("abr,nr->nab", cost, prices))
        return terms, costs

    def _choices(self, best: list[Ints], costs: list[Floats], count: int) -> Ints:
        every = np.arange(count)
        value = np.zeros((len(self._sizes), count), dtype=np.int64)
        for step, found in zip(reversed(self._steps), reversed(best), strict=True):
            value[step.width] = found[(every, *(value[width] for width in step.scope))]
        choice = np.zeros((count, self._tables), dtype=np.int64)
        for layer, cost in zip(self._layers, costs, strict=True):
            sizes = [self._sizes[width] for width in layer.scope]
            cell = np.zeros(count, dtype=np.int64)
            for width, size in zip(layer.scope, sizes, strict=True):
                cell = cell * size + value[width]
            group = np.searchsorted(layer.cells, cell)
            stops = np.append(layer.starts[1:], cost.shape[1])
            for one in every:
                start, stop = layer.starts[group[one]], stops[group[one]]
                choice[one, layer.table] = layer.rows[start + cost[one, start:stop].argmin()]
        return choice

    def _add_layer(
        self, number: int, table: Table, kept: Ints, ports: list[tuple[tuple[int, bool], Ints]]
    ) -> dict[tuple[int, bool], tuple[int, Ints]]:
        """For each end of a link the width that it has, and the class of the link for each value of it.

        Streams that always have as many values as one another share a width.
        """
        widths: dict[bytes, tuple[int, Ints]] = {}
        ends = {}
        for end, classes in ports:
            _, first, value = np.unique(classes[kept], return_index=True, return_inverse=True)
            order = (
                first.argsort()
            )  # values are numbered as they come, whatever the link calls them
            value = order.argsort()[value.ravel()]
            if value.tobytes() not in widths:
                widths[value.tobytes()] = (len(self._sizes), value)
                self._sizes.append(len(first))
            ends[end] = (widths[value.tobytes()][0], classes[kept][first[order]])
        scope = tuple(width for width, _ in widths.values())
        cell = np.zeros(len(kept), dtype=np.int64)
        for width, value in widths.values():
            cell = cell * self._sizes[width] + value
        order = cell.argsort(kind="stable")
        cells, starts = np.unique(cell[order], return_index=True)
        rows = kept[order]
        self._layers.append(
            _Layer(number, rows, table.use[rows], table.latency[rows], starts, cells, scope)
        )
        return ends

    def _plan(self) -> tuple[_Step, ...]:
        """Widths in the order that keeps terms small: next is always the one whose new term is the smallest."""
        scopes: dict[int, Scope] = dict(
            enumerate(
                [*(layer.scope for layer in self._layers), *(scope for scope, _ in self._links)]
            )
        )
        steps: list[_Step] = []
        left = set(range(len(self._sizes)))
        count = itertools.count(len(scopes))
        seen: dict[int, set[int]] = {width: set() for width in left}
        for number, scope in scopes.items():
            for width in scope:
                seen[width].add(number)

        def joined(width: int) -> Scope:
            return tuple(sorted({other for n in seen[width] for other in scopes[n]} - {width}))

        def size(width: int) -> tuple[float, int]:
            return float(np.prod([self._sizes[other] for other in joined(width)])), width

        ranks = {width: size(width) for width in left}
        while left:
            width = min(left, key=ranks.__getitem__)
            left.remove(width)
            scope = joined(width)
            terms = []
            for number in sorted(seen[width]):
                own = scopes[number]
                axes = [*(other for other in scope if other in own), width]
                order = (0, *(own.index(other) + 1 for other in axes))
                shape = [self._sizes[other] if other in own else 1 for other in (*scope, width)]
                terms.append((number, order, tuple(shape)))
                for other in own:
                    if other != width:
                        seen[other].discard(number)
            new = next(count)
            scopes[new] = scope
            steps.append(_Step(width, scope, tuple(terms)))
            for other in scope:
                seen[other].add(new)
            for other in scope:
                ranks[other] = size(other)
        return tuple(steps)
