"""What hardware nodes cost when FINN folds their network for one pace or another."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

from nashc.cost.cost import RESOURCES
from nashc.cost.fold import Folding, one
from nashc.cost.models import MODELS
from nashc.cost.nodes import HwNode
from nashc.cost.set_folding import Counts, fold_for
from nashc.schema.models import Target

MODEL = "finn-plus-1.6"
"""The model of the FINN that builds, which `nashc estimate` takes by default."""
FIGURES = ("cycles", *RESOURCES)
Vector = tuple[int, ...]
"""One number for each of FIGURES."""


class Pricing:
    """Costs of groups of nodes; the window before a pool must be in its group.

    FINN folds each node for the target's cycles; if one cannot keep them, it folds all again for what that one can do
    (cost/set_folding.py). Without a target nothing is folded, and there is one pace.
    """

    def __init__(self, target: Target) -> None:
        self._model = MODELS[MODEL]
        self._counts = Counts(self._model.cycles)
        self._part = target.board.part
        self._width_max = target.mvau_wwidth_max
        cycles = None if target.fps is None else max(1, int(1e9 / target.clock / target.fps))
        self.target_cycles = cycles
        self._known: dict[Hashable, Vector] = {}
        self._priced: dict[Hashable, dict[str, int]] = {}

    def slowest(self, nodes: tuple[HwNode, ...]) -> int:
        """The most cycles of a node that is folded for the target; 0 if there is no target or no node."""
        if self.target_cycles is None:
            return 0
        return self.cost(nodes, self.target_cycles)[0]

    def cost(self, nodes: tuple[HwNode, ...], pace: int) -> Vector:
        """The largest number of cycles, and the sums of the resources."""
        key = (tuple(node.signature for node in nodes), pace)
        if key not in self._known:
            foldings = self._foldings(nodes, pace)
            rows = [self._row(node, foldings[node.name]) for node in nodes]
            sums = (sum(row[name] for row in rows) for name in RESOURCES)
            self._known[key] = (max((row["cycles"] for row in rows), default=0), *sums)
        return self._known[key]

    def paces(self, fixed: tuple[HwNode, ...], others: Iterable[tuple[HwNode, ...]]) -> list[int]:
        """The cycles that networks may have to be folded for. fixed: nodes that all of them have; others: of some."""
        least = max(self.slowest(fixed), self.target_cycles or 0)
        return sorted({max(least, self.slowest(nodes)) for nodes in (fixed, *others)})

    def part(self, nodes: tuple[HwNode, ...], paces: Sequence[int]) -> dict[str, Any]:
        """An entry of a table of costs (templates/support/budget/costs.py)."""
        costs = [list(self.cost(nodes, pace)) for pace in paces]
        return {"slowest": self.slowest(nodes), "cost": costs}

    def _foldings(self, nodes: tuple[HwNode, ...], pace: int) -> Mapping[str, Folding]:
        goal = None if self.target_cycles is None else pace
        return fold_for(nodes, self._counts, goal, self._width_max, self._model.rules)

    def _row(self, node: HwNode, folding: Folding) -> dict[str, int]:
        key = (node.signature, folding)
        if key not in self._priced:
            self._priced[key] = self._model.cost(node, one(folding), self._part).row(0)
        return self._priced[key]
