"""The hardware that a search may expect to end with, and its gradient with respect to the alphas. Pure Python, in float64.

A node ends up with one op of one edge. It is taken to draw it: softmax(alpha) of all its edges, zero and what the policy
does not keep left out, made to sum to 1. Nodes draw independently. Then the expectation is exact, values that several nodes
share included, and a polynomial of these probabilities: its derivative with respect to one of them is the expected cost if
that one is drawn. The cycles of a frame are those of the slowest part, so their expectation is that of a maximum, which is
smooth although a maximum is not.

All is reckoned at the first pace of support/budget/costs.py. An op too slow for it would have FINN fold everything for less:
the derivation accounts for that exactly, here only the cycles show it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from support.budget.costs import FIGURES, Option, Part, SearchCosts, total
from support.derivation.cells import CONV_1X1, MAX_POOL, ZERO

Shares = Sequence[Sequence[float]]
"""softmax(alpha) of every edge, in the order of the edges."""


class Penalty(Protocol):
    """What the hardware adds to the loss of the architecture: `ExpectedCost`, or `ExpectedJointCost` where bit widths are searched."""

    def figures(self, shares: Shares) -> dict[str, float]: ...
    def gradient(self, shares: Shares) -> list[list[float]]: ...


@dataclass(frozen=True)
class EdgeOps:
    """What is known of an edge before the search."""

    cell: str
    source: int
    node: int
    ops: tuple[str, ...]
    changes_channels: bool


@dataclass(frozen=True)
class _Draw:
    """An op that a node may draw: where it stands, and what it costs."""

    edge: int
    op: int
    option: Option


class ExpectedCost:
    """weights: what a unit of each figure adds to the loss."""

    def __init__(
        self,
        costs: SearchCosts,
        edges: Sequence[EdgeOps],
        policy: str,
        weights: Mapping[str, float],
    ) -> None:
        self._costs, self._edges = costs, edges
        self._weights = [weights.get(figure, 0.0) for figure in FIGURES]
        nodes: dict[tuple[str, int], list[_Draw]] = {}
        for index, edge in enumerate(edges):
            draws = nodes.setdefault((edge.cell, edge.node), [])
            for position, op in enumerate(edge.ops):
                keeps = kept(op, edge, policy)
                if keeps is not None:
                    option = costs.option(edge.cell, edge.node, keeps, edge.source)
                    draws.append(_Draw(index, position, option))
        self._nodes = list(nodes.values())
        unread = [costs.value(name, 0, 0) for name in costs.values]
        self._base = total([part.cost[0] for part in (costs.fixed, *unread)])
        seen = {it.option.part.cost[0][0] for draws in self._nodes for it in draws}
        self._cycles = sorted({self._base[0], *(c for c in seen if c > self._base[0])})

    def figures(self, shares: Shares) -> dict[str, float]:
        """The expectation of each figure."""
        drawn = [_normalised(draws, shares)[0] for draws in self._nodes]
        found = {"cycles": self._mean_of_maximum(self._up_to(drawn))}
        for index, figure in enumerate(FIGURES[1:], 1):
            own = sum(
                share * it.option.part.cost[0][index]
                for draws, of_node in zip(self._nodes, drawn, strict=True)
                for it, share in zip(draws, of_node, strict=True)
            )
            of_values = 0.0
            for name in self._costs.values:
                readers = self._readers(name, drawn)
                unread = self._costs.value(name, 0, 0).cost[0][index]
                of_values += sum(
                    chance * (self._costs.value(name, *count).cost[0][index] - unread)
                    for count, chance in self._counts(name, readers).items()
                )
            found[figure] = self._base[index] + own + of_values
        return found

    def penalty(self, shares: Shares) -> float:
        """What is added to the loss."""
        figures = self.figures(shares)
        pairs = zip(self._weights, FIGURES, strict=True)
        return sum(weight * figures[figure] for weight, figure in pairs)

    def gradient(self, shares: Shares) -> list[list[float]]:
        """Of the penalty, with respect to the alphas of every edge."""
        normalised = [_normalised(draws, shares) for draws in self._nodes]
        drawn = [of_node for of_node, _ in normalised]
        of_values = {name: self._values_if_drawn(name, drawn) for name in self._costs.values}
        of_cycles = self._cycles_if_drawn(drawn)
        by_share = [[0.0] * len(edge.ops) for edge in self._edges]
        for node, (draws, (of_node, mass)) in enumerate(zip(self._nodes, normalised, strict=True)):
            costs = [
                self._worth(it.option.part)
                + of_values[it.option.reads][node][it.option.is_wide]
                + of_cycles[node][position]
                for position, it in enumerate(draws)
            ]
            mean = sum(share * cost for share, cost in zip(of_node, costs, strict=True))
            for it, cost in zip(draws, costs, strict=True):
                by_share[it.edge][it.op] = (cost - mean) / mass
        return [through_softmax(of, by) for of, by in zip(shares, by_share, strict=True)]

    # ---- resources, which add up -----------------------------------------------------------------

    def _worth(self, part: Part) -> float:
        """Of all figures but the cycles."""
        return sum(w * c for w, c in zip(self._weights[1:], part.cost[0][1:], strict=True))

    def _readers(self, name: str, drawn: Sequence[Sequence[float]]) -> list[tuple[float, float]]:
        """For each node the chance that it reads a value as it is, and in two bits."""
        found = []
        for draws, of_node in zip(self._nodes, drawn, strict=True):
            chances = [0.0, 0.0]
            for it, share in zip(draws, of_node, strict=True):
                if it.option.reads == name:
                    chances[it.option.is_wide] += share
            found.append((chances[0], chances[1]))
        return found

    def _counts(
        self, name: str, readers: Sequence[tuple[float, float]]
    ) -> dict[tuple[int, int], float]:
        """How likely each number of readers is; numbers that cost the same as the largest of the table count as that."""
        rows = self._costs.values[name]
        most = len(rows) - 1, max(map(len, rows)) - 1
        counts = {(0, 0): 1.0}
        for plain, wide in readers:
            if plain == wide == 0:
                continue
            after: dict[tuple[int, int], float] = {}
            for (p, w), chance in counts.items():
                for key, share in (
                    ((p, w), 1 - plain - wide),
                    ((min(p + 1, most[0]), w), plain),
                    ((p, min(w + 1, most[1])), wide),
                ):
                    after[key] = after.get(key, 0.0) + chance * share
            counts = after
        return counts

    def _values_if_drawn(
        self, name: str, drawn: Sequence[Sequence[float]]
    ) -> list[tuple[float, float]]:
        """For each node: what the value is expected to cost more if that node reads it, as it is and in two bits."""
        readers = self._readers(name, drawn)
        found = []
        for node, chances in enumerate(readers):
            if chances == (0.0, 0.0):
                found.append((0.0, 0.0))
                continue
            others = self._counts(name, [*readers[:node], *readers[node + 1 :]])
            more = [0.0, 0.0]
            for (p, w), chance in others.items():
                now = self._worth(self._costs.value(name, p, w))
                more[0] += chance * (self._worth(self._costs.value(name, p + 1, w)) - now)
                more[1] += chance * (self._worth(self._costs.value(name, p, w + 1)) - now)
            found.append((more[0], more[1]))
        return found

    # ---- cycles, of which the largest counts ---------------------------------------------------------

    def _up_to(self, drawn: Sequence[Sequence[float]]) -> list[list[float]]:
        """For each node: how likely it is to need at most each of `_cycles`."""
        return [
            [
                sum(
                    share
                    for it, share in zip(draws, of_node, strict=True)
                    if it.option.part.cost[0][0] <= cycles
                )
                for cycles in self._cycles
            ]
            for draws, of_node in zip(self._nodes, drawn, strict=True)
        ]

    def _mean_of_maximum(self, up_to: Sequence[Sequence[float]], least: int = 0) -> float:
        """Of the largest of all nodes' cycles, the fixed part's and `least`."""
        mean, before = 0.0, 0.0
        for index, cycles in enumerate(self._cycles):
            chance = math.prod(of_node[index] for of_node in up_to)
            mean += max(cycles, least) * (chance - before)
            before = chance
        return mean

    def _cycles_if_drawn(self, drawn: Sequence[Sequence[float]]) -> list[list[float]]:
        """For each node and draw: the weighted cycles expected if that is drawn."""
        weight = self._weights[0]
        if not weight:
            return [[0.0] * len(draws) for draws in self._nodes]
        up_to = self._up_to(drawn)
        found = []
        for node, draws in enumerate(self._nodes):
            others = [*up_to[:node], *up_to[node + 1 :]]
            known: dict[int, float] = {}
            for it in draws:
                cycles = it.option.part.cost[0][0]
                if cycles not in known:
                    known[cycles] = weight * self._mean_of_maximum(others, cycles)
            found.append([known[it.option.part.cost[0][0]] for it in draws])
        return found


def kept(op: str, edge: EdgeOps, policy: str) -> str | None:
    """What the derivation makes of an op that it takes; None if it would not take it."""
    if op == ZERO:
        return None
    if op == MAX_POOL and edge.changes_channels:
        return CONV_1X1 if policy == "v1" else None
    return op


def _normalised(draws: Sequence[_Draw], shares: Shares) -> tuple[list[float], float]:
    """The chances of a node's draws, and what they summed up to before."""
    chances = [shares[it.edge][it.op] for it in draws]
    mass = sum(chances)
    if mass <= 0:  # all but zero lies at the end of what floats hold
        return [1.0 / len(draws)] * len(draws), 1.0
    return [chance / mass for chance in chances], mass


def through_softmax(shares: Sequence[float], by_share: Sequence[float]) -> list[float]:
    """d/d(alpha) of what has these derivatives by softmax(alpha)."""
    mean = sum(share * slope for share, slope in zip(shares, by_share, strict=True))
    return [share * (slope - mean) for share, slope in zip(shares, by_share, strict=True)]
