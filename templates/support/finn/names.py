"""Names of layers on FINN's nodes and tensors, all the way into reports and folding files.

A convolution `a` becomes `a.pad`, `a.window` and `a` (its thresholds inside), a fork of the stream after layer `b`
becomes `b.fork`, an activation turned round for a max-pool `c` becomes `c.turned`.
"""

from __future__ import annotations

import re
from typing import Any

# The nodes that one layer of ours becomes, by the ending of their names.
ROLES = re.compile(r"\.(pad|window|fork|turned|magnitude|uint2|partial\d+|fifo|width)$")
_INSERTED = {"StreamingFIFO": "fifo", "StreamingDataWidthConverter": "width"}


def layer_of(node_name: str) -> str:
    """The layer of the specification that a hardware node came from."""
    while ROLES.search(node_name):
        node_name = ROLES.sub("", node_name)
    return node_name


def name_after_layers(model: Any) -> None:
    """Nodes and the tensors that FINN named by chance get the names of the layers they came from."""
    new_names: dict[str, str] = {}
    for node in model.graph.node:
        node.name = _layer_name(node)
    names = [node.name for node in model.graph.node]
    assert len(set(names)) == len(names), f"two nodes share a name in {names}"
    for node in model.graph.node:
        # Only FINN's own tensors: six characters by chance (ModelWrapper.make_new_valueinfo_name).
        for index, tensor in enumerate(node.output):
            if node.op_type == "DuplicateStreams":
                new_names[tensor] = f"{node.name}.{index}"
            elif node.op_type == "FMPadding" or re.fullmatch(r"\w{6}", tensor):
                new_names[tensor] = node.name
    graph = model.graph
    outputs = {tensor.name for tensor in graph.output}
    for old, new in new_names.items():
        if old not in outputs:
            model.rename_tensor(old, new)


def names_by_tensor(model: Any) -> dict[str, str]:
    """First output tensor of each node -> its name, for `restore_names`."""
    return {node.output[0]: node.name for node in model.graph.node}


def restore_names(model: Any, names: dict[str, str]) -> None:
    """Give the names back after a FINN transformation that renames all nodes at its end."""
    for node in model.graph.node:
        node.name = names[node.output[0]]


def finn_names(model: Any) -> tuple[Any, dict[str, str]]:
    """The model with FINN's own node names, which HLS, Vivado and FINN's later steps rely on, and the way back.

    Every later FINN step renames its nodes again, by kind and position; dots are no part of a C++ name.
    """
    layers = [node.name for node in model.graph.node]
    model = model.transform(_finn_naming())
    return model, {node.name: name for node, name in zip(model.graph.node, layers, strict=True)}


def with_inserted(model: Any, names: dict[str, str]) -> dict[str, str]:
    """Names for what FINN put between our nodes: `a.fifo` and `a.width` behind node `a`, `image.fifo` at the front."""
    found = dict(names)
    for node in model.graph.node:
        kind = next((word for op, word in _INSERTED.items() if node.op_type.startswith(op)), None)
        if kind is None or node.name in names:
            continue
        before = model.find_producer(node.input[0])
        while before is not None and before.name not in names:
            before = model.find_producer(before.input[0])
        found[node.name] = f"{names[before.name] if before is not None else 'image'}.{kind}"
    return found


def _finn_naming() -> Any:
    """FINN+ has a transformation of its own, AMD's FINN uses qonnx's."""
    try:
        from finn.transformation.qonnx.give_unique_node_names_recursive import (
            GiveUniqueNodeNamesRecursive,
        )
    except ModuleNotFoundError:
        from qonnx.transformation.general import GiveUniqueNodeNames

        return GiveUniqueNodeNames()
    return GiveUniqueNodeNamesRecursive()


def _layer_name(node: Any) -> str:
    if node.op_type.startswith("Elementwise"):
        return node.output[0].removesuffix(".magnitude")
    if node.op_type == "DuplicateStreams":
        # The same whether channels of the pool before it were turned round or not: a folding names it before training.
        return f"{node.input[0].removesuffix('.turned.magnitude')}.fork"
    kinds = "FMPadding_Batch|ConvolutionInputGenerator|MVAU|Thresholding|Pool|LabelSelect"
    layer = re.sub(rf"^({kinds})_(Im2Col_)?", "", node.name)
    if node.op_type == "FMPadding":
        return f"{layer.removesuffix('.window')}.pad"
    if node.op_type == "ConvolutionInputGenerator":
        return f"{layer.removesuffix('.window')}.window"
    return layer
