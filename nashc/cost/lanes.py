"""The streams between nodes: how many values pass at once, and of which type.

Source: finn-plus 1.6.1, get_folded_input_shape and get_folded_output_shape of each op.
"""

from __future__ import annotations

import math
from typing import overload

from nashc.cost.fold import Folding, Foldings, Ints
from nashc.cost.nodes import HwNode

_BY_SIMD = ("FMPadding", "ConvolutionInputGenerator", "MVAU", "DownSampler")


@overload
def lanes_in(node: HwNode, folding: Folding) -> int: ...
@overload
def lanes_in(node: HwNode, folding: Foldings) -> Ints: ...
def lanes_in(node: HwNode, folding: Folding | Foldings) -> int | Ints:
    """Values that a node takes at once from each of its streams."""
    return folding.simd if node.kind in _BY_SIMD else folding.pe


@overload
def lanes_out(node: HwNode, folding: Folding) -> int: ...
@overload
def lanes_out(node: HwNode, folding: Foldings) -> Ints: ...
def lanes_out(node: HwNode, folding: Folding | Foldings) -> int | Ints:
    """Values that a node gives at once on each of its streams."""
    match node.kind:
        case "ConvolutionInputGenerator":
            window = math.prod(node.sizes("ConvKernelDim"))
            return folding.simd * (1 + folding.parallel_window * (window - 1))
        case "FMPadding":
            return folding.simd
        case "LabelSelect":
            return folding.pe // folding.pe
    return folding.pe


def stream_type(node: HwNode) -> str:
    """QONNX type of what a node gives."""
    for name in ("outputDataType", "OutputDataType", "out_dtype", "inputDataType"):
        if name in node.attrs:
            return node.dtype(name)
    raise AssertionError(node)
