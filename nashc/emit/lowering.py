"""The lines of `lowering.py`: one builder call per node, under the layer's own name."""

from __future__ import annotations

from dataclasses import dataclass

from nashc.emit.code import Places, origin
from nashc.emit.lines import bracketed
from nashc.ir import Graph, Node
from nashc.vocab.names import python_name


@dataclass(frozen=True)
class Call:
    variable: str
    op: str
    arguments: tuple[str, ...]
    origin: str

    @property
    def text(self) -> str:
        head = f"    {self.variable} = g.{self.op}"
        return "\n".join(bracketed(head, self.arguments, comment=self.origin))


def calls(graph: Graph) -> tuple[Call, ...]:
    """Every node of the network as a call."""
    places = Places(graph)
    return tuple(_call(node, places) for node in graph.nodes)


def _call(node: Node, places: Places) -> Call:
    arguments = [f'"{node.name}"', *(python_name(name) for name in node.inputs)]
    match node.op:
        case "input":
            shape = ", ".join(map(str, node.shape))
            arguments += [f"shape=({shape})", f'dtype="{node.dtype}"', "scale=INPUT_SCALE"]
        case "maxpool":
            p = node.params
            arguments += [f"window={p['window']}", f"stride={p['stride']}", f"pad={p['pad']}"]
        case "add":
            pass
        case _:
            arguments.append(f"model.{places.module(node.name)}")
    return Call(python_name(node.name), node.op, tuple(arguments), origin(node))
