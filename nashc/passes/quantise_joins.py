"""One quantiser in front of every add, shared by all that meet there: FINN needs equal scales.

A cascade (backbone + shortcut, then the NAS branch; paper, Figure 4b) shares one as a whole, and the
first sum goes through it too before the second add, as in the authors' code. During a search there
are none: the supernet is in full precision.
"""

from __future__ import annotations

from nashc.diagnostics import Problems
from nashc.ir import Graph, Node
from nashc.schema import Spec


def quantise_joins(graph: Graph, spec: Spec, _problems: Problems) -> Graph:
    """The graph with an `act` on each input of an add."""
    nodes: list[Node] = []
    owner: dict[str, str] = {}
    adds = {node.name for node in graph.nodes if node.op == "add"}
    for node in graph.nodes:
        if node.op != "add" or any(graph.node(i).op == "choice" for i in node.inputs):
            nodes.append(node)
            continue
        cascade = next((owner[i] for i in node.inputs if i in adds and i in owner), None)
        quantiser = owner[node.name] = cascade or f"{node.name}.join"
        inputs = []
        for port, name in enumerate(node.inputs):
            joined = f"{node.name}.join{port}"
            inputs.append(joined)
            params = {
                "kind": spec.network.activation.before_add,
                "bits": spec.network.bits.shortcut.act,
                "quantiser": quantiser,
                "role": "shortcut",
            }
            nodes.append(Node(joined, "act", (name,), params, None, node.span))
        nodes.append(node.with_inputs(inputs))
    return Graph(graph.name, tuple(nodes))
