"""The best ops within a hardware budget, found exactly: branch and bound over what each node may keep. Pure Python.

Each candidate of a node has a loss, 0 for what the node would keep without a budget; the network with the least sum of losses
that stays within the limits is sought, pace by pace (support/budget/rows.py), with bounds from prices (support/budget/bounds.py).
It is also a case of support/budget/joint_within.py, whose states would be too many where many nodes may read each value.
nashc asks the same code at compile time whether anything fits, so that a search never ends without an answer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from support.budget.answers import EPSILON, Answer, Tell, Undecided, is_within, nearest_by
from support.budget.bounds import Bounds
from support.budget.costs import SearchCosts
from support.budget.rows import AtPace, Candidate

__all__ = ["Candidate", "SearchCosts", "Undecided", "best_within", "figures_of", "nearest_by"]

MOST_VISITS = 400_000
"""A second or two: nashc asks at compile time whether anything fits at all, which takes far fewer."""
_TELL_EVERY = 50_000


def best_within(
    costs: SearchCosts,
    nodes: Sequence[Sequence[Candidate]],
    limits: Mapping[str, int],
    most_visits: int = MOST_VISITS,
    tell: Tell | None = None,
) -> Answer | None:
    """The candidates with the least loss whose network stays within limits, by figure; None if there are none.

    most_visits: partial networks that are looked at for a pace before the best one so far is taken.
    tell: is told how many these are. Errors: Undecided.
    """
    greedy = tuple(
        min(range(len(node)), key=lambda index, node=node: node[index].loss) for node in nodes
    )
    if is_within(figures_of(costs, nodes, greedy), limits):
        return Answer(greedy, _loss(nodes, greedy), _loss(nodes, greedy))
    best: Answer | None = None
    left = math.inf
    for pace in range(len(costs.paces)):
        search = _Search(costs, nodes, limits, pace, best, most_visits, tell)
        best, left = search.run(), min(left, search.left)
    if best is None and left < math.inf:
        best = _any_within(costs, nodes, limits)
    return best and Answer(best.picks, best.loss, min(best.loss, left))


def _any_within(
    costs: SearchCosts, nodes: Sequence[Sequence[Candidate]], limits: Mapping[str, int]
) -> Answer | None:
    """Whether nashc found one at compile time, when nothing had a loss yet: that one will do. Errors: Undecided."""
    free = [[Candidate(candidate.option, 0.0) for candidate in node] for node in nodes]
    if free == [list(node) for node in nodes]:
        raise Undecided
    found = best_within(costs, free, limits)
    return found and Answer(found.picks, _loss(nodes, found.picks), -math.inf)


def figures_of(
    costs: SearchCosts, nodes: Sequence[Sequence[Candidate]], picks: Sequence[int]
) -> dict[str, int]:
    return costs.of_network(node[pick].option for node, pick in zip(nodes, picks, strict=True))


def _loss(nodes: Sequence[Sequence[Candidate]], picks: Sequence[int]) -> float:
    return sum(node[pick].loss for node, pick in zip(nodes, picks, strict=True))


@dataclass
class _State:
    """A partial network: its first nodes have chosen.

    counted: of each value, the worth of the shares that are put to the account of these nodes.
    """

    picks: list[int] = field(default_factory=list)
    readers: dict[str, tuple[int, int]] = field(default_factory=dict)
    counted: dict[str, float] = field(default_factory=dict)


class _Search:
    """The search among the networks that are folded for one pace."""

    def __init__(
        self,
        costs: SearchCosts,
        nodes: Sequence[Sequence[Candidate]],
        limits: Mapping[str, int],
        pace: int,
        best: Answer | None,
        most_visits: int,
        tell: Tell | None,
    ) -> None:
        self.costs, self.nodes, self.limits, self.best = costs, nodes, limits, best
        self.pace, self.most_visits, self.tell = pace, most_visits, tell
        self.at = AtPace(costs, nodes, limits, pace)
        # The lowest bound of what was not looked at any more; without end if all was.
        self.left = math.inf
        self._visits = self._told = 0

    def run(self) -> Answer | None:
        """The best of this pace, or `best` if that is better."""
        if not self.at.is_possible:
            return self.best
        self.worst = sum(max(row.loss for row in rows) for rows in self.at.rows)
        self.bounds = Bounds(self.at, self._goal)
        values, base = self.costs.values, self.at.base
        state = _State([], dict.fromkeys(values, (0, 0)), dict.fromkeys(values, 0.0))
        self._descend(state, 0.0, base, self.bounds.worth(base), self.at.needs)
        return self.best

    def _goal(self, picks: list[int]) -> float:
        """The loss of the best network so far, after a try of this one; more than any has if there is none."""
        self._try(picks)
        return self.best.loss if self.best else self.worst + 1.0

    def _try(self, picks: list[int]) -> None:
        """Take a network if it is the best so far, after changing node by node what makes it better."""
        if not self._take(picks):
            return
        for node, candidates in enumerate(self.nodes):
            for index, candidate in enumerate(candidates):
                if candidate.loss < candidates[picks[node]].loss:
                    changed = [*picks[:node], index, *picks[node + 1 :]]
                    if self._take(changed):
                        picks = changed

    def _take(self, picks: Sequence[int]) -> bool:
        loss = _loss(self.nodes, picks)
        if not self._is_better(loss):
            return False
        if not is_within(figures_of(self.costs, self.nodes, picks), self.limits):
            return False
        self.best = Answer(tuple(picks), loss, -math.inf)
        return True

    def _descend(
        self, state: _State, loss: float, use: Sequence[int], shared: float, needs: bool
    ) -> None:
        """use: of the resources so far. shared: its worth, with shares of the values that later nodes may read. needs: this pace."""
        node, at, bounds = len(state.picks), self.at, self.bounds
        if not (needs or at.may_need[node]):
            return
        if node == len(at.rows):
            if needs:
                self.best = Answer(tuple(state.picks), loss, -math.inf)
            return
        rest = bounds.rest[node + 1]
        for it in bounds.rows[node]:
            row = it.row
            self._visits += 1
            name = row.option.reads
            before = state.readers[name]
            reading = at.reading(name, before, row.option.is_wide)
            if reading is None:
                continue
            used = [
                total + own + more
                for total, own, more in zip(use, row.cost, reading.change, strict=True)
            ]
            if any(
                now + least > limit
                for now, least, limit in zip(used, rest.use, at.limits, strict=True)
            ):
                continue
            counted = state.counted[name]
            state.readers[name], state.counted[name] = reading.after, counted + it.of_value
            with_shares = shared + it.shared + bounds.closed(node, state.readers, state.counted)
            bound = max(rest.loss, bounds.worth(used) + rest.priced, with_shares + rest.shared)
            if self._is_better(loss + row.loss + bound):
                if self._visits > self.most_visits:
                    self.left = min(self.left, loss + row.loss + bound)
                else:
                    self._tell()
                    state.picks.append(row.index)
                    needs_now = needs or row.needs or reading.needs
                    self._descend(state, loss + row.loss, used, with_shares, needs_now)
                    state.picks.pop()
            state.readers[name], state.counted[name] = before, counted

    def _tell(self) -> None:
        if self.tell and self._visits >= self._told + _TELL_EVERY:
            self._told = self._visits
            most = len(self.costs.paces) * self.most_visits
            self.tell(self.pace * self.most_visits + self._visits, most)

    def _is_better(self, loss: float) -> bool:
        """Whether a network of at least this loss could be worth having."""
        if self.best is None:
            return loss <= self.worst + EPSILON
        return loss < self.best.loss - EPSILON
