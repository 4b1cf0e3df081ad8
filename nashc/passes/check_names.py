"""Layers whose names the generated programs or FINN's hardware nodes need for themselves.

The path of a layer is its attribute in the model, a variable in `lowering.py` and a node of the hardware.
"""

from __future__ import annotations

from nashc.diagnostics import Diagnostic, Label, Problems
from nashc.ir import Graph, Node
from nashc.schema import Spec
from nashc.vocab import names


def check_names(graph: Graph, _spec: Spec, problems: Problems) -> Graph:
    """The same graph; NASH212 for a name that is not free, NASH204 for two that are one in Python."""
    known: dict[str, Node] = {}
    for node in graph.nodes:
        text = _taken_by(node.name)
        if text:
            hint = "give the layer another label"
            problems.add(Diagnostic("NASH212", text, node.span, help=hint))
        for name in dict.fromkeys((node.name, *_shared(node))):
            other = known.setdefault(names.python_name(name), node)
            if other is not node and not _is_one(other, node):
                _same(node, other, names.python_name(name), problems)
    return graph


def _taken_by(path: str) -> str:
    if names.ROLES.search(path):
        ending = path.rpartition(".")[2]
        return f"`{path}` would be the `{ending}` of a layer in the hardware"
    attribute = names.python_name(path.partition(".")[2])
    if attribute and names.is_taken_in_python(attribute):
        return f"`{path}` cannot be `{attribute}` in the model: Python or torch uses the name"
    return ""


def _shared(node: Node) -> tuple[str, ...]:
    """The name of its quantiser, under which the model keeps an activation."""
    return (str(node.params["quantiser"]),) if node.op == "act" else ()


def _is_one(node: Node, other: Node) -> bool:
    """Activations that share a quantiser share its name."""
    return bool(_shared(node)) and _shared(node) == _shared(other)


def _same(node: Node, other: Node, name: str, problems: Problems) -> None:
    text = f"`{other.name}` and `{node.name}` would both be `{name}` in the generated programs"
    others = (Label(other.span, "the first"),) if other.span else ()
    hint = "give one of them another label"
    problems.add(Diagnostic("NASH204", text, node.span, "the second", others, hint))
