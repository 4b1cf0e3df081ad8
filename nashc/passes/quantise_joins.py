"""One quantiser in front of every add, shared by all that meet there: FINN needs equal scales.

A cascade (backbone + shortcut, then the NAS branch; paper, Figure 4b) shares one as a whole, and the
first sum goes through it too before the second add, as in the authors' code. A cascade ends with its
part of the backbone, which becomes a class of its own. All edges of a cell that meet in a node share it too:
an edge that is not kept adds zero, so that the network of a genotype has the same sums.
"""

from __future__ import annotations

from nashc.diagnostics import Problems
from nashc.ir import Graph, Node
from nashc.schema import Spec


def quantise_joins(graph: Graph, spec: Spec, _problems: Problems) -> Graph:
    """The graph with an `act` on each input of an add."""
    nodes: list[Node] = []
    owner: dict[str, str] = {}
    part, part_of = "", {}
    for node in graph.nodes:
        head = node.name.partition(".")[0]
        part = part if head == "nas" else head  # a cell over the network lies in all parts
        if node.op != "add":
            nodes.append(node)
            continue
        part_of[node.name] = part
        cascade = next((owner[i] for i in node.inputs if part_of.get(i) == part), None)
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
