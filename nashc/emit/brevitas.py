"""How Brevitas says each op: the quantised network of `model.py`."""

from __future__ import annotations

from nashc.emit.code import (
    Layer,
    Speaker,
    conv_arguments,
    goes_into,
    linear_arguments,
    origin,
)
from nashc.ir import Graph, Node

QUANTISERS = (
    "BinaryWeight",
    "FloorTrunc",
    "IntWeight",
    "JoinAct",
    "TensorBinaryWeight",
    "TensorIntWeight",
    "UnsignedAct",
)
"""Classes of support/layers/quantisers.py, in the order of an import."""


def _weights(bits: int, scope: str = "") -> tuple[str, ...]:
    """scope: "Tensor" for one scale in all, else one for each output channel."""
    if bits == 1:
        return (f"weight_quant={scope}BinaryWeight",)
    return (f"weight_quant={scope}IntWeight", f"weight_bit_width={bits}")


def _conv(node: Node, attribute: str, graph: Graph) -> Layer:
    weights = _weights(node.params["weight_bits"])
    arguments = (*conv_arguments(node, graph), *weights)
    return Layer(attribute, "qnn.QuantConv2d", arguments, origin(node))


def _linear(node: Node, attribute: str, graph: Graph) -> Layer:
    weights = _weights(node.params["weight_bits"], "Tensor")
    arguments = (*linear_arguments(node, graph), *weights)
    return Layer(attribute, "qnn.QuantLinear", arguments, origin(node))


def _act(node: Node, attribute: str, graph: Graph) -> Layer:
    bits = f"bit_width={node.params['bits']}"
    if node.params["kind"] != "relu":
        constructor = "QuantHardTanh" if node.params["kind"] == "hardtanh" else "QuantIdentity"
        return Layer(attribute, f"qnn.{constructor}", ("act_quant=JoinAct", bits), origin(node))
    arguments: tuple[str, ...] = ("act_quant=UnsignedAct", bits)
    if _is_averaged(node, graph):
        arguments += ("return_quant_tensor=True",)  # the average pool sums integers
    return Layer(attribute, "qnn.QuantReLU", arguments, origin(node))


def _is_averaged(node: Node, graph: Graph) -> bool:
    readers = graph.consumers[node.name]
    return any(r.op == "avgpool" or (r.op == "maxpool" and _is_averaged(r, graph)) for r in readers)


def _avgpool(node: Node, attribute: str, graph: Graph) -> Layer:
    side = graph.node(node.inputs[0]).shape[1:3]
    window = str(side[0]) if side[0] == side[1] else f"({side[0]}, {side[1]})"
    bits = f"bit_width={node.params['bits']}"
    arguments = (window, "trunc_quant=FloorTrunc", bits, "return_quant_tensor=False")
    return Layer(attribute, "qnn.TruncAvgPool2d", arguments, origin(node))


def maxpool(node: Node, attribute: str, _graph: Graph) -> Layer:
    """Max-pool layers are plain torch in both networks."""
    p = node.params
    arguments = (str(p["window"]), f"stride={p['stride']}", f"padding={p['pad']}")
    return Layer(attribute, "nn.MaxPool2d", arguments, origin(node))


def _layer(node: Node, attribute: str, graph: Graph) -> Layer | None:
    match node.op:
        case "conv":
            return _conv(node, attribute, graph)
        case "linear":
            return _linear(node, attribute, graph)
        case "act":
            return _act(node, attribute, graph)
        case "avgpool":
            return _avgpool(node, attribute, graph)
        case "maxpool":
            return maxpool(node, attribute, graph)
        case "batchnorm":
            return Layer(attribute, "nn.BatchNorm2d", (str(node.shape[-1]),))
    return None


def _call(node: Node, attribute: str, inputs: list[str], graph: Graph) -> str:
    """An add quantises its summands itself: one function for a step (support/layers/activation_grid.py)."""
    match node.op:
        case "act" if _is_inlined(node, graph):
            return inputs[0]
        case "add":
            return f"added(self.{attribute}, {', '.join(inputs)})"
    return called(node, attribute, inputs, graph)


def called(node: Node, attribute: str, inputs: list[str], _graph: Graph) -> str:
    """The call of a layer."""
    call = f"self.{attribute}({inputs[0]})"
    return f"{call}.flatten(1)" if node.op == "avgpool" else call


def _is_inlined(node: Node, graph: Graph) -> bool:
    """Convolutions and pools in front of their batch norm, quantisers in front of an add."""
    return goes_into(node, graph, "act")


BREVITAS = Speaker(_layer, _call, _is_inlined)


def used_quantisers(layers: list[Layer]) -> tuple[str, ...]:
    """The quantiser classes that a model imports."""
    words = {argument.partition("=")[2] for layer in layers for argument in layer.arguments}
    return tuple(name for name in QUANTISERS if name in words)
