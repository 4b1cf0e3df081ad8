"""The trained Brevitas network as QONNX, its nodes and tensors under the names of the layers."""

from __future__ import annotations

import copy
import re
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from onnx import helper, numpy_helper
from torch import nn

# The nodes that carry the name of their layer alone; those beside them say more.
_LAYER_OPS = ("Quant", "Conv", "BatchNormalization", "MaxPool", "Trunc", "MatMul", "Gemm")


def export(network: nn.Module, shape: tuple[int, int, int], layers_of: dict[str, list[str]]) -> Any:
    """A ModelWrapper with input `image` [1, C, H, W] (pixel values) and output `logits`, cleaned up.

    layers_of: path of a torch module -> its layers in the order of calls (`IntegerGraph.layers_of`, by path).
    """
    from brevitas.export import export_qonnx
    from qonnx.core.modelwrapper import ModelWrapper

    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = Path(folder) / "raw.onnx"
        # dynamo=True loses quantisation at residual adds (Xilinx/brevitas#1608, Brevitas 0.13, torch 2.12).
        export_qonnx(
            network,
            args=torch.zeros(1, *shape),
            export_path=str(path),
            dynamo=False,
            input_names=["image"],
            output_names=["logits"],
        )
        model = ModelWrapper(str(path))
        _mend_single_bits(model)
        _name_after_layers(model, layers_of)
        _separate_pools(model, {layer for layers in layers_of.values() for layer in layers})
        return _cleaned(model)


def _cleaned(model: Any) -> Any:
    """What qonnx.util.cleanup does, but for the renaming of all nodes and tensors to numbers at its end."""
    from qonnx.transformation.fold_constants import FoldConstants
    from qonnx.transformation.general import (
        GiveUniqueParameterTensors,
        RemoveStaticGraphInputs,
        RemoveUnusedTensors,
        SortGraph,
    )
    from qonnx.transformation.infer_shapes import InferShapes

    for transformation in (
        InferShapes(),
        GiveUniqueParameterTensors(),
        FoldConstants(exclude_op_types=["Quant", "BipolarQuant"]),
        RemoveUnusedTensors(),
        RemoveStaticGraphInputs(),
        SortGraph(),
    ):
        model = model.transform(transformation, make_deepcopy=False)
    return model


def _mend_single_bits(model: Any) -> None:
    """Brevitas 0.13 exports an activation {0, s} as BipolarQuant, which gives {-s, s}: Quant of one unsigned bit is meant."""
    for index, node in enumerate(model.graph.node):
        if node.op_type != "BipolarQuant" or "/act_quant/" not in node.name:
            continue
        value, scale = node.input
        zero, width = f"{node.output[0]}.zero_point", f"{node.output[0]}.bit_width"
        for name, number in ((zero, 0.0), (width, 1.0)):
            model.graph.initializer.append(numpy_helper.from_array(np.float32(number), name))
        quant = helper.make_node(
            "Quant",
            [value, scale, zero, width],
            list(node.output),
            name=node.name.replace("BipolarQuant", "Quant"),
            domain=node.domain,
            signed=0,
            narrow=0,
            rounding_mode="ROUND",
        )
        model.graph.node.remove(node)
        model.graph.node.insert(index, quant)


def _name_after_layers(model: Any, layers_of: dict[str, list[str]]) -> None:
    """torch names nodes by module: /group0/block0_conv1/Conv, /group0/join/act_quant/export_handler_2/Quant."""
    fixed = {tensor.name for tensor in (*model.graph.input, *model.graph.output)}
    renamed: dict[str, str] = {}
    for node in model.graph.node:
        node.name = _layer_name(node, layers_of, renamed)
        if node.op_type == "Add":
            _leave_the_name(node.name, model, renamed)
        for index, tensor in enumerate(node.output):
            if tensor not in fixed:
                renamed[tensor] = node.name if index == 0 else f"{node.name}.{index}"
    assert len(set(renamed.values())) == len(renamed), "two QONNX tensors share a name"
    for node in model.graph.node:
        node.input[:] = [renamed.get(tensor, tensor) for tensor in node.input]
        node.output[:] = [renamed.get(tensor, tensor) for tensor in node.output]
    for info in model.graph.value_info:
        info.name = renamed.get(info.name, info.name)


def _leave_the_name(name: str, model: Any, renamed: dict[str, str]) -> None:
    """An add of three branches is two Adds: the last has the layer's name, those before become `name.partial1`."""
    earlier = [tensor for tensor, other in renamed.items() if other == name]
    taken = sum(other.startswith(f"{name}.partial") for other in renamed.values())
    for tensor in earlier:
        renamed[tensor] = f"{name}.partial{taken + 1}"
        model.find_producer(tensor).name = renamed[tensor]


def _separate_pools(model: Any, layers: set[str]) -> None:
    """Max-pools that torch's export merged, since they pool the same value, become the layers they were."""
    graph = model.graph
    missing = layers - {node.name for node in graph.node}
    for pool in [node for node in graph.node if node.op_type == "MaxPool"]:
        for reader in model.find_consumers(pool.output[0]):
            layer = reader.name.removesuffix(".bn")
            if layer == reader.name or layer not in missing:
                continue
            own = copy.deepcopy(pool)
            own.name = own.output[0] = layer
            info = copy.deepcopy(model.get_tensor_valueinfo(pool.output[0]))
            if info is not None:
                info.name = layer
                graph.value_info.append(info)
            graph.node.insert(list(graph.node).index(pool), own)
            reader.input[0] = layer


def _layer_name(node: Any, layers_of: dict[str, list[str]], renamed: dict[str, str]) -> str:
    """renamed: torch's tensors before this node -> their names here."""
    if node.op_type == "Add":
        # Both sides come from the join in front of the add.
        sides = {re.sub(r"\.join\d*$", "", renamed.get(tensor, tensor)) for tensor in node.input}
        if len(sides) == 1:
            return sides.pop()
    parts = node.name.strip("/").split("/")
    for length in range(len(parts), 0, -1):
        layers = layers_of.get(".".join(parts[:length]))
        if layers is None:
            continue
        inner = parts[length:]
        call = next(
            (int(n) for part in inner for n in re.findall(r"^export_handler_(\d+)$", part)), 0
        )
        layer = layers[call] if call < len(layers) else f"{layers[0]}.{call}"
        if "weight_quant" in inner:
            return f"{layer}.quantised_weight"
        if inner[-1].startswith(_LAYER_OPS):
            return layer
        return ".".join([layer, *inner[-2:]])
    return ".".join(parts)
