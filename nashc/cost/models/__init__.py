"""Cost models: which nodes a network becomes, how they are folded, and what each costs.

One file per model; every formula cites its source.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from nashc.cost.cost import Cost
from nashc.cost.fold import Folding, Foldings, Ints
from nashc.cost.hardware import hardware
from nashc.cost.models import finn_0_9, finn_plus_1_6, nashc
from nashc.cost.nodes import HwNode
from nashc.cost.ranges import Ranges
from nashc.cost.set_folding import FINN_PLUS, Rules, set_folding
from nashc.ir import Graph


@dataclass(frozen=True)
class Model:
    """hardware(graph, part, ranges): the nodes. cycles(node, foldings), cost(node, foldings, part): of each folding.

    rules: how the tool's own folding decides. unknown: by op type, resources that the model has no count for.
    """

    name: str
    hardware: Callable[[Graph, str, Ranges | None], tuple[HwNode, ...]]
    cycles: Callable[[HwNode, Foldings], Ints]
    cost: Callable[[HwNode, Foldings, str], Cost]
    rules: Rules
    unknown: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def fold(
        self, nodes: tuple[HwNode, ...], target_cycles: int | None, weight_width_max: int
    ) -> Mapping[str, Folding]:
        """The tool's own folding for a target."""
        return set_folding(nodes, self.cycles, target_cycles, weight_width_max, self.rules)


_PLUS, _OLD = finn_plus_1_6, finn_0_9
MODELS = {
    model.name: model
    for model in (
        Model(_PLUS.NAME, hardware, _PLUS.cycles, _PLUS.cost, FINN_PLUS),
        Model(_OLD.NAME, _OLD.hardware, _OLD.cycles, _OLD.cost, _OLD.RULES),
        Model(nashc.NAME, hardware, _PLUS.cycles, nashc.cost, FINN_PLUS, nashc.UNKNOWN),
    )
}
