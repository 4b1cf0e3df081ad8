"""The best bit widths within a hardware budget, alone or together with ops, found exactly. Pure Python.

Every alternative of a place and of a node has a loss, 0 for what would be kept without a budget; the choice with the least
sum of losses whose network stays within the limits is sought, pace by pace (support/budget/costs.py).

All choices are the paths of a graph of states (support/budget/joint_states.py). For prices >= 0 on the limited resources, the least
of losses plus priced costs is a shortest path, and this minus what the budget is worth bounds the loss of every network within
the budget from below (Lagrangian duality). Branch and bound over the paths does the rest. nashc asks the same code at compile time whether any choice fits.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from support.budget.answers import EPSILON, Answer, Tell, Undecided, is_within, nearest_by
from support.budget.costs import FIGURES, Part
from support.budget.joint_costs import JointCosts
from support.budget.joint_states import Entangled, StateGraph

MOST_VISITS = 400_000
"""Partial choices that are looked at for a pace before the best one so far is taken."""
_ARCS_OF_ROUNDS = 4_000_000
_ROUNDS = 60

__all__ = [
    "Entangled",
    "JointCosts",
    "Undecided",
    "best_jointly_within",
    "check_size",
    "nearest_by",
]

Losses = Sequence[Sequence[float]]
"""For each place and node and its alternatives, how much worse than the best one that is, >= 0; infinite: not to be taken."""


def check_size(costs: JointCosts) -> None:
    """Errors: Entangled, if any budget could meet that."""
    losses = [[0.0] * count for count in costs.counts]
    _AtPace(costs, losses, {}, len(costs.paces) - 1, None).graph()


def best_jointly_within(
    costs: JointCosts, losses: Losses, limits: Mapping[str, int], tell: Tell | None = None
) -> Answer | None:
    """The least loss within limits, by figure; None if nothing is within them. Errors: Undecided, Entangled.

    picks of the answer: the index of the alternative for each place and, after these, for each node.
    tell: is told how many paces these are.
    """
    free = tuple(min(range(len(it)), key=it.__getitem__) for it in losses)
    if is_within(costs.of_network(free), limits):
        return Answer(free, _sum(losses, free), _sum(losses, free))
    best: Answer | None = None
    left = math.inf
    for pace in range(len(costs.paces)):
        if best and best.loss <= 0:
            break  # no other pace has a better one
        if tell:
            tell(pace, len(costs.paces))
        search = _AtPace(costs, losses, limits, pace, best)
        best, left = search.run(), min(left, search.left)
    if best is None and left < math.inf:
        best = _any_within(costs, losses, limits)
    return best and Answer(best.picks, best.loss, min(best.loss, left))


def _any_within(costs: JointCosts, losses: Losses, limits: Mapping[str, int]) -> Answer | None:
    """What nashc found at compile time, when nothing had a loss yet: that will do. Errors: Undecided."""
    if not any(any(0 < it < math.inf for it in of_one) for of_one in losses):
        raise Undecided
    without = [[0.0 if it < math.inf else it for it in of_one] for of_one in losses]
    found = best_jointly_within(costs, without, limits)
    return found and Answer(found.picks, _sum(losses, found.picks), -math.inf)


def _sum(losses: Losses, picks: Sequence[int]) -> float:
    return sum(of_one[pick] for of_one, pick in zip(losses, picks, strict=True))


class _AtPace:
    """The search among the networks that are folded for one pace."""

    def __init__(
        self,
        costs: JointCosts,
        losses: Losses,
        limits: Mapping[str, int],
        pace: int,
        best: Answer | None,
    ) -> None:
        self.costs, self.losses, self.given = costs, losses, limits
        self.pace, self.best = pace, best
        self.limited = [index for index, name in enumerate(FIGURES) if index and name in limits]
        self.limits = [limits[FIGURES[index]] for index in self.limited]
        self.most_cycles = limits.get("cycles", math.inf)
        self.left = math.inf
        """No choice at this pace that was not looked at has a lower loss."""
        self._visits = 0

    def run(self) -> Answer | None:
        """The best of this pace, or `best` if that is better."""
        graph = self.graph()
        self.arcs, self.order = graph.arcs, graph.order.order
        self.rounds = max(5, min(_ROUNDS, _ARCS_OF_ROUNDS // max(1, graph.count)))
        self.least = []
        for index in range(len(self.limited)):
            unit = [float(index == other) for other in range(len(self.limited))]
            rest = self._rest(0.0, unit)
            if rest[0][0] > self.limits[index]:
                return self.best
            self.least.append(rest)
        if self._rest(0.0, [0.0] * len(self.limited))[0][0] == math.inf:
            return self.best
        self._set_prices()
        self._descend(0, 0, [], 0.0, [0] * len(self.limited))
        return self.best

    def graph(self) -> StateGraph:
        """Every state that may come about at this pace. Errors: Entangled."""
        return StateGraph(self.costs, self.losses, self.pace, self.limited, self._is_allowed)

    def _is_allowed(self, part: Part) -> bool:
        is_fast = part.cost[self.pace][0] <= self.most_cycles
        return is_fast and part.slowest <= self.costs.paces[self.pace]

    # ---- bounds ------------------------------------------------------------------------------------

    def _rest(self, loss_weight: float, price: Sequence[float]) -> list[list[float]]:
        """For each step and state the least of weighted losses and priced costs from there on; infinite: no way on."""
        found: list[list[float]] = [[0.0]]
        for states in reversed(self.arcs):
            after = found[-1]
            found.append(
                [
                    min(
                        (
                            loss_weight * arc.loss + _dot(price, arc.use) + after[arc.after]
                            for arc in arcs
                        ),
                        default=math.inf,
                    )
                    for arcs in states
                ]
            )
        return found[::-1]

    def _set_prices(self) -> None:
        """Prices that make the bound high: subgradient steps. Any prices >= 0 give a bound, so stopping early does no harm."""
        price = [0.0] * len(self.limits)
        self.highest, step = -math.inf, 1.0
        worst = 1.0 + sum(
            max((it for it in of_one if it < math.inf), default=0.0) for of_one in self.losses
        )
        for _ in range(self.rounds if self.limits else 1):
            rest = self._rest(1.0, price)
            use = self._follow(rest, price)
            over = [used - limit for used, limit in zip(use, self.limits, strict=True)]
            bound = rest[0][0] - _dot(price, self.limits)
            if bound > self.highest:
                self.highest, self.price, self.rest = bound, price, rest
            else:
                step *= 0.8
            slope = [
                excess / max(1, limit) for excess, limit in zip(over, self.limits, strict=True)
            ]
            length = sum(it * it for it in slope)
            if length == 0 or (self.best and bound > self.best.loss - EPSILON):
                break
            size = step * max((self.best.loss if self.best else worst) - bound, EPSILON) / length
            price = [
                max(0.0, old + size * it / max(1, limit))
                for old, it, limit in zip(price, slope, self.limits, strict=True)
            ]

    def _follow(self, rest: Sequence[Sequence[float]], price: Sequence[float]) -> list[int]:
        """Take the shortest path if it is within the limits; its use of the limited resources."""
        state, picks, use = 0, [], [0] * len(self.limits)
        for arcs, after in zip(self.arcs, rest[1:], strict=True):
            arc = min(arcs[state], key=lambda it: it.loss + _dot(price, it.use) + after[it.after])
            picks.append(arc.pick)
            use = [a + b for a, b in zip(use, arc.use, strict=True)]
            state = arc.after
        self._take(picks)
        return use

    # ---- the search --------------------------------------------------------------------------------

    def _descend(
        self, step: int, state: int, picks: list[int], loss: float, use: Sequence[int]
    ) -> None:
        if step == len(self.order):
            self._take(picks)
            return
        later = self.rest[step + 1]
        options = []
        for arc in self.arcs[step][state]:
            now = [a + b for a, b in zip(use, arc.use, strict=True)]
            short = (
                used + least[step + 1][arc.after] > limit
                for used, least, limit in zip(now, self.least, self.limits, strict=True)
            )
            if later[arc.after] == math.inf or any(short):
                continue
            so_far = loss + arc.loss
            bound = so_far + later[arc.after] + _dot(self.price, now)
            options.append(
                (max(bound - _dot(self.price, self.limits), so_far), arc.pick, so_far, now, arc)
            )
        for bound, pick, so_far, now, arc in sorted(options, key=lambda it: it[:2]):
            if self.best is not None and bound >= self.best.loss - EPSILON:
                return
            self._visits += 1
            if self._visits > MOST_VISITS:
                self.left = min(self.left, bound)
                return
            self._descend(step + 1, arc.after, [*picks, pick], so_far, now)

    def _take(self, picks: Sequence[int]) -> None:
        """Keep a choice, in the order of the steps, if it is within the limits as FINN folds it, and the best so far."""
        every = [0] * len(self.order)
        for which, pick in zip(self.order, picks, strict=True):
            every[which] = pick
        loss = _sum(self.losses, every)
        is_better = self.best is None or loss < self.best.loss - EPSILON
        if is_better and is_within(self.costs.of_network(every), self.given):
            self.best = Answer(tuple(every), loss, -math.inf)


def _dot(a: Sequence[float], b: Sequence[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))
