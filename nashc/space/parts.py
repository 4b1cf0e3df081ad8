"""The parts of a table of costs, each seen in real networks with every choice of the places that it meets.

space/covering.py says which networks that takes.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from nashc.cost.nodes import HwNode
from nashc.space.covering import Choices, Meets, choices

Nodes = tuple[HwNode, ...]
ToJson = Callable[[Nodes], dict[str, Any]]
"""What nodes cost, as the table says it."""
T = TypeVar("T")


@dataclass
class Seen(Generic[T]):
    """What was seen of a part with each choice of the places that it meets."""

    meets: Meets
    by_choice: dict[Choices, T] = field(default_factory=dict)
    _signatures: dict[Choices, Hashable] = field(default_factory=dict)

    def see(self, picks: Choices, it: T, signature: Hashable, is_better: bool = False) -> None:
        """picks: of all places. is_better: than what was seen with the same choice before."""
        choice = tuple(picks[place] for place in self.meets)
        known = self._signatures.setdefault(choice, signature)
        assert known == signature, f"it depends on more than {self.meets}: {it}"
        if is_better or choice not in self.by_choice:
            self.by_choice[choice] = it


class Layers:
    """The hardware of layers. output: the last one's name."""

    def __init__(self, meets: Mapping[str, Iterable[int]], output: str) -> None:
        self.seen: dict[str, Seen[Nodes]] = {
            name: Seen(tuple(sorted(its))) for name, its in meets.items()
        }
        self._output = output

    def see(self, picks: Choices, nodes: Iterable[HwNode]) -> None:
        """Sort the nodes of a network by their layers."""
        layers: dict[str, list[HwNode]] = {}
        for node in nodes:
            layers.setdefault(self._home(node), []).append(node)
        for layer, seen in self.seen.items():
            of_layer = tuple(layers.get(layer, ()))
            seen.see(picks, of_layer, tuple(node.signature for node in of_layer))

    def meets_of(self, node: HwNode) -> Meets:
        return self.seen[self._home(node)].meets

    def groups(self, counts: Sequence[int]) -> dict[Meets, list[Nodes]]:
        """Layers that meet the same places together, with each choice of these. counts: alternatives of all places."""
        layers: dict[Meets, list[Seen[Nodes]]] = {}
        for seen in self.seen.values():
            layers.setdefault(seen.meets, []).append(seen)
        return {
            meets: [
                tuple(node for seen in its for node in seen.by_choice[choice])
                for choice in choices(meets, counts)
            ]
            for meets, its in sorted(layers.items())
        }

    def _home(self, node: HwNode) -> str:
        """The layer whose hardware this is: a pool may be done twice, and the choice of a class is the last layer's."""
        layer = node.layer
        while layer not in self.seen and "." in layer:
            layer = layer.rpartition(".")[0]
        return layer if layer in self.seen else self._output


def listed_groups(groups: Mapping[Meets, Iterable[Nodes]], part: ToJson) -> list[dict[str, Any]]:
    """`Layers.groups` as the table says them."""
    return [
        {"places": list(meets), "choices": [part(nodes) for nodes in by_choice]}
        for meets, by_choice in groups.items()
    ]
