"""How the search network of `supernet.py` says each op: plain torch, or Brevitas as in `model.py`."""

from __future__ import annotations

from collections.abc import Callable

from nashc.emit.brevitas import BREVITAS, called, maxpool
from nashc.emit.code import (
    Layer,
    Places,
    Speaker,
    conv_arguments,
    goes_into,
    linear_arguments,
    origin,
)
from nashc.emit.searched_bits import NO_BITS, SearchedBits
from nashc.emit.searched_channels import NO_CHANNELS, SearchedChannels
from nashc.ir import Graph, Node

SayLayer = Callable[[Node, str, Graph], Layer | None]
SMALL_CONV = "SmallMapConv2d"
PIXELS_MAX = 4  # of the result of such a convolution: templates/support/layers/small_maps.py


def speaker(
    op_sets: dict[tuple[str, ...], str],
    precision: str,
    bits: SearchedBits = NO_BITS,
    channels: SearchedChannels = NO_CHANNELS,
) -> Speaker:
    """op_sets: constant name of each tuple of candidates. precision: of the search, as the spec says it."""

    def call(node: Node, attribute: str, inputs: list[str], graph: Graph) -> str:
        # Gates and masks lie between the quantisers and the adds of a search.
        say = called if precision == "quantised" and node.op != "add" else _call
        return channels.said(say(node, attribute, inputs, graph), node, graph)

    if precision == "quantised":
        layer = _quantised(op_sets, bits, channels)
        return Speaker(layer, call, _is_inlined_quantised)
    return Speaker(_full(op_sets, precision, channels), call, _is_inlined)


def _full(
    op_sets: dict[tuple[str, ...], str], precision: str, channels: SearchedChannels
) -> SayLayer:
    """In full precision, but for what the paper's cells hold."""

    def layer(node: Node, attribute: str, graph: Graph) -> Layer | None:
        match node.op:
            case "conv":
                return _conv(node, attribute, graph)
            case "linear":
                return Layer(attribute, "nn.Linear", linear_arguments(node, graph), origin(node))
            case "maxpool":
                return maxpool(node, attribute, graph)
            case "batchnorm":
                return Layer(attribute, "batch_norm", (str(node.shape[-1]),))
            case "choice":
                more = ["convs=Float()"] if precision == "float" else []
                more += _side(node, graph)
                return _choice(node, attribute, graph, op_sets, channels, more)
        return None

    return layer


def _quantised(
    op_sets: dict[tuple[str, ...], str], searched: SearchedBits, channels: SearchedChannels
) -> SayLayer:
    """As `model.py` has them, but for batch norms, whose batches normalise themselves in a search, and for searched widths."""

    def say(node: Node, attribute: str, graph: Graph) -> Layer | None:
        match node.op:
            case "batchnorm":
                return Layer(attribute, "batch_norm", (str(node.shape[-1]),))
            case "choice":
                bits, of_identity = searched.of_choice(node)
                convs = f"{bits}" if bits == of_identity else f"{bits}, of_identity={of_identity}"
                more = [f"convs=Quantised({convs})"]
                return _choice(node, attribute, graph, op_sets, channels, more)
        layer = BREVITAS.layer(node, attribute, graph)
        return layer and channels.with_inputs(searched.with_widths(layer, node), node)

    return say


def _conv(node: Node, attribute: str, graph: Graph) -> Layer:
    _, height, width, _ = node.shape
    is_small = height * width <= PIXELS_MAX and node.params["kernel"] > 1
    constructor = SMALL_CONV if is_small else "nn.Conv2d"
    return Layer(attribute, constructor, conv_arguments(node, graph), origin(node))


def _choice(
    node: Node,
    attribute: str,
    graph: Graph,
    op_sets: dict[tuple[str, ...], str],
    channels: SearchedChannels,
    more: list[str],
) -> Layer:
    p = node.params
    ends = (channels.width(it, graph) for it in (node.inputs[0], node.name))
    arguments = [op_sets[p["ops"]], *ends]
    arguments += [f"stride={p['stride']}"] if p["stride"] != 1 else []
    return Layer(attribute, "MixedOp", (*arguments, *more))


def _side(node: Node, graph: Graph) -> list[str]:
    """Only where the rim of some candidate's window meets no pixel of any image. Quantised weights keep theirs: it may hold
    the largest weight, which the scale follows."""
    _, height, width, _ = graph.node(node.inputs[0]).shape
    side = max(height, width)
    windows = [
        int(op.partition(" ")[2].partition("x")[0])
        for op in node.params["ops"]
        if op.startswith("conv ")
    ]
    is_met = node.params["stride"] > 1 or max(windows, default=1) < 2 * side
    return [] if is_met else [f"side={side}"]


def _call(node: Node, attribute: str, inputs: list[str], _graph: Graph) -> str:
    match node.op:
        case "add":
            return " + ".join(inputs)
        case "act":
            return f"torch.relu({inputs[0]})"
        case "avgpool":
            return f"{inputs[0]}.mean(dim=(2, 3))"
    return f"self.{attribute}({inputs[0]})"


def _is_inlined_quantised(node: Node, graph: Graph) -> bool:
    return node.op == "choice" or BREVITAS.is_inlined(node, graph)


def _is_inlined(node: Node, graph: Graph) -> bool:
    return goes_into(node, graph, "choice")


def simplified(graph: Graph) -> Graph:
    """The graph in full precision: no quantisers before adds, and one ReLU where several were equal."""
    instead: dict[str, str] = {}
    relu: dict[str, str] = {}
    for node in graph.nodes:
        if node.op == "act":
            value = instead.get(node.inputs[0], node.inputs[0])
            is_relu = node.params["kind"] == "relu"
            instead[node.name] = relu.setdefault(value, node.name) if is_relu else value
    nodes = [
        node.with_inputs(instead.get(name, name) for name in node.inputs)
        for node in graph.nodes
        if instead.get(node.name, node.name) == node.name
    ]
    return Graph(graph.name, tuple(nodes))


def op_sets(graph: Graph) -> dict[tuple[str, ...], str]:
    """A constant's name for each set of candidates: OPS, OPS_2 ... in the order of the graph."""
    sets = dict.fromkeys(node.params["ops"] for node in graph.nodes if node.op == "choice")
    return {ops: "OPS" if i == 0 else f"OPS_{i + 1}" for i, ops in enumerate(sets)}


def cells(graph: Graph) -> dict[str, list[tuple[int, int, str]]]:
    """For each cell its edges: earlier node, later node, Python path of the mixed op."""
    places = Places(graph)
    found: dict[str, list[tuple[int, int, str]]] = {}
    for node in graph.nodes:
        if node.op == "choice":
            edge = (node.params["source"], node.params["target"], places.module(node.name))
            found.setdefault(node.params["cell"], []).append(edge)
    return {
        cell: sorted(edges, key=lambda edge: (edge[1], edge[0])) for cell, edges in found.items()
    }
