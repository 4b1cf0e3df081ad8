"""Cost models: which nodes a network becomes, how they are folded, and what each costs.

One file per model; every formula cites its source.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from nashc.cost.backends import WANTED, Wanted
from nashc.cost.cost import Cost
from nashc.cost.flow import latency
from nashc.cost.fold import Folding, Foldings, Ints
from nashc.cost.hardware import hardware
from nashc.cost.models import finn_0_9, finn_plus_1_6, nashc
from nashc.cost.models.finn_plus_1_6_cycles import cycles as finn_plus_cycles
from nashc.cost.nodes import HwNode
from nashc.cost.ranges import Ranges, turning
from nashc.cost.set_folding import FINN_PLUS, Rules, set_folding
from nashc.ir import Graph

SUM = "FINN's figure: the sum of the cycles of all nodes on the longest path, without overlap; a pipeline is faster"
Between = Callable[
    [tuple[HwNode, ...], Mapping[str, Folding], int, str], list[tuple[HwNode, dict[str, int]]]
]


@dataclass(frozen=True)
class Model:
    """hardware(graph, part, ranges, wanted): the nodes. cycles(node, foldings), cost(node, foldings, part): of each folding.

    rules: how the tool's own folding decides. unknown(node, part): resources that the model has no count for.
    latency(nodes, foldings): in cycles, None where it is the sum along the longest path; latency_means: in words.
    between(nodes, foldings, interval, part): FIFOs and converters with their resources, None where they are not counted.
    builds_like: the model of the tool that builds, if that is another: its best folding is the one that is built.
    leaves_out: settings of `finn` in a spec that change what is built and that the model has no regard to.
    """

    name: str
    hardware: Callable[[Graph, str, Ranges | None, Wanted], tuple[HwNode, ...]]
    cycles: Callable[[HwNode, Foldings], Ints]
    cost: Callable[[HwNode, Foldings, str], Cost]
    rules: Rules
    unknown: Callable[[HwNode, str], frozenset[str]] = lambda _node, _part: frozenset()
    latency: Callable[[tuple[HwNode, ...], Mapping[str, Folding]], int] | None = None
    latency_means: str = SUM
    between: Between | None = None
    builds_like: Model | None = None
    leaves_out: tuple[str, ...] = ()

    def fold(
        self, nodes: tuple[HwNode, ...], target_cycles: int | None, weight_width_max: int
    ) -> Mapping[str, Folding]:
        """The tool's own folding for a target."""
        return set_folding(nodes, self.cycles, target_cycles, weight_width_max, self.rules)

    def nodes_of_any_numbers(self, graph: Graph, part: str, wanted: Wanted) -> tuple[HwNode, ...]:
        """Those before training and those that it can bring, some of them twice: a folding file may name them all."""
        known = (None, turning(graph))
        return tuple(
            node for ranges in known for node in self.hardware(graph, part, ranges, wanted)
        )


_PLUS, _OLD = finn_plus_1_6, finn_0_9
_BUILDS = Model(_PLUS.NAME, hardware, finn_plus_cycles, _PLUS.cost, FINN_PLUS)
MODELS = {
    model.name: model
    for model in (
        _BUILDS,
        Model(_OLD.NAME, _OLD.hardware, _OLD.cycles, _OLD.cost, _OLD.RULES, leaves_out=WANTED),
        Model(
            nashc.NAME,
            hardware,
            finn_plus_cycles,
            nashc.cost,
            FINN_PLUS,
            nashc.unknown,
            latency,
            nashc.LATENCY_MEANS,
            nashc.between,
            _BUILDS,
            leaves_out=("fifo_ram_style",),
        ),
    )
}
