"""The lines of `lowering.py`: one builder call per node, under the layer's own name."""

from __future__ import annotations

from dataclasses import dataclass

from nashc.emit.code import WIDTH, Places, origin
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
        """The statement, broken like ruff does."""
        head = f"    {self.variable} = g.{self.op}("
        body = ", ".join(self.arguments)
        comment = f"  # {self.origin}" if self.origin else ""
        if len(f"{head}{body}){comment}") <= WIDTH:
            return f"{head}{body}){comment}"
        if len(f"        {body}") <= WIDTH:
            return f"{head}{comment}\n        {body}\n    )"
        lines = "".join(f"        {argument},\n" for argument in self.arguments)
        return f"{head}{comment}\n{lines}    )"


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
