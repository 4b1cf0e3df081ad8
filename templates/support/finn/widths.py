"""Weights, accumulators and thresholds as narrow as their values allow."""

from __future__ import annotations

from typing import Any

from support.finn import single_bits as finn_single_bits
from support.finn.quick import Say, apply, nothing


def minimise(model: Any, say: Say = nothing) -> Any:
    """FINN's step_minimize_bit_width: weights, accumulators and thresholds as narrow as their values allow."""
    from finn.transformation.fpgadataflow.minimize_weight_bit_width import MinimizeWeightBitWidth
    from finn.transformation.streamline.round_thresholds import RoundAndClipThresholds
    from qonnx.transformation.infer_datatypes import InferDataTypes

    model = apply(model, [MinimizeWeightBitWidth()], say)
    _minimise_accumulators(model)
    model = apply(
        model,
        [InferDataTypes(), RoundAndClipThresholds(), MinimizeWeightBitWidth(), InferDataTypes()],
        say,
    )
    finn_single_bits.widen_weights(model)
    return model


def _minimise_accumulators(model: Any) -> None:
    """FINN's MinimizeAccumulatorWidth, front to back: each node learns its input types before its own are chosen.

    FINN 1.6.1 infers the types of the whole model after every node instead: minutes on a large network.
    """
    from qonnx.custom_op.registry import getCustomOp

    for node in model.graph.node:
        instance = getCustomOp(node)
        instance.infer_node_datatype(model)
        if hasattr(instance, "minimize_accumulator_width"):
            instance.minimize_accumulator_width(model)
            finn_single_bits.correct_accumulator(node, instance)
            if not _narrow_with_constant(model, node, instance):
                instance.infer_node_datatype(model)


def _narrow_with_constant(model: Any, node: Any, instance: Any) -> bool:
    """Give a product or difference with a constant the type of the values it can have.

    FINN 1.6.1 reckons with the types alone: +-1 times UINT8 became INT10, |UINT2 - 3| became UINT4.
    """
    from qonnx.core.datatype import DataType

    kind = node.op_type.removesuffix("_hls").removesuffix("_rtl")
    if kind not in ("ElementwiseMul", "ElementwiseAbsDiff"):
        return False
    constant = model.get_initializer(node.input[1])
    if constant is None:
        return False
    inputs = DataType[instance.get_nodeattr("lhs_dtype")]
    # Both operations take their extremes at the ends of the input's range, 0 is in every type.
    pairs = [
        (float(end), float(value))
        for end in (inputs.min(), inputs.max())
        for value in (constant.min(), constant.max())
    ]
    values = [a * b if kind == "ElementwiseMul" else abs(a - b) for a, b in pairs]
    low, high = int(min(values)), int(max(values))
    width = max(high.bit_length(), (-low - 1).bit_length() if low < 0 else 0)
    # Single bits stay single bits, or they would not fit the matrix unit that was made for them.
    narrowest = 1 if inputs.bitwidth() == 1 else 2
    datatype = f"INT{width + 1}" if low < 0 else f"UINT{max(narrowest, width)}"
    instance.set_nodeattr("out_dtype", datatype)
    model.set_tensor_datatype(node.output[0], DataType[datatype])
    return True
