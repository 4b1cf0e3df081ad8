"""What FINN+ 1.6.1 gets wrong about single bits, put right.

A product of weights +-1 and inputs {0, 1} is a popcount of agreements (XnorPopcountMatMul; MVAU with binaryXnorMode).
"""

from __future__ import annotations

from typing import Any


def lowest_activations(model: Any) -> dict[str, int]:
    """Of each activation tensor, the value below its first threshold; for `correct_activations`."""
    from qonnx.custom_op.registry import getCustomOp

    nodes = model.get_nodes_by_op_type("MultiThreshold")
    return {node.output[0]: int(getCustomOp(node).get_nodeattr("out_bias")) for node in nodes}


def correct_activations(model: Any, lowest: dict[str, int]) -> None:
    """InferBinaryMatrixVectorActivation begins at the smallest value of the type: at -128 for -127 .. 127."""
    from qonnx.custom_op.registry import getCustomOp

    for node in model.get_nodes_by_op_type("MVAU"):
        instance = getCustomOp(node)
        if instance.get_nodeattr("binaryXnorMode") and not instance.get_nodeattr("noActivation"):
            instance.set_nodeattr("ActVal", lowest[node.output[0]])


def correct_accumulator(node: Any, instance: Any) -> None:
    """A popcount goes from 0 to the number of its terms; MinimizeAccumulatorWidth reckons with the sum of products."""
    if not node.op_type.startswith("MVAU") or not instance.get_nodeattr("binaryXnorMode"):
        return
    terms = int(instance.get_nodeattr("MW"))
    datatype = f"UINT{max(2, terms.bit_length())}"
    instance.set_nodeattr("accDataType", datatype)
    if instance.get_nodeattr("noActivation"):
        instance.set_nodeattr("outputDataType", datatype)


def widen_weights(model: Any) -> None:
    """MinimizeWeightBitWidth types weights 0 and 1 BINARY, for which no code is generated, and -1 and 0 BIPOLAR."""
    from qonnx.custom_op.registry import getCustomOp

    for node in model.graph.node:
        if not node.op_type.startswith("MVAU"):
            continue
        instance = getCustomOp(node)
        if instance.get_nodeattr("binaryXnorMode"):
            continue
        if instance.get_nodeattr("weightDataType") in ("BINARY", "UINT1", "BIPOLAR"):
            has_zeros = (model.get_initializer(node.input[1]) == 0).any()
            instance.set_nodeattr("weightDataType", "INT2" if has_zeros else "BIPOLAR")
