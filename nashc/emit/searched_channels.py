"""How the search network says layers whose numbers of channels are still to be chosen: support/search/channels.py."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from nashc.channels import ChannelPlace, channel_places
from nashc.emit.code import Layer, Part, Places
from nashc.ir import Graph, Node
from nashc.lower import lower
from nashc.schema import Spec

_WORD = re.compile(r"self\.\w+")
LAYER_CLASSES = ("ChannelChoice", "Channels", "SearchedLinear")


@dataclass(frozen=True)
class Narrowed:
    """Channels of a layer: the attribute that keeps those chosen, and whose choice it follows."""

    attribute: str
    choice: str
    counts: tuple[int, ...]

    @property
    def layer(self) -> Layer:
        return Layer(self.attribute, "Channels", (self.choice, *map(str, self.counts)))


@dataclass(frozen=True)
class SearchedChannels:
    """choices: attribute of the network and place. of_layer: by path, where its channels are searched."""

    choices: tuple[tuple[str, ChannelPlace], ...] = ()
    of_layer: Mapping[str, Narrowed] = field(default_factory=dict)

    def with_inputs(self, layer: Layer, node: Node) -> Layer:
        """A quantised layer with weights, or the one whose scales follow the channels that are there alone."""
        inputs = node.op in ("conv", "linear") and self.of_layer.get(node.inputs[0])
        if not inputs:
            return layer
        kept = tuple(it for it in layer.arguments if not it.startswith("weight_"))
        if not any(it.startswith("bits=") for it in kept):
            kept += (f"bits={node.params['weight_bits']}",)
        constructor = "SearchedConv2d" if node.op == "conv" else "SearchedLinear"
        arguments = (*kept, f"inputs=self.{inputs.attribute}")
        return replace(layer, constructor=constructor, arguments=arguments)

    def width(self, name: str, graph: Graph) -> str:
        """The channels of a value as the edges of cells have them: a number, or what keeps those that were chosen."""
        own = self.of_layer.get(name)
        return f"self.{own.attribute}" if own else str(graph.node(name).shape[-1])

    def with_edges_apart(self, graph: Graph) -> Graph:
        """The graph where the edges that meet in a node with searched channels are added up before they meet the backbone.

        Edges give values in all channels, so that their sum is masked. The backbone's side was masked where its channels begin;
        a second mask would hide from the choice what absent channels of a shortcut would be worth.
        """
        nodes: list[Node] = []
        for node in graph.nodes:
            edges = tuple(it for it in node.inputs if _is_edge(it, graph))
            if node.op == "add" and len(edges) > 1 and node.name in self.of_layer:
                name = f"{node.name.removesuffix('.add')}.edges"  # no layer of a cell is called so
                together = replace(node, name=name, inputs=edges)
                rest = (it for it in node.inputs if it not in edges)
                nodes += [together, node.with_inputs((*rest, together.name))]
            else:
                nodes.append(node)
        return Graph(graph.name, tuple(nodes))

    def masked(self, inputs: list[str], node: Node, graph: Graph) -> list[str]:
        """What an add sums up, edges without the channels that were not chosen. graph: `with_edges_apart`."""
        own = self.of_layer.get(node.name)
        return [
            f"self.{own.attribute}({it})" if own and _are_edges(name, graph) else it
            for it, name in zip(inputs, node.inputs, strict=True)
        ]

    def said(self, expression: str, node: Node, graph: Graph) -> str:
        """The value of a node without the channels that were not chosen."""
        own = self.of_layer.get(node.name)
        return f"self.{own.attribute}({expression})" if own and _widens(node, graph) else expression

    def with_choices(self, parts: tuple[Part, ...]) -> tuple[Part, ...]:
        """The parts of the network, given the choices that their layers follow."""
        return tuple(self._with_choices(part) for part in parts)

    def _with_choices(self, part: Part) -> Part:
        arguments = (argument for layer in part.layers for argument in layer.arguments)
        words = set(_WORD.findall(" ".join([*part.statements, *part.outputs, *arguments])))
        every = {it.attribute: it for it in self.of_layer.values()}
        own = [it for attribute, it in every.items() if f"self.{attribute}" in words]
        return replace(
            part,
            layers=(*(it.layer for it in own), *part.layers),
            parameters=tuple(dict.fromkeys(it.choice for it in own)),
        )

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Those of the network itself."""
        return tuple(
            Layer(
                attribute,
                "ChannelChoice",
                (f'"{place.name}"', *map(str, place.list.alternatives)),
                f"{place.list.span.source.name}:{place.list.span.line}",
            )
            for attribute, place in self.choices
        )


NO_CHANNELS = SearchedChannels()


def searched_channels(spec: Spec, graph: Graph) -> SearchedChannels:
    """graph: `lower(spec)`."""
    if not spec.searches_channels:
        return NO_CHANNELS
    where = Places(graph)
    taken = {where.attribute(node.name) for node in graph.nodes if node.op != "input"}
    taken |= set(where.parts)
    choices, of_layer = [], {}
    for place in channel_places(spec, graph, lower):
        argument = place.list.argument
        choice = _free(f"{argument}_choice", taken)
        choices.append((choice, place))
        attributes: dict[tuple[int, ...], Narrowed] = {}
        for name, counts in place.counts.items():
            if counts not in attributes:
                attribute = _free(f"{argument}_{max(counts)}", taken)
                attributes[counts] = Narrowed(attribute, choice, counts)
            of_layer[name] = attributes[counts]
    return SearchedChannels(tuple(choices), of_layer)


def settings_of_channels(spec: Spec) -> dict[str, Any] | None:
    """For the result of a search: the backbone as found.nash has it, of each argument the text, or the place that chooses it."""
    use = spec.backbone
    if not use.lists:
        return None
    searched = {it.argument: it.place for it in use.lists}
    given = [name for name in use.sources if name in use.given or name in searched]
    return {
        "backbone": use.lists[0].backbone,
        "arguments": [
            {"name": name, "place": searched[name]}
            if name in searched
            else {"name": name, "text": use.sources[name].span.text}
            for name in given
        ],
    }


def _widens(node: Node, graph: Graph) -> bool:
    """Whether a layer gives values where nothing came in: a batch norm its bias, a convolution without one its sums."""
    if node.op == "conv":
        return any(reader.op != "batchnorm" for reader in graph.consumers[node.name])
    return node.op == "batchnorm"


def _are_edges(name: str, graph: Graph) -> bool:
    """Whether a summand is all that the edges of a cell give to a node."""
    node = graph.node(name)
    is_sum = node.op == "add" and all(_is_edge(it, graph) for it in node.inputs)
    return is_sum or _is_edge(name, graph)


def _is_edge(name: str, graph: Graph) -> bool:
    """Whether a summand is an edge of a cell, maybe behind the quantiser of the add."""
    node = graph.node(name)
    return node.op == "choice" or (node.op == "act" and graph.node(node.inputs[0]).op == "choice")


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    taken.add(name)
    return name
