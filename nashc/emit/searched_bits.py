"""How the search network says layers whose bit widths are still to be chosen: support/search/bits.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from nashc.emit.code import Layer, Part, Places
from nashc.ir import Graph, Node
from nashc.passes.bit_places import BitPlace, bit_places, found_lines, with_weights
from nashc.schema import Spec
from nashc.vocab.names import python_name

LAYER_CLASSES = ("BitChoice", "SearchedConv2d", "SearchedReLU")
_KINDS = {"qnn.QuantConv2d": "SearchedConv2d", "qnn.QuantReLU": "SearchedReLU"}


@dataclass(frozen=True)
class SearchedBits:
    """places: with the part that each lies in. of_weights, of_acts: attribute of the choice by path of the layer."""

    places: tuple[tuple[str, str, BitPlace], ...] = ()
    of_weights: Mapping[str, str] = field(default_factory=dict)
    of_acts: Mapping[str, str] = field(default_factory=dict)

    def of_choice(self, node: Node) -> tuple[int | str, int | str]:
        """Of the convolutions of a mixed op and of those that stand for an identity: a number, or the choice."""
        conv, identity = with_weights(node)
        return (
            self._said(conv, node.params["weight_bits"]),
            self._said(identity, node.params["identity_bits"]),
        )

    def _said(self, path: str, bits: int) -> int | str:
        return f"self.{self.of_weights[path]}" if path in self.of_weights else bits

    def with_widths(self, layer: Layer, node: Node) -> Layer:
        """A layer of `model.py`, or the one that has all its widths."""
        choice = (self.of_weights if node.op == "conv" else self.of_acts).get(node.name)
        if choice is None:
            return layer
        kept = tuple(
            argument
            for argument in layer.arguments
            if not argument.startswith(("weight_quant=", "weight_bit_width=", "act_quant="))
            and not argument.startswith("bit_width=")
        )
        kind = _KINDS[layer.constructor]
        return replace(layer, constructor=kind, arguments=(*kept, f"bits=self.{choice}"))

    def with_choices(self, parts: tuple[Part, ...]) -> tuple[Part, ...]:
        """The parts of the network with their choices in front of the layers that share them."""
        return tuple(
            replace(part, layers=(*self._choices(part.name), *part.layers)) for part in parts
        )

    def _choices(self, part: str) -> tuple[Layer, ...]:
        return tuple(
            Layer(
                attribute,
                "BitChoice",
                (f'"{place.name}"', *(f'"{bits}"' for bits in place.alternatives)),
                f"{place.rule.span.source.name}:{place.rule.span.line}",
            )
            for home, attribute, place in self.places
            if home == part
        )


NO_BITS = SearchedBits()


def searched_bits(spec: Spec, graph: Graph) -> SearchedBits:
    """graph: with the choices of its cells, if they are searched."""
    if not spec.searches_bits:
        return NO_BITS
    where = Places(graph)
    taken = {where.module(node.name) for node in graph.nodes}
    homes = {path: where.part[node.name] for node in graph.nodes for path in with_weights(node)}
    found, of_weights, of_acts = [], {}, {}
    for place in bit_places(graph, spec):
        [part] = {homes.get(path) or where.part[path] for path in (*place.weights, *place.acts)}
        inner = place.name.removeprefix(part).removeprefix(".")
        attribute = python_name(f"{inner}.bits" if inner else "bits")
        while f"{part}.{attribute}" in taken:
            attribute += "_"
        taken.add(f"{part}.{attribute}")
        found.append((part, attribute, place))
        of_weights.update(dict.fromkeys(place.weights, attribute))
        of_acts.update(dict.fromkeys(place.acts, attribute))
    return SearchedBits(tuple(found), of_weights, of_acts)


def settings_of_bits(spec: Spec, graph: Graph) -> list[dict[str, Any]]:
    """For the result of a search: the lists of the spec, their places, and the lines that say what was chosen."""
    return [
        {
            "path": rule.pattern,
            "places": [
                {"name": place.name, "lines": [list(line) for line in found_lines(place, graph)]}
                for place in bit_places(graph, spec)
                if place.rule is rule
            ],
        }
        for rule in spec.bit_rules
        if rule.alternatives
    ]
