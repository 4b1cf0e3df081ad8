"""The hardware that a search for bit widths or channels, alone or with ops, may expect, and its gradient with respect to all alphas.

In float64. Nodes draw as in support/budget/expected.py, places by softmax(alpha), all independently.
The expectation is then a sum over the paths of a graph (support/budget/joint_states.py), of which each arc has the probability of its
alternative: forwards how likely each state is, backwards what is expected from it on. It is a polynomial of the
probabilities, and its derivative with respect to one of them the expected cost if that alternative is drawn. Cycles do not
add up: support/budget/expected_slowest.py has their mean over the same paths.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from support.budget.costs import FIGURES
from support.budget.expected import EdgeOps, Shares, kept, through_softmax
from support.budget.expected_slowest import ExpectedSlowest
from support.budget.joint_costs import JointCosts
from support.budget.joint_states import Arc, StateGraph
from support.progress import StageError

_SUMS = range(1, len(FIGURES))
"""The figures that add up: all but the cycles."""


class ExpectedJointCost:
    """weights: what a unit of each figure adds to the loss.

    Shares are those of the edges and, after them, of the places.
    """

    def __init__(
        self,
        costs: JointCosts,
        edges: Sequence[EdgeOps],
        policy: str,
        weights: Mapping[str, float],
    ) -> None:
        """Errors: StageError, if the costs are of other cells."""
        self._costs, self._edges = costs, edges
        losses = [[0.0] * count for count in costs.counts]
        graph = StateGraph(costs, losses, 0, _SUMS, lambda part: True)
        self._order, self._arcs = graph.order.order, graph.arcs
        self._slowest = ExpectedSlowest(self._order, self._arcs)
        self._weights = [weights.get(FIGURES[index], 0.0) for index in _SUMS]
        self._of_cycles = weights.get("cycles", 0.0)
        self._worth = [
            [[self._worth_of(arc.use) for arc in arcs] for arcs in states] for states in self._arcs
        ]
        # For each node what it may draw: the edge, the op, and the index of what is kept then.
        self._draws: list[list[tuple[int, int, int]]] = []
        for (cell, node), options in costs.options.items():
            index = {(it.op, it.source): at for at, it in enumerate(options)}
            draws = [
                (at, position, index.get((op, edge.source), -1))
                for at, edge in enumerate(edges)
                if (edge.cell, edge.node) == (cell, node)
                for position, op in enumerate(kept(name, edge, policy) for name in edge.ops)
                if op is not None
            ]
            if not draws or any(at < 0 for _, _, at in draws):
                raise StageError(
                    f"the costs in settings/ do not have all ops of node {node} of {cell}",
                    "compile the spec again: they belong to another search space",
                )
            self._draws.append(draws)

    def figures(self, shares: Shares) -> dict[str, float]:
        """The expectation of each figure."""
        chances, _ = self._chances(shares)
        sums = [0.0] * len(_SUMS)
        for which, states, reached in self._forwards(chances):
            for arcs, share in zip(states, reached, strict=True):
                for arc in arcs:
                    chance = share * chances[which][arc.pick]
                    sums = [a + chance * b for a, b in zip(sums, arc.use, strict=True)]
        return dict(zip(FIGURES, (self._slowest.cycles(chances), *sums), strict=True))

    def penalty(self, shares: Shares) -> float:
        """What is added to the loss."""
        figures = self.figures(shares)
        of_sums = self._worth_of([figures[FIGURES[index]] for index in _SUMS])
        return of_sums + self._of_cycles * figures["cycles"]

    def gradient(self, shares: Shares) -> list[list[float]]:
        """Of the penalty, with respect to the alphas of every edge and place."""
        chances, masses = self._chances(shares)
        if_drawn = [[0.0] * len(it) for it in chances]
        later = self._backwards(chances)
        for step, (which, states, reached) in enumerate(self._forwards(chances)):
            slopes = if_drawn[which]
            for arcs, worths, share in zip(states, self._worth[step], reached, strict=True):
                for arc, worth in zip(arcs, worths, strict=True):
                    slopes[arc.pick] += share * (worth + later[step + 1][arc.after])
        if self._of_cycles:
            for slopes, its in zip(if_drawn, self._slowest.if_drawn(chances), strict=True):
                slopes[:] = [a + self._of_cycles * b for a, b in zip(slopes, its, strict=True)]
        count = len(self._costs.places)
        by_share = [[0.0] * len(edge.ops) for edge in self._edges]
        for draws, mass, costs, own in zip(
            self._draws, masses, if_drawn[count:], chances[count:], strict=True
        ):
            mean = sum(share * cost for share, cost in zip(own, costs, strict=True))
            for edge, op, index in draws:
                by_share[edge][op] = (costs[index] - mean) / mass
        slopes_of_all = [*by_share, *if_drawn[:count]]
        return [through_softmax(of, by) for of, by in zip(shares, slopes_of_all, strict=True)]

    def _worth_of(self, use: Sequence[float]) -> float:
        return sum(weight * count for weight, count in zip(self._weights, use, strict=True))

    def _chances(self, shares: Shares) -> tuple[list[list[float]], list[float]]:
        """Of each alternative of each place and node; and for each node what the shares of its draws sum up to."""
        of_places = [list(it) for it in shares[len(self._edges) :]]
        of_nodes, masses = [], []
        for draws, options in zip(self._draws, self._costs.options.values(), strict=True):
            mass = sum(shares[edge][op] for edge, op, _ in draws)
            own = [0.0] * len(options)
            for (
                edge,
                op,
                index,
            ) in draws:  # where all lies on zero at the end of what floats hold, alike
                own[index] += shares[edge][op] / mass if mass > 0 else 1.0 / len(draws)
            of_nodes.append(own)
            masses.append(mass if mass > 0 else 1.0)
        return [*of_places, *of_nodes], masses

    def _forwards(
        self, chances: Sequence[Sequence[float]]
    ) -> Iterator[tuple[int, Sequence[Sequence[Arc]], list[float]]]:
        """For each step what is decided, its states with their arcs, and how likely each state is."""
        reached = [1.0]
        for step, (which, states) in enumerate(zip(self._order, self._arcs, strict=True)):
            yield which, states, reached
            count = len(self._arcs[step + 1]) if step + 1 < len(self._arcs) else 1
            after = [0.0] * max(count, 1)
            for arcs, share in zip(states, reached, strict=True):
                for arc in arcs:
                    after[arc.after] += share * chances[which][arc.pick]
            reached = after

    def _backwards(self, chances: Sequence[Sequence[float]]) -> list[list[float]]:
        """For each step and state the worth that is expected from there on."""
        found: list[list[float]] = [[0.0]]
        for which, states, worths in zip(
            self._order[::-1], self._arcs[::-1], self._worth[::-1], strict=True
        ):
            of_one, after = chances[which], found[-1]
            found.append(
                [
                    sum(
                        of_one[arc.pick] * (worth + after[arc.after])
                        for arc, worth in zip(arcs, own, strict=True)
                    )
                    for arcs, own in zip(states, worths, strict=True)
                ]
            )
        return found[::-1]
