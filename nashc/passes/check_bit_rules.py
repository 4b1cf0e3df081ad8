"""Every bit width written for a path must reach a layer, or one that a search could put there."""

from __future__ import annotations

from nashc.diagnostics import Diagnostic, Problems
from nashc.diagnostics.model import nearest
from nashc.ir import Graph
from nashc.schema import Spec

WITH_WEIGHTS = ("conv", "linear")
WITH_ACTIVATIONS = ("act", "avgpool")


def check_bit_rules(graph: Graph, spec: Spec, problems: Problems) -> Graph:
    """The same graph; NASH112 for a path that matches nothing it could set."""
    of_cells = convs_of_cells(graph, spec)
    for rule in spec.bit_rules:
        hits = [node for node in graph.nodes if rule.matches(node.name)]
        in_cells = any(map(rule.matches, of_cells))
        if not hits and not in_cells:
            quantised = [n.name for n in graph.nodes if n.op in WITH_WEIGHTS + WITH_ACTIVATIONS]
            text = f"`{rule.pattern}` matches no layer"
            hint = nearest(rule.pattern, quantised)
            if not hint.startswith("did"):
                hint = "`nashc show SPEC --as ir` lists the layers"
            problems.add(Diagnostic("NASH112", text, rule.span, help=hint))
            continue
        for width, ops, what in (
            (rule.bits.weight, WITH_WEIGHTS, "weights"),
            (rule.bits.act, WITH_ACTIVATIONS, "activations"),
        ):
            is_met = (in_cells and ops is WITH_WEIGHTS) or any(node.op in ops for node in hits)
            if width is not None and not is_met:
                text = f"`{rule.pattern}` matches no layer with {what}"
                problems.add(Diagnostic("NASH112", text, rule.span))
    return graph


def convs_of_cells(graph: Graph, spec: Spec) -> list[str]:
    """Paths of the convolutions that the nodes of the cells could have: a genotype may have other operations there."""
    nodes = [(n.params["cell"], n.params["target"]) for n in graph.nodes if n.op == "choice"]
    for scope, choices in (spec.genotype or {}).items():
        nodes += [(scope, target) for target in range(1, len(choices) + 1)]
    paths = []
    for scope, target in nodes:
        prefix = "nas" if scope == "network" else f"{scope}.nas"
        paths += [f"{prefix}.node{target}.{layer}" for layer in ("conv", "identity")]
    return paths
