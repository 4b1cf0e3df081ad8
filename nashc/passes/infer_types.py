"""Shapes and data types of every value, by each op's own rule."""

from __future__ import annotations

from dataclasses import replace

from pydantic import ValidationError

from nashc.diagnostics import Diagnostic, Label, Problems
from nashc.ir import Graph, Node, TensorType
from nashc.ops import REGISTRY, Misfit
from nashc.schema import Spec


def infer_types(graph: Graph, _spec: Spec, problems: Problems) -> Graph:
    """The graph with all types; a node with a mistake silences those that depend on it."""
    types: dict[str, TensorType] = {}
    nodes: list[Node] = []
    for node in graph.nodes:
        inputs = [types.get(name) for name in node.inputs]
        known = [kind for kind in inputs if kind is not None]
        if len(known) == len(inputs):
            try:
                op = REGISTRY[node.op]
                types[node.name] = op.infer(op.params.model_validate(dict(node.params)), *known)
            except Misfit as misfit:
                problems.add(_diagnostic(misfit, node, graph))
            except ValidationError as error:
                raise AssertionError(f"{node.name}: {error}") from error
        nodes.append(replace(node, type=types.get(node.name)))
    return Graph(graph.name, tuple(nodes))


def _diagnostic(misfit: Misfit, node: Node, graph: Graph) -> Diagnostic:
    others = tuple(
        Label(source.span, f"`{source.name}` comes from here")
        for source in (graph.node(name) for name in dict.fromkeys(node.inputs))
        if source.span
    )
    message = f"{misfit.message} (`{node.name}`)"
    return Diagnostic(misfit.code, message, node.span, misfit.label, others[:2], misfit.help)
