"""Boxes: what a reader sees as one layer, in words and colours.

A batchnorm and an activation belong to the layer they follow, the quantisers of a join to its add:
without this a plain residual block is nine boxes instead of three.
"""

from __future__ import annotations

from dataclasses import dataclass

from nashc.ir import Graph, Node


@dataclass(frozen=True)
class Paint:
    fill: str
    line: str


PAINTS = {
    "input": Paint("#eef0f3", "#8a94a3"),
    "conv": Paint("#dbe8fb", "#4a7fc9"),
    "linear": Paint("#e2defa", "#7363c9"),
    "maxpool": Paint("#d9f1df", "#419a5d"),
    "avgpool": Paint("#d3efee", "#2f9391"),
    "batchnorm": Paint("#f0e6f6", "#9866b5"),
    "act": Paint("#fdf0cd", "#c29a2b"),
    "add": Paint("#fbe0d8", "#cf6f50"),
    "choice": Paint("#fbfbfd", "#d0568f"),
    "identity": Paint("#eef0f3", "#8a94a3"),
    "zero": Paint("#ffffff", "#b4bbc6"),
}
OTHER = Paint("#ffffff", "#5d6778")


@dataclass(frozen=True)
class Box:
    """A layer and the nodes shown in its box, in the order of the graph.

    inputs: layers of the boxes that feed it; a box that feeds it twice is there twice.
    """

    layer: Node
    nodes: tuple[Node, ...]
    inputs: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.layer.name

    @property
    def is_nas(self) -> bool:
        return is_nas(self.name)

    @property
    def is_shortcut(self) -> bool:
        """Whether it is a layer of a shortcut; an add is where the shortcut ends."""
        return self.layer.op != "add" and any(
            node.params.get("role") == "shortcut" for node in self.nodes
        )


def boxes(graph: Graph) -> tuple[Box, ...]:
    """The boxes of a graph in topological order, the output last."""
    owner: dict[str, str] = {}
    members: dict[str, list[Node]] = {}
    for node in graph.nodes:
        name = _owner(node, graph, owner)
        owner[node.name] = name
        members.setdefault(name, []).append(node)
    # The last node of a box is below all others of it, so its place orders the boxes.
    index = {node.name: i for i, node in enumerate(graph.nodes)}
    result = []
    for name in sorted(members, key=lambda n: index[members[n][-1].name]):
        feeds = [owner[value] for node in members[name] for value in node.inputs]
        inputs = tuple(feed for feed in feeds if feed != name)
        result.append(Box(graph.node(name), tuple(members[name]), inputs))
    return tuple(result)


def _owner(node: Node, graph: Graph, owner: dict[str, str]) -> str:
    if node.op == "act" and node.params["quantiser"] != node.name:
        readers = graph.consumers[node.name]
        if len(readers) == 1 and readers[0].op == "add":
            return readers[0].name
    if node.op in ("batchnorm", "act") and len(node.inputs) == 1:
        source = graph.node(node.inputs[0])
        if len(graph.consumers[source.name]) == 1 and source.op != "input":
            return owner[source.name]
    return node.name


# ---- words ----------------------------------------------------------------------------------


def is_nas(name: str) -> bool:
    """Whether a cell put this node there."""
    return name.startswith("nas.") or ".nas." in name


def group(name: str) -> str:
    """First component of a path; empty for a node that stands in no part of the backbone."""
    return name.split(".", 1)[0] if "." in name else ""


def short(name: str) -> str:
    """The path inside its group."""
    return name.split(".", 1)[-1]


def paint(op: str) -> Paint:
    """Colours of an op or of a candidate such as `conv 3x3`."""
    return PAINTS.get(op.split(" ", 1)[0], OTHER)


def operation(node: Node) -> str:
    """The op with its numbers: `conv 3x3 /2, 64`."""
    p = node.params
    stride = f" /{p['stride']}" if p.get("stride", 1) != 1 else ""
    match node.op:
        case "conv":
            return f"conv {p['kernel']}x{p['kernel']}{stride}, {p['out']}"
        case "linear":
            return f"linear, {p['out']}"
        case "maxpool":
            return f"maxpool {p['window']}x{p['window']}{stride}"
        case "act":
            return f"{p['kind']} a{p['bits']}"
        case "choice":
            return f"one of {len(p['ops'])}{stride}"
        case "input":
            return str(p["dtype"])
        case op:
            return op


def details(box: Box) -> str:
    """Bit widths and what is folded into the box: `w4 · bn · relu a4`; empty when there is nothing."""
    words = []
    if "weight_bits" in box.layer.params:
        words.append(f"w{box.layer.params['weight_bits']}")
    if box.layer.op == "avgpool":
        words.append(f"a{box.layer.params['bits']}")
    joins = [n for n in box.nodes if n.op == "act" and box.layer.name in _reads(box, n)]
    if joins:
        widths = dict.fromkeys(f"a{node.params['bits']}" for node in joins)
        words.append(f"joins {'/'.join(widths)}")
    for node in box.nodes:
        if node is not box.layer and node not in joins:
            words.append("bn" if node.op == "batchnorm" else operation(node))
    return " · ".join(words)


def _reads(box: Box, value: Node) -> tuple[str, ...]:
    return tuple(node.name for node in box.nodes if value.name in node.inputs)


def extent(node: Node) -> str:
    """Shape of the value as CxHxW, the way people read it; the type itself is NHWC."""
    if node.type is None:
        return ""
    _, *space, channels = node.type.shape
    return "×".join(str(n) for n in (channels, *space))


def candidates(box: Box) -> tuple[str, ...]:
    """The ops that a search may still choose from in this place."""
    return tuple(box.layer.params["ops"]) if box.layer.op == "choice" else ()
