"""The parts of a table of costs, each seen in real networks with every choice of the places that it meets.

Places that meet in no part may change together. So the places get colours, as few as the greedy way needs, and one network is
lowered for each choice by colour: every part is then seen with every choice of the places that it depends on.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Generic, TypeVar

from nashc.cost.nodes import HwNode
from nashc.diagnostics import Diagnostic, SpecError
from nashc.space.places import Place

MOST_NETWORKS = 1500
"""That are lowered for one table: some ten seconds for a small network."""

Nodes = tuple[HwNode, ...]
Meets = tuple[int, ...]
"""Some places, by index, rising."""
Choices = tuple[int, ...]
"""An alternative for each of some places."""
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


def choices(meets: Meets, counts: Sequence[int]) -> Iterator[Choices]:
    """counts: alternatives of all places."""
    return product(*(range(counts[place]) for place in meets))


def choices_to_see(
    places: Sequence[Place], meets: Iterable[Meets], genotypes: int | None = None
) -> Iterator[Choices]:
    """Choices for all places, in which every part meets every choice of its places. genotypes: to be seen with each.

    Errors: NASH312 or NASH313 where these are more networks than can be lowered.
    """
    colours = _coloured(meets, len(places))
    counts = [len(place.alternatives) for place in places]
    most = [
        max(count for count, own in zip(counts, colours, strict=True) if own == colour)
        for colour in range(max(colours) + 1)
    ]
    networks = math.prod(most) * (genotypes or 1)
    if networks > MOST_NETWORKS:
        how = "all" if genotypes is None else "with all ops of cells"
        raise SpecError([_too_many(places[0], f"{how}: {networks:,} networks")])
    for picks in product(*map(range, most)):
        yield tuple(picks[colour] % count for colour, count in zip(colours, counts, strict=True))


def _coloured(meets: Iterable[Meets], count: int) -> list[int]:
    """A colour for each of `count` places; places that meet have different ones."""
    neighbours: list[set[int]] = [set() for _ in range(count)]
    for places in set(meets):
        for place in places:
            neighbours[place].update(places)
    colours: list[int] = []
    for place in range(count):
        taken = {colours[other] for other in neighbours[place] if other < place}
        colours.append(next(colour for colour in range(count) if colour not in taken))
    return colours


def _too_many(place: Place, how: str) -> Diagnostic:
    code, what = "NASH312", "bit widths"
    hint = "fewer alternatives, or one choice for a block or a group: group* = [w2a2, w4a4]"
    if place.is_of_channels:
        code, what = "NASH313", "numbers of channels"
        hint = "fewer alternatives, or fewer arguments with lists"
    text = f"too many {what} meet in one layer to price them {how}"
    return Diagnostic(code, text, place.span, help=hint)
