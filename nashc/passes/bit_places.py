"""The places of a network whose bit widths a search chooses: layers that share one choice."""

from __future__ import annotations

from dataclasses import dataclass, field

from nashc.ir import Graph, Node
from nashc.schema import Spec
from nashc.schema.bit_rules import BitRule
from nashc.vocab.bits import Bits


@dataclass(frozen=True)
class BitPlace:
    """weights, acts: paths of the layers whose weights and whose results have the chosen width."""

    name: str
    rule: BitRule
    weights: list[str] = field(default_factory=list)
    acts: list[str] = field(default_factory=list)

    @property
    def alternatives(self) -> tuple[Bits, ...]:
        return self.rule.alternatives


def bit_places(graph: Graph, spec: Spec) -> tuple[BitPlace, ...]:
    """In the order of the graph, which has been through the passes."""
    found: dict[tuple[str, str], BitPlace] = {}
    for node in graph.nodes:
        for path in with_weights(node):
            rule = _list(spec, path, "weight")
            if rule:
                _put(found, path, rule).weights.append(path)
        if is_relu(node):
            rule = _list(spec, node.name, "act")
            if rule:
                _put(found, node.name, rule).acts.append(node.name)
    return tuple(found.values())


def _list(spec: Spec, path: str, kind: str) -> BitRule | None:
    """The list of widths that a layer's weights or results are chosen from, if there is one."""
    lists = (rule for rule in spec.bit_rules if rule.alternatives and rule.matches(path))
    return next((rule for rule in lists if getattr(rule.bits, kind) is not None), None)


def with_weights(node: Node) -> tuple[str, ...]:
    """Paths of the convolutions that a node is, or could become when a search has chosen."""
    if node.op == "choice":
        prefix = node.name.rpartition(".")[0]
        here = f"{prefix}.node{node.params['target']}"
        return (f"{here}.conv", f"{here}.identity")
    return (node.name,) if node.op == "conv" else ()


def is_relu(node: Node) -> bool:
    """An activation with bits of its own; what enters an add has those of `shortcut`."""
    return node.op == "act" and node.params["quantiser"] == node.name


def _put(found: dict[tuple[str, str], BitPlace], path: str, rule: BitRule) -> BitPlace:
    name = rule.place(path)
    return found.setdefault((rule.pattern, name), BitPlace(name, rule))


def found_lines(place: BitPlace, graph: Graph) -> tuple[tuple[str, str], ...]:
    """Lines of `bits` that set this place and nothing else: path, and of what ("w", "a" or "wa").

    One line for all below the place where that hits no other layer, else one for each layer.
    """
    every = {path for node in graph.nodes for path in (*with_weights(node), node.name)}
    below = f"{place.name}.*"
    own = {*place.weights, *place.acts}
    hit = {
        path
        for node in graph.nodes
        for path in (*with_weights(node), *((node.name,) if is_relu(node) else ()))
        if path.startswith(f"{place.name}.")
    }
    if place.name not in every and hit <= own:
        return ((below, _kinds(bool(place.weights), bool(place.acts))),)
    listed = dict.fromkeys([*place.weights, *place.acts])
    return tuple((path, _kinds(path in place.weights, path in place.acts)) for path in listed)


def _kinds(weights: bool, acts: bool) -> str:
    return "w" * weights + "a" * acts
