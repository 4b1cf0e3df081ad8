"""Every bit width written for a path must reach a layer, or one that a search could put there."""

from __future__ import annotations

from nashc.diagnostics import Diagnostic, Problems
from nashc.ir import Graph
from nashc.passes.layer_paths import LISTED, nearest_layer
from nashc.schema import Spec

WITH_WEIGHTS = ("conv", "linear")
WITH_ACTIVATIONS = ("act", "avgpool")


def check_bit_rules(graph: Graph, spec: Spec, problems: Problems) -> Graph:
    """The same graph; NASH112 for a path that matches nothing it could set."""
    convs, acts = _convs_of_cells(graph, spec), _acts_of_cells(graph, spec)
    for rule in spec.bit_rules:
        hits = [node for node in graph.nodes if rule.matches(node.name)]
        in_cells = {
            WITH_WEIGHTS: any(map(rule.matches, convs)),
            WITH_ACTIVATIONS: any(map(rule.matches, acts)),
        }
        if not hits and not any(in_cells.values()):
            quantised = [n.name for n in graph.nodes if n.op in WITH_WEIGHTS + WITH_ACTIVATIONS]
            text = f"`{rule.pattern}` matches no layer"
            hint = nearest_layer(rule.pattern, quantised)
            problems.add(Diagnostic("NASH112", text, rule.span, help=hint))
            continue
        for width, ops, what in (
            (rule.bits.weight, WITH_WEIGHTS, "weights"),
            (rule.bits.act, WITH_ACTIVATIONS, "activations"),
        ):
            is_met = in_cells[ops] or any(node.op in ops for node in hits)
            if width is not None and not is_met:
                text = f"`{rule.pattern}` matches no layer with {what}"
                hint = f"leave `{what[0]}{width}` out, or name a layer that has {what}; {LISTED}"
                problems.add(Diagnostic("NASH112", text, rule.span, help=hint))
    return graph


def _convs_of_cells(graph: Graph, spec: Spec) -> list[str]:
    """Paths of the convolutions that the nodes of the cells could have: a genotype may have other operations there."""
    prefixes = _nodes_of_cells(graph, spec)
    return [f"{prefix}.{layer}" for prefix in prefixes for layer in ("conv", "identity")]


def _acts_of_cells(graph: Graph, spec: Spec) -> list[str]:
    """Paths of the activations of the nodes: one that no later node takes has none."""
    return [f"{prefix}.act" for prefix in _nodes_of_cells(graph, spec)]


def _nodes_of_cells(graph: Graph, spec: Spec) -> list[str]:
    nodes = [(n.params["cell"], n.params["target"]) for n in graph.nodes if n.op == "choice"]
    for scope, choices in (spec.genotype or {}).items():
        nodes += [(scope, target) for target in range(1, len(choices) + 1)]
    return [
        f"{'nas' if scope == 'network' else f'{scope}.nas'}.node{target}" for scope, target in nodes
    ]
