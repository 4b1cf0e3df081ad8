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

    def said(self, expression: str, node: Node, graph: Graph) -> str:
        """The value of a node without the channels that were not chosen."""
        own = self.of_layer.get(node.name)
        return (
            f"self.{own.attribute}({expression})" if own and _is_masked(node, graph) else expression
        )

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


def _is_masked(node: Node, graph: Graph) -> bool:
    """Whether a value loses its channels: behind activations, which let no gradient through where they are given a zero, and
    where a layer with weights reads what no activation has been at."""
    if node.op == "act":
        return bool(node.params["role"] != "shortcut")
    is_read = any(it.op in ("conv", "linear", "avgpool") for it in graph.consumers[node.name])
    return is_read and node.op != "input" and _widens(node, graph)


def _widens(node: Node, graph: Graph) -> bool:
    """Whether a value has channels that were masked nowhere before it."""
    if node.op == "maxpool":
        return _widens(graph.node(node.inputs[0]), graph)
    return node.op in ("conv", "batchnorm", "add")


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    taken.add(name)
    return name
