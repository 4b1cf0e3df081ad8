"""All choices of ops and bit widths as the paths of a graph of states. Pure Python.

Places are decided in the order of the network, a node when all places that its branches meet are. What the rest costs then
depends on little, the state: on the widths of the decided places that a later part meets, and on how many nodes read each
value that a later node may read too. Partial choices with the same state have the same rest: support/budget/joint_within.py finds
the best path, support/budget/expected_joint.py the mean of all.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from support.budget.costs import FIGURES, Part, read
from support.budget.joint_costs import JointCosts, JointOption

MOST_ARCS = 600_000
"""Of a graph: seconds in which it is made."""

CYCLES = FIGURES.index("cycles")
State = tuple[int, ...]


class Entangled(Exception):
    """Too many choices depend on each other to be looked at together."""


@dataclass(frozen=True)
class Arc:
    """One alternative in one state. use: of the figures asked for; slowest: cycles; after: the index of the next state."""

    pick: int
    loss: float
    use: tuple[int, ...]
    slowest: int
    after: int


class Order:
    """In which order places and nodes are decided, and what a state has to remember.

    order: which of `costs.counts` each step decides. parts, values: what each step completes. known, open: the places before
    each step and after the last whose choice a later part depends on, and the values whose readers are being counted.
    """

    def __init__(self, costs: JointCosts) -> None:
        places, nodes = len(costs.places), list(costs.options.values())
        self.order = _order(places, nodes)
        self.count = len(self.order)
        step = {which: index for index, which in enumerate(self.order)}
        self.parts: list[list[int]] = [[] for _ in self.order]
        self.values: list[list[str]] = [[] for _ in self.order]
        needed = [step[place] for place in range(places)]  # the last step that asks for a place
        spans: dict[str, tuple[int, int]] = {}  # steps between which readers are counted

        def need(its: Iterable[int], last: int) -> None:
            for place in its:
                needed[place] = max(needed[place], last)

        for index, part in enumerate(costs.parts):
            last = max((step[place] for place in part.places), default=0)
            self.parts[last].append(index)
            need(part.places, last)
        for index, options in enumerate(nodes):
            need((place for it in options for place in it.parts.places), step[places + index])
        for name, value in costs.values.items():
            readers = [
                step[places + index]
                for index, options in enumerate(nodes)
                if any(it.reads == name for it in options)
            ]
            last = max([*readers, *(step[place] for place in value.places)])
            spans[name] = (min(readers), last)
            self.values[last].append(name)
            need(value.places, last)
        self.known = [
            [place for place in range(places) if step[place] < at <= needed[place]]
            for at in range(self.count + 1)
        ]
        self.open = [
            [name for name, (first, last) in spans.items() if first < at <= last]
            for at in range(self.count + 1)
        ]


def _order(places: int, nodes: Sequence[Sequence[JointOption]]) -> list[int]:
    """Places by their numbers, then nodes by theirs: a node comes behind the last place that its options need."""
    last = [
        max((place for it in options for place in it.parts.places), default=-1) for options in nodes
    ]
    whens = [*((place, 0) for place in range(places)), *((place, 1) for place in last)]
    return sorted(range(len(whens)), key=lambda index: (whens[index], index))


class StateGraph:
    """order: of the steps. arcs: for each step and state the alternatives; the first step has one state."""

    def __init__(
        self,
        costs: JointCosts,
        losses: Sequence[Sequence[float]],
        pace: int,
        figures: Sequence[int],
        is_allowed: Callable[[Part], bool],
    ) -> None:
        """losses: of the arcs, those that are infinite left out. figures: indices. Errors: Entangled."""
        self.order = Order(costs)
        self._costs, self._losses, self._pace = costs, losses, pace
        self._figures, self._is_allowed = figures, is_allowed
        self._nodes = list(costs.options.values())
        # Counts of readers that cost the same as the most of the table are not told apart.
        self._most = {
            name: (
                max(len(rows) for rows in value.by_choice) - 1,
                max(len(row) for rows in value.by_choice for row in rows) - 1,
            )
            for name, value in costs.values.items()
        }
        states: list[State] = [()]
        self.arcs: list[list[list[Arc]]] = []
        self.count = 0
        """Of all arcs."""
        for step in range(self.order.count):
            index: dict[State, int] = {}
            here = []
            for state in states:
                arcs = [
                    Arc(pick, loss, use, slowest, index.setdefault(after, len(index)))
                    for pick, loss, use, slowest, after in self._alternatives(step, state)
                ]
                here.append(arcs)
                self.count += len(arcs)
                if self.count > MOST_ARCS:
                    raise Entangled
            self.arcs.append(here)
            states = list(index)

    def _alternatives(
        self, step: int, state: State
    ) -> Iterator[tuple[int, float, tuple[int, ...], int, State]]:
        """Pick, loss, use, cycles and the state after it, of all that are allowed at this pace."""
        costs, order, pace = self._costs, self.order, self._pace
        known, counted = order.known[step], order.open[step]
        picks = [0] * len(costs.places)
        for place, pick in zip(known, state, strict=False):
            picks[place] = pick
        numbers = iter(state[len(known) :])
        readers = {name: (next(numbers), next(numbers)) for name in counted}
        which = order.order[step]
        node = which - len(costs.places)
        options = self._nodes[node] if node >= 0 else ()
        for pick, loss in enumerate(self._losses[which]):
            if loss == math.inf:
                continue
            chosen: list[Part] = []
            now = dict(readers)
            if options:
                option = options[pick]
                is_wide, part = option.parts.at(picks)
                chosen.append(part)
                plain, wide = now.get(option.reads, (0, 0))
                most = self._most[option.reads]
                plain, wide = plain + (not is_wide), wide + is_wide
                now[option.reads] = min(plain, most[0]), min(wide, most[1])
            else:
                picks[which] = pick
            chosen += [costs.parts[index].at(picks) for index in order.parts[step]]
            chosen += [
                read(costs.values[name].at(picks), *now.get(name, (0, 0)))
                for name in order.values[step]
            ]
            if all(map(self._is_allowed, chosen)):
                use = tuple(sum(it.cost[pace][i] for it in chosen) for i in self._figures)
                slowest = max((it.cost[pace][CYCLES] for it in chosen), default=0)
                of_places = [picks[place] for place in order.known[step + 1]]
                of_values = [n for name in order.open[step + 1] for n in now.get(name, (0, 0))]
                yield pick, loss, use, slowest, (*of_places, *of_values)
