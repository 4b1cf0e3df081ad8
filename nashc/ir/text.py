"""The text form of a graph: one node a line, parameters sorted with their defaults.

    nir 1
    graph quickstart
    %image = input() {dtype: "UINT8", shape: [1, 8, 8, 1]} -> UINT8[1, 8, 8, 1]
    output %head.fc

`load(dump(graph)) == graph`. With `locations` each line ends in the place of the spec it came from;
these are left out otherwise, so that a comment in a spec changes no byte.
"""

from __future__ import annotations

import json
import re
from typing import Any

from nashc.ir.graph import Graph, Node
from nashc.vocab.tensor import TensorType

_LINE = re.compile(
    r"%(?P<name>[\w.]+) = (?P<op>\w+)\((?P<inputs>[^)]*)\) \{(?P<params>.*)\}"
    r"(?: -> (?P<dtype>\w+)\[(?P<shape>[\d, ]*)\])?(?: @.*)?$"
)


def dump(graph: Graph, *, locations: bool = False) -> str:
    """The graph as text, newline at the end."""
    lines = ["nir 1", f"graph {graph.name}"]
    lines.extend(_line(node, locations) for node in graph.nodes)
    lines.append(f"output %{graph.output.name}")
    return "\n".join(lines) + "\n"


def _line(node: Node, locations: bool) -> str:
    inputs = ", ".join(f"%{name}" for name in node.inputs)
    params = ", ".join(f"{key}: {_plain(node.params[key])}" for key in sorted(node.params))
    line = f"%{node.name} = {node.op}({inputs}) {{{params}}}"
    if node.type:
        line += f" -> {node.type}"
    return f"{line} @{node.span}" if locations and node.span else line


def _plain(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=True)


def load(text: str) -> Graph:
    """The graph of a text; ValueError names the line that is not one."""
    name, nodes = "", []
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("graph "):
            name = line.removeprefix("graph ")
        elif match := _LINE.match(line):
            nodes.append(_node(match))
        elif line and not line.startswith(("nir ", "output ")):
            raise ValueError(f"line {number} is not a node: {line}")
    return Graph(name, tuple(nodes))


def _node(match: re.Match[str]) -> Node:
    inputs = tuple(name.strip().removeprefix("%") for name in match["inputs"].split(",") if name)
    body = re.sub(r"(^|, )(\w+): ", r'\1"\2": ', match["params"])
    params = {key: _frozen(value) for key, value in json.loads("{" + body + "}").items()}
    shape = match["shape"]
    kind = None
    if shape is not None:
        kind = TensorType(tuple(int(part) for part in shape.split(",")), match["dtype"])
    return Node(match["name"], match["op"], inputs, params, kind)


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value
