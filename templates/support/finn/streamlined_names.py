"""Nodes and tensors of a streamlined graph under the names that the direct lowering gives them."""

from __future__ import annotations

from typing import Any

from support.progress import StageError

DIRECT = "use the direct lowering: finn { lowering = direct }"


def batchnorms_of_pools(model: Any) -> dict[str, str]:
    """Each activation behind max-pool and batch norm -> that batch norm, of which only signs will be left."""
    found = {}
    for node in model.get_nodes_by_op_type("BatchNormalization"):
        before = model.find_producer(node.input[0])
        if before is not None and before.op_type == "MaxPool":
            for reader in model.find_consumers(node.output[0]):
                found[reader.output[0]] = node.name
    return found


def name_after_layers(model: Any, signs: dict[str, str]) -> None:
    """Nodes and tensors as the direct lowering calls them; constants kept the names of their layers all the way."""
    graph = model.graph
    entry, result = graph.input[0].name, graph.output[0].name
    names = {}
    for node in graph.node:
        names[node.output[0]] = layer_of(node)
    for node in reversed(graph.node):
        if node.op_type == "Mul":
            readers = [names[reader.output[0]] for reader in model.find_consumers(node.output[0])]
            names[node.output[0]] = next((signs[name] for name in readers if name in signs), "")
        elif node.op_type == "Im2Col":
            names[node.output[0]] = f"{names[model.find_consumer(node.output[0]).output[0]]}.window"
        elif node.op_type == "Flatten":
            names[node.output[0]] = f"{names[model.find_consumer(node.output[0]).output[0]]}.flat"
    nameless = [node.op_type for node in graph.node if not names[node.output[0]]]
    if nameless or len(set(names.values())) < len(names):
        twice = sorted(n for n in names.values() if list(names.values()).count(n) > 1)
        raise StageError(
            f"layers without a name of their own after streamlining: {nameless + twice}", DIRECT
        )
    for node in graph.node:
        node.name = names[node.output[0]]
    # In two steps: a name may be taken by another tensor still.
    for tensor in names:
        model.rename_tensor(tensor, f"{tensor} before")
    for tensor, name in names.items():
        model.rename_tensor(f"{tensor} before", "classify.value" if name == "classify" else name)
    model.rename_tensor(result, "class")
    model.rename_tensor(entry, "image")


def layer_of(node: Any) -> str:
    """The layer of a node by its constants; "" for what its reader names."""
    match node.op_type:
        case "MatMul":
            return str(node.input[1]).removesuffix(".Transpose").removesuffix(".quantised_weight")
        case "MultiThreshold":
            return str(node.input[1]).removesuffix(".thresholds")
        case "Pool":
            return str(node.name).removeprefix("Pool_")
        case "TopK":
            return "classify"
        case "Add":
            return str(node.name)
    return ""
