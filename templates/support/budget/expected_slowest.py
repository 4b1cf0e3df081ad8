"""The cycles of a frame that a search may expect: those of the slowest part, in the mean over the paths of a graph of states.

A path is as quick as c when all of its arcs are: the chance of that is the sum over the paths of the graph without the slower
arcs. So the maximum needs no state of its own, but one sweep for each number of cycles that a part can take; numpy does these at
once. Like the sums of support/budget/expected_joint.py it is a polynomial of the probabilities.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from support.budget.joint_states import Arc

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class _Step:
    """All arcs of a step, [arcs] each; is_quick: [levels, arcs]. states, after: how many there are before and behind it."""

    which: int
    before: Ints
    pick: Ints
    behind: Ints
    is_quick: npt.NDArray[np.bool_]
    states: int
    after: int


class ExpectedSlowest:
    """order, arcs: of a StateGraph."""

    def __init__(self, order: Sequence[int], arcs: Sequence[Sequence[Sequence[Arc]]]) -> None:
        of_steps = [
            np.array(
                [
                    (state, arc.pick, arc.after, arc.slowest)
                    for state, its in enumerate(states)
                    for arc in its
                ]
            )
            for states in arcs
        ]
        # Every network is at least as slow as the quickest arc of each step.
        least = max((int(step[:, 3].min()) for step in of_steps), default=0)
        slower = {int(cycles) for step in of_steps for cycles in step[:, 3] if cycles > least}
        self._levels = np.array([least, *sorted(slower)], dtype=np.float64)
        self._steps = [
            _Step(
                which,
                before,
                pick,
                behind,
                slowest <= self._levels[:, None],
                len(states),
                int(behind.max()) + 1,
            )
            for which, states, (before, pick, behind, slowest) in zip(
                order, arcs, (step.T for step in of_steps), strict=True
            )
        ]

    def cycles(self, chances: Sequence[Sequence[float]]) -> float:
        """chances: of each alternative of each place and node."""
        reached = self._forwards(chances)[-1]
        return float(self._mean(reached.sum(axis=1)))

    def if_drawn(self, chances: Sequence[Sequence[float]]) -> list[list[float]]:
        """The cycles to expect if an alternative is drawn, for each."""
        found = [[0.0] * len(it) for it in chances]
        later = np.ones((len(self._levels), 1))
        for step, reached in zip(
            reversed(self._steps), reversed(self._forwards(chances)[:-1]), strict=True
        ):
            own = np.asarray(chances[step.which])
            onwards = later[:, step.behind] * step.is_quick
            drawn = self._mean(reached[:, step.before] * onwards)
            found[step.which] = np.bincount(step.pick, drawn, len(own)).tolist()
            later = _summed(onwards * own[step.pick], step.before, step.states)
        return found

    def _forwards(self, chances: Sequence[Sequence[float]]) -> list[Floats]:
        """Before each step, and behind the last, how likely each state is reached by quick arcs alone: [levels, states]."""
        found = [np.ones((len(self._levels), 1))]
        for step in self._steps:
            share = found[-1][:, step.before] * np.asarray(chances[step.which])[step.pick]
            found.append(_summed(share * step.is_quick, step.behind, step.after))
        return found

    def _mean(self, quick: Floats) -> Floats:
        """Of the levels, of which each is kept to with the probability `quick`: [levels, ...]. Gives [...]."""
        steps = np.append(self._levels[:-1] - self._levels[1:], self._levels[-1])
        return np.asarray(np.tensordot(steps, quick, axes=1))


def _summed(values: Floats, to: Ints, count: int) -> Floats:
    """values: [levels, arcs]. Gives [levels, count], the sums of those that lead to the same."""
    levels = len(values)
    places = np.arange(levels)[:, None] * count + to
    return np.bincount(places.ravel(), values.ravel(), levels * count).reshape(levels, count)
