"""What FINN could not build is refused here, before anything is trained."""

from __future__ import annotations

from nashc.diagnostics import Diagnostic, Problems
from nashc.ir import Graph
from nashc.schema import Spec


def check_finn(graph: Graph, _spec: Spec, problems: Problems) -> Graph:
    """The same graph; NASH208 at each layer that FINN+ has no hardware for."""
    for node in graph.nodes:
        readers = graph.consumers[node.name]
        is_pooled = any(reader.op == "maxpool" for reader in readers)
        if node.op == "act" and is_pooled and node.params["kind"] != "relu":
            text = f"FINN has no padded max-pool on signed data (`{node.name}`)"
            problems.add(Diagnostic("NASH208", text, node.span, help="pool after a ReLU"))
        if node.op == "batchnorm" and is_pooled:
            text = f"FINN pools integers, and `{node.name}` gives none"
            hint = "pool first (`conv -> maxpool -> bn -> act`), or after `act`"
            problems.add(Diagnostic("NASH208", text, node.span, help=hint))
        if node.op == "batchnorm" and graph.node(node.inputs[0]).op in ("act", "input", "add"):
            text = f"`{node.name}` normalises a value that no convolution made"
            problems.add(Diagnostic("NASH208", text, node.span, help="conv 3x3(...) -> bn -> act"))
        if (
            node.op == "act"
            and graph.node(node.inputs[0]).op == "act"
            and node.params["kind"] == "relu"
        ):
            text = f"`{node.name}` repeats an activation"
            problems.add(Diagnostic("NASH208", text, node.span, help="keep one `act`"))
    return graph
