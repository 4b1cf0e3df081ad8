"""The cost of every choice of bit widths and numbers of channels as a table of parts: settings/search_costs.json.

A layer's hardware depends on few places: on the widths of its weights, of the activations that it reads, and of those that
it gives its results in, whose readers decide about single bits; and on the channels of what it reads and gives. Places that meet in no layer may change together. So the
places get colours, as few as the greedy way needs, and one network is lowered for each choice by colour: every
layer is then seen with every choice of the places that it depends on, by the cost model that `nashc estimate` uses.
templates/support/search_joint_costs.py reads the table and says what its parts mean.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product
from typing import Any

from nashc.cost.backends import Wanted
from nashc.cost.models import MODELS
from nashc.cost.nodes import HwNode
from nashc.diagnostics import Diagnostic, SpecError
from nashc.lower import lower
from nashc.schema import Spec
from nashc.space.places import listed, meeting_places, searched_places, with_picks
from nashc.space.pricing import FIGURES, MODEL, Pricing

MOST_NETWORKS = 1500
"""That are lowered for one table: some ten seconds for a small network."""

Nodes = tuple[HwNode, ...]
Choices = tuple[int, ...]
"""An alternative for each of some places."""


class PlaceTable:
    """All parts of the space. Errors: NASH312 where too many places meet in one layer."""

    def __init__(self, spec: Spec) -> None:
        """spec: with lists to choose from, a search and a target; cells have a genotype."""
        assert spec.target
        self.spec, self.target = spec, spec.target
        graph = lower(spec)
        self.places = searched_places(spec, graph)
        self.counts = [len(place.alternatives) for place in self.places]
        self.output = graph.output.name
        self.meets = meeting_places(graph, self.places)
        self.nodes: dict[tuple[int, ...], dict[Choices, dict[str, Nodes]]] = {}
        for picks in self._networks():
            self._see(picks)
        self.pricing = Pricing(spec.target)

    def _networks(self) -> Iterator[Choices]:
        """Choices for all places, in which every layer meets every choice of the places it depends on."""
        colours = coloured(self.meets.values(), len(self.places))
        most = [
            max(count for count, own in zip(self.counts, colours, strict=True) if own == colour)
            for colour in range(max(colours) + 1)
        ]
        if math.prod(most) > MOST_NETWORKS:
            place = self.places[0]
            what, code = (
                ("numbers of channels", "NASH313")
                if place.is_of_channels
                else ("bit widths", "NASH312")
            )
            text = (
                f"too many {what} meet in one layer to price them all: {math.prod(most):,} networks"
            )
            hint = "fewer alternatives, or one choice for a block or a group: group* = [w2a2, w4a4]"
            if place.is_of_channels:
                hint = "fewer alternatives, or fewer arguments with lists"
            raise SpecError([Diagnostic(code, text, place.span, help=hint)])
        for picks in product(*map(range, most)):
            yield tuple(
                picks[colour] % count for colour, count in zip(colours, self.counts, strict=True)
            )

    def _see(self, picks: Choices) -> None:
        """Lower one network and sort its nodes by the places that their layers depend on."""
        graph = lower(with_picks(self.spec, self.places, picks))
        layers: dict[str, list[HwNode]] = {}
        part, wanted = self.target.board.part, Wanted.of(self.spec)
        for node in MODELS[MODEL].hardware(graph, part, None, wanted):
            layers.setdefault(self._home(node.layer), []).append(node)
        for layer in self.meets:
            meets = self.meets[layer]
            nodes = tuple(layers.get(layer, ()))
            of_choice = self.nodes.setdefault(meets, {})
            seen = of_choice.setdefault(tuple(picks[place] for place in meets), {})
            known = seen.setdefault(layer, nodes)
            same = [node.signature for node in known] == [node.signature for node in nodes]
            assert same, f"{layer} depends on more than {meets}: {known} {nodes}"

    def _home(self, layer: str) -> str:
        """The layer whose hardware this is: a pool may be done twice, and the choice of a class is the last layer's."""
        while layer not in self.meets and "." in layer:
            layer = layer.rpartition(".")[0]
        return layer if layer in self.meets else self.output

    def to_json(self) -> dict[str, Any]:
        """The content of settings/search_costs.json."""
        groups = {
            meets: [
                tuple(node for nodes in of_choice[choice].values() for node in nodes)
                for choice in product(*(range(self.counts[place]) for place in meets))
            ]
            for meets, of_choice in sorted(self.nodes.items())
        }
        every = [nodes for by_choice in groups.values() for nodes in by_choice]
        paces = self.pricing.paces(groups.get((), [()])[0], every)
        return {
            "model": MODEL,
            "figures": FIGURES,
            "paces": paces,
            "places": listed(self.places),
            "parts": [
                {
                    "places": list(meets),
                    "choices": [self.pricing.part(nodes, paces) for nodes in by_choice],
                }
                for meets, by_choice in groups.items()
            ],
            "options": [],
            "values": [],
        }


def coloured(meets: Any, count: int) -> list[int]:
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
