"""What a search chooses besides operations, whatever it is: bit widths of layers, or numbers of their channels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from nashc.channels import channel_places
from nashc.ir import Graph, Node
from nashc.lower import lower
from nashc.passes.bit_places import bit_places
from nashc.schema import Spec
from nashc.text import Span
from nashc.vocab.bits import Bits


@dataclass(frozen=True)
class Place:
    """alternatives: bit widths, or numbers of channels. layers: those that have what is chosen. span: of the list."""

    name: str
    alternatives: tuple[Bits, ...] | tuple[int, ...]
    layers: frozenset[str]
    span: Span

    @property
    def is_of_channels(self) -> bool:
        return isinstance(self.alternatives[0], int)


def searched_places(spec: Spec, graph: Graph) -> tuple[Place, ...]:
    """In the order of the search network: bit widths, then channels. graph: `lower(spec)`."""
    of_bits = (
        Place(it.name, it.alternatives, frozenset((*it.weights, *it.acts)), it.rule.span)
        for it in bit_places(graph, spec)
    )
    of_channels = (
        Place(it.name, it.list.alternatives, frozenset(it.counts), it.list.span)
        for it in channel_places(spec, graph, lower)
    )
    return (*of_bits, *of_channels)


def listed(places: Sequence[Place]) -> list[dict[str, object]]:
    """As settings/search_costs.json has them."""
    return [{"name": it.name, "alternatives": list(map(str, it.alternatives))} for it in places]


def with_picks(spec: Spec, places: Sequence[Place], picks: Sequence[int]) -> Spec:
    """The spec with the alternative of each place that is picked, by index."""
    bits: dict[str, Bits] = {}
    channels: dict[str, int] = {}
    for place, pick in zip(places, picks, strict=True):
        chosen = place.alternatives[pick]
        if isinstance(chosen, int):
            channels[place.name] = chosen
        else:
            bits[place.name] = chosen
    return spec.with_channels(channels).with_bits(bits)


def meeting_places(
    graph: Graph, places: Sequence[Place], without: frozenset[str] = frozenset()
) -> Mapping[str, tuple[int, ...]]:
    """For each layer the places, by index, that its hardware depends on. without: layers that are not asked as readers.

    Readers tell by their bits whether a value is needed in single ones; how many channels they have is nothing to it.
    """
    found = {}
    for node in graph.nodes:
        above = {node.name, *_above(node, graph)}
        near = above.union(_below(node, graph, without))
        found[node.name] = tuple(
            index
            for index, place in enumerate(places)
            if place.layers & (above if place.is_of_channels else near)
        )
    return found


def _above(node: Node, graph: Graph) -> Iterator[str]:
    """What a value is made of, up to the activations that are read for it."""
    for name in node.inputs:
        yield name
        before = graph.node(name)
        if before.op != "act":
            yield from _above(before, graph)


def _below(node: Node, graph: Graph, without: frozenset[str]) -> Iterator[str]:
    """Where a value goes, up to the next activation, or to the matrix products that read it."""
    for reader in graph.consumers[node.name]:
        if reader.name in without:
            continue
        yield reader.name
        if reader.op not in ("act", "conv", "linear"):
            yield from _below(reader, graph, without)
