"""The clock cycles that FINN+ 1.6.1 expects of one frame.

Sources are files of finn-plus 1.6.1 under finn/custom_op/fpgadataflow/.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from nashc.cost.fold import Bools, Foldings, Ints
from nashc.cost.nodes import HwNode


def cycles(node: HwNode, f: Foldings) -> Ints:
    """Clock cycles of one frame (get_exp_cycles of each op), int64 [foldings]."""
    return _CYCLES.get(node.kind, _elementwise_cycles)(node, f)


def is_parallel(node: HwNode, f: Foldings) -> Bools:
    """rtl/convolutioninputgenerator_rtl.py, select_impl_style."""
    in_parallel: Bools = f.parallel_window == 1
    return in_parallel | (node.sizes("ConvKernelDim") == (1, 1))


def _mvau_cycles(node: HwNode, f: Foldings) -> Ints:
    """matrixvectoractivation.py, get_exp_cycles; TH = 1."""
    return (node["MH"] // f.pe) * (node["MW"] // f.simd) * math.prod(node.sizes("numInputVectors"))


def _stream_cycles(node: HwNode, f: Foldings) -> Ints:
    """thresholding.py, duplicatestreams.py, get_exp_cycles."""
    return node["NumChannels"] // f.pe * math.prod(node.sizes("numInputVectors"))


def _elementwise_cycles(node: HwNode, f: Foldings) -> Ints:
    """elementwise_binary.py, get_exp_cycles."""
    *others, channels = node.sizes("out_shape")
    return channels // f.pe * math.prod(others)


def _pool_cycles(node: HwNode, f: Foldings) -> Ints:
    """pool.py, get_exp_cycles."""
    return node["Channels"] * math.prod(node.sizes("KernelSize") + node.sizes("OutImgDims")) // f.pe


def _padding_cycles(node: HwNode, f: Foldings) -> Ints:
    """fmpadding.py, get_exp_cycles."""
    (height, width), pad = node.sizes("ImgDim"), node.sizes("Padding")
    return node["NumChannels"] // f.simd * (height + pad[0] + pad[2]) * (width + pad[1] + pad[3])


def _label_cycles(node: HwNode, f: Foldings) -> Ints:
    """labelselect.py, get_exp_cycles."""
    return node["Labels"] // f.pe


def _window_cycles(node: HwNode, f: Foldings) -> Ints:
    """rtl/convolutioninputgenerator_rtl.py, get_exp_cycles; dilation 1."""
    (k_h, k_w), (height, width) = node.sizes("ConvKernelDim"), node.sizes("IFMDim")
    (out_h, out_w), (stride_h, stride_w) = node.sizes("OFMDim"), node.sizes("Stride")
    fold = node["IFMChannels"] // f.simd
    depthwise = node["depthwise"]
    in_parallel = height * width * fold + 2
    if height == 1 or width == 1:
        if width == 1:
            width, out_w, k_w, stride_w = height, out_h, k_h, stride_h
        if depthwise:
            writing = out_w * k_w * fold + (fold - 1) * k_w
            reading = width * fold + fold * (k_w - 1) * (stride_w - 1)
            in_turn = np.maximum(writing, reading) + 2
        else:
            in_turn = out_w * k_w * fold + 2
    else:
        first = ((k_h - 1) * width + (k_w - 1) + 1) * fold
        row = np.maximum(out_w * k_w * k_h * fold, stride_w * width * fold)
        if depthwise:
            row = row + out_w * (stride_w - 1) * (fold - 1)
        in_turn = first + out_h * row
        if depthwise:
            in_turn = in_turn + (stride_h - 1) * width * fold
    return np.where(is_parallel(node, f), in_parallel, in_turn)


_CYCLES: dict[str, Callable[[HwNode, Foldings], Ints]] = {
    "MVAU": _mvau_cycles,
    "Thresholding": _stream_cycles,
    "DuplicateStreams": _stream_cycles,
    "Pool": _pool_cycles,
    "FMPadding": _padding_cycles,
    "LabelSelect": _label_cycles,
    "ConvolutionInputGenerator": _window_cycles,
}
