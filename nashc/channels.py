"""How many channels each layer has with each alternative that a search may choose for an argument of the backbone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import product
from weakref import WeakKeyDictionary

from nashc.diagnostics import Diagnostic, Label, Problems, SpecError
from nashc.ir import Graph, Node
from nashc.schema import Spec
from nashc.schema.channel_lists import ChannelList
from nashc.vocab.cellops import IDENTITY, MAXPOOL, ZERO

Lower = Callable[[Spec], Graph]


@dataclass(frozen=True)
class ChannelPlace:
    """counts: by layer that follows the list, its channels with each alternative."""

    list: ChannelList
    counts: Mapping[str, tuple[int, ...]]

    @property
    def name(self) -> str:
        return self.list.place


_KNOWN: WeakKeyDictionary[Spec, tuple[ChannelPlace, ...]] = WeakKeyDictionary()
"""The check, the search network and the table of costs ask for the same spec; each alternative is lowered for the first."""


def channel_places(spec: Spec, graph: Graph, lower: Lower) -> tuple[ChannelPlace, ...]:
    """One for each list of the spec. graph: `lower(spec)`, which has the largest alternative of each.

    Errors: NASH313 where the alternatives differ in more than numbers of channels, one of them is no legal network, or a layer
    follows two lists.
    """
    if spec not in _KNOWN:
        _KNOWN[spec] = _places(spec, graph, lower)
    return _KNOWN[spec]


def check_channels(spec: Spec, graph: Graph, lower: Lower) -> None:
    """NASH313 where numbers of channels cannot be searched as asked. graph: as for `channel_places`."""
    if not spec.searches_channels:
        return
    first = spec.backbone.lists[0]
    if spec.search is None:
        text = f"`{first.argument}` lets a search choose, and there is no `search`"
        hint = f"search {{ data = ... }}, or one number: {first.argument} = {first.largest}"
        raise SpecError([Diagnostic("NASH313", text, first.span, help=hint)])
    channel_places(spec, graph, lower)


def with_common_ops(spec: Spec, graph: Graph, lower: Lower) -> Graph:
    """The graph whose edges choose from what is the same op with every alternative.

    Where an edge changes channels with some of them alone, there is no max-pool, and no identity unless a stride makes it a
    convolution. graph: as for `channel_places`. Errors: NASH313 where an edge is left with nothing but zero.
    """
    if not (spec.searches_channels and spec.searches_cells):
        return graph
    places, problems = channel_places(spec, graph, lower), Problems()
    nodes = tuple(_with_common_ops(node, graph, places, problems) for node in graph.nodes)
    problems.check()
    return replace(graph, nodes=nodes)


def _with_common_ops(
    node: Node, graph: Graph, places: tuple[ChannelPlace, ...], problems: Problems
) -> Node:
    if node.op != "choice" or len(_changes(node, graph, places)) == 1:
        return node
    p = node.params
    dropped = {str(MAXPOOL)} | ({str(IDENTITY)} if p["stride"] == 1 else set())
    ops = tuple(op for op in p["ops"] if op not in dropped)
    if all(op == str(ZERO) for op in ops):
        problems.add(_nothing_in_common(node, places))
    return replace(node, params={**p, "ops": ops})


def _nothing_in_common(edge: Node, places: tuple[ChannelPlace, ...]) -> Diagnostic:
    p, ends = edge.params, {*edge.inputs, edge.name}
    where = f"edge {p['source']} -> {p['target']} of `{p['cell']}`"
    text = f"{where} changes channels with some of the numbers alone, and has no operation that is the same with all"
    others = tuple(Label(it.list.span, "the numbers") for it in places if ends & it.counts.keys())
    hint = "allow a convolution on this edge"
    return Diagnostic("NASH313", text, edge.span, others=others, help=hint)


def _changes(node: Node, graph: Graph, places: tuple[ChannelPlace, ...]) -> set[bool]:
    """Whether an edge changes channels, with each choice of the lists that its ends follow."""
    ends = (node.inputs[0], node.name)
    for place in places:
        if all(name in place.counts for name in ends):
            pairs = zip(*(place.counts[name] for name in ends), strict=True)
            return {before != after for before, after in pairs}
    counts = {name: its for place in places for name, its in place.counts.items()}
    of_ends = (counts.get(name, graph.node(name).shape[-1:]) for name in ends)
    return {before != after for before, after in product(*of_ends)}


def _places(spec: Spec, graph: Graph, lower: Lower) -> tuple[ChannelPlace, ...]:
    places = tuple(_place(it, spec, graph, lower) for it in spec.backbone.lists)
    followed: dict[str, ChannelList] = {}
    for place in places:
        for name in place.counts:
            other = followed.setdefault(name, place.list)
            if other is not place.list:
                text = f"the channels of `{name}` follow both `{other.argument}` and `{place.list.argument}`"
                others = (Label(other.span, "the first"),)
                hint = "let each layer follow one list"
                raise SpecError([Diagnostic("NASH313", text, place.list.span, "", others, hint)])
    _check_smallest(places, spec, lower)
    return places


def _place(rule: ChannelList, spec: Spec, graph: Graph, lower: Lower) -> ChannelPlace:
    seen = [_with(rule, index, spec, graph, lower) for index in range(len(rule.alternatives))]
    counts = {node.name: tuple(it.node(node.name).shape[-1] for it in seen) for node in graph.nodes}
    counts = {name: its for name, its in counts.items() if len(set(its)) > 1}
    if not counts:
        text = f"no layer follows `{rule.argument}`, so there is nothing to search"
        help_ = f"one number: {rule.argument} = {rule.largest}"
        raise SpecError([Diagnostic("NASH313", text, rule.span, help=help_)])
    return ChannelPlace(rule, counts)


def _with(rule: ChannelList, index: int, spec: Spec, graph: Graph, lower: Lower) -> Graph:
    """The network with one alternative of a list and the largest of the others."""
    number, span = rule.alternatives[index], rule.spans[index]
    if number == rule.largest:
        return graph
    try:
        found = lower(spec.with_channels({rule.place: number}))
    except SpecError as error:
        first = error.diagnostics[0]
        text = f"with `{rule.argument} = {number}` the network is not legal: {first.message}"
        others = (Label(first.span, "here"),) if first.span else ()
        hint = "what meets in an add needs one number of channels: let it follow one argument"
        help_ = hint if first.code == "NASH201" else first.help
        raise SpecError([Diagnostic("NASH313", text, span, others=others, help=help_)]) from error
    for one, other in zip(graph.nodes, found.nodes, strict=False):
        if _form(one) != _form(other):
            text = f"with `{rule.argument} = {number}` more changes than numbers of channels: `{other.name}` is not what it is with {rule.largest}"
            others = (Label(other.span, "here"),) if other.span else ()
            hint = "a list chooses how wide layers are; for other networks write specs of their own"
            raise SpecError([Diagnostic("NASH313", text, span, others=others, help=hint)])
    return found


def _form(node: Node) -> tuple[object, ...]:
    """All of a layer but how many channels it has, and from which ops an edge may choose for that: `with_common_ops`."""
    params = {name: value for name, value in node.params.items() if name not in ("out", "ops")}
    return (node.name, node.op, node.inputs, params, node.shape[:-1])


def _check_smallest(places: tuple[ChannelPlace, ...], spec: Spec, lower: Lower) -> None:
    """That the channels of a layer follow their list alone, whatever the others choose: with the smallest of all."""
    if len(places) < 2:
        return
    chosen = {place.name: min(place.list.alternatives) for place in places}
    found = lower(spec.with_channels(chosen))
    for place in places:
        index = place.list.alternatives.index(chosen[place.name])
        for name, counts in place.counts.items():
            if found.node(name).shape[-1] != counts[index]:
                text = f"the channels of `{name}` follow `{place.list.argument}` only while other arguments are large"
                hint = "let each layer follow one list"
                raise SpecError([Diagnostic("NASH313", text, place.list.span, help=hint)])
