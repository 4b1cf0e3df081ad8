"""What the numbers of an integer graph say about its hardware: `nashc estimate --weights ranges.json` reads it."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper
from qonnx.core.datatype import DataType

from support.integers.values import signed_sums

FORMAT = 1


def ranges(model: onnx.ModelProto) -> dict[str, Any]:
    """By layer: [smallest, largest] weight, sum and threshold, of what kind it is (`INT4 144x16`, `UINT4`), and which layers
    turn channels round.

    Sums are those that any input of the input's data type can give, as FINN reckons when it chooses accumulators; that
    type is FINN's too, which for an addition of three is wider than the sums are.
    """
    constants = {constant.name: constant for constant in model.graph.initializer}
    datatypes = {
        annotation.tensor_name: entry.value
        for annotation in model.graph.quantization_annotation
        for entry in annotation.quant_parameter_tensor_names
        if entry.key == "finn_datatype"
    }

    def values(node: onnx.NodeProto) -> np.ndarray:
        return numpy_helper.to_array(constants[node.input[1]])

    layers: dict[str, dict[str, Any]] = {}
    for node in model.graph.node:
        match node.op_type:
            case "MatMul":
                weights = values(node)
                layers[node.name] = {
                    "kind": f"{datatypes[node.input[1]]} {weights.shape[0]}x{weights.shape[1]}",
                    "weights": _ends(weights),
                    "accumulator": _sums(weights, DataType[datatypes[node.input[0]]]),
                }
            case "MultiThreshold":
                kind = datatypes[node.output[0]]
                layers[node.name] = {"kind": kind, "thresholds": _ends(values(node))}
            case "Mul":
                layers[node.name] = {"signs": _ends(values(node))}
            case "Sub":
                pool = node.name.removesuffix(".turned")
                layers[pool] = {"turned": _ends(values(node))}
            case "Add":
                left, right = (DataType[datatypes[name]] for name in node.input)
                datatypes[node.output[0]] = _sum_type(left, right)
            case "Im2Col" | "MaxPoolNHWC" | "Reshape":
                datatypes[node.output[0]] = datatypes[node.input[0]]
    return {"format": FORMAT, "layers": layers}


def _sum_type(left: Any, right: Any) -> str:
    """finn-plus 1.6.1, custom_op/fpgadataflow/elementwise_binary.py, _derive_out_dtype of ElementwiseAdd."""
    wider, narrower = (right, left) if right.bitwidth() > left.bitwidth() else (left, right)
    if not (wider.signed() or narrower.signed()):
        return f"UINT{wider.bitwidth() + 1}"
    return f"INT{wider.bitwidth() + (1 if wider.signed() else 2)}"


def _ends(values: np.ndarray) -> list[int]:
    return [int(values.min()), int(values.max())]


def _sums(weights: np.ndarray, datatype: Any) -> list[int]:
    low, high = float(datatype.min()), float(datatype.max())
    positive, negative = signed_sums(weights)
    return [
        int((positive * low + negative * high).min()),
        int((positive * high + negative * low).max()),
    ]
