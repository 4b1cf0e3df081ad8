"""Cost models: what a node of hardware costs in a folding. One file per model, every formula cites its source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nashc.cost.cost import Cost
from nashc.cost.fold import Foldings, Ints
from nashc.cost.models import finn_plus_1_6
from nashc.cost.nodes import HwNode


@dataclass(frozen=True)
class Model:
    """cycles(node, foldings); cost(node, foldings, part)."""

    name: str
    cycles: Callable[[HwNode, Foldings], Ints]
    cost: Callable[[HwNode, Foldings, str], Cost]


MODELS = {
    model.name: model
    for model in (Model(finn_plus_1_6.NAME, finn_plus_1_6.cycles, finn_plus_1_6.cost),)
}
