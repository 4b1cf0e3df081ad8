"""Every bit width written for a path must reach a layer."""

from __future__ import annotations

from nashc.diagnostics import Diagnostic, Problems
from nashc.diagnostics.model import nearest
from nashc.ir import Graph
from nashc.schema import Spec

WITH_WEIGHTS = ("conv", "linear")
WITH_ACTIVATIONS = ("act", "avgpool")


def check_bit_rules(graph: Graph, spec: Spec, problems: Problems) -> Graph:
    """The same graph; NASH112 for a path that matches nothing it could set."""
    for rule in spec.bit_rules:
        hits = [node for node in graph.nodes if rule.matches(node.name)]
        if not hits:
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
            if width is not None and not any(node.op in ops for node in hits):
                text = f"`{rule.pattern}` matches no layer with {what}"
                problems.add(Diagnostic("NASH112", text, rule.span))
    return graph
