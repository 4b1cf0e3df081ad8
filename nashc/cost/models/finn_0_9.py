"""What FINN 0.9 estimated: the tool of the NASH paper. Nodes, folding and formulas of Xilinx/finn at tag v0.9.

Against FINN+ 1.6: everything is HLS, the sliding window is another machine with another buffer, a strided 1x1 window is
a DownSampler, ±1 weights take one bit, thresholds inside a matrix unit cost LUTs, and folding stops below the target
rather than at it. Nodes keep the kinds of `HwNode`; v0.9 calls them MatrixVectorActivation, Thresholding_Batch,
AddStreams_Batch, Pool_Batch, FMPadding_Batch, DuplicateStreams_Batch, LabelSelect_Batch. Sources are files under
src/finn/custom_op/fpgadataflow/ there. Matrix units keep their weights `decoupled`, as the paper's do.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from nashc.cost import hardware as finn_plus
from nashc.cost.backends import AUTO, Wanted
from nashc.cost.cost import Cost
from nashc.cost.fold import Foldings, Ints
from nashc.cost.models import finn_plus_1_6 as later
from nashc.cost.models.finn_plus_1_6_cycles import cycles as later_cycles
from nashc.cost.nodes import HwNode
from nashc.cost.ranges import Ranges
from nashc.cost.set_folding import Rules
from nashc.ir import Graph

NAME = "finn-0.9"
# set_folding.py of v0.9: strictly below the target; PE has no widest weight stream; a pool alone decides its window.
RULES = Rules(
    is_strict=True,
    widest_stream=None,
    pools_speed_windows=False,
    has_parallel_windows=False,
    is_mended=False,
)


def hardware(
    graph: Graph, part: str, ranges: Ranges | None = None, _wanted: Wanted = AUTO
) -> tuple[HwNode, ...]:
    """The nodes of convert_to_hls_layers.py; what a spec wants of FINN+ has no say."""
    bits = {node.name: node.params.get("weight_bits") for node in graph.nodes}
    return tuple(
        _of_0_9(node, bits.get(node.name)) for node in finn_plus.hardware(graph, part, ranges)
    )


def _of_0_9(node: HwNode, weight_bits: int | None) -> HwNode:
    attrs = dict(node.attrs)
    kind = node.kind
    if kind == "MVAU":
        # v0.9 minimises accumulators, not weights.
        attrs["weightDataType"] = "BIPOLAR" if weight_bits == 1 else f"INT{weight_bits}"
    if kind == "ConvolutionInputGenerator" and node.sizes("ConvKernelDim") == (1, 1):
        height, width = node.sizes("IFMDim")
        kind = "DownSampler"
        attrs = {
            "ImgDim": max(height, width),
            "NumChannels": node["IFMChannels"],
            "Stride": node.sizes("Stride")[0],
            "inputDataType": node.dtype("inputDataType"),
        }
    elif kind == "ConvolutionInputGenerator" and node.sizes("OFMDim") == (1, 1):
        # One window that fits once: the paper's networks step it by 1 as Brevitas's examples do, ours by its own size.
        # The result is the same, v0.9 counts fewer LUTs for the smaller step.
        attrs["Stride"] = (1, 1)
    return replace(node, kind=kind, backend="hls", attrs=attrs)


def cycles(node: HwNode, f: Foldings) -> Ints:
    """Clock cycles of one frame (get_exp_cycles), int64 [foldings]."""
    return _CYCLES[node.kind](node, f) if node.kind in _CYCLES else later_cycles(node, f)


def cost(node: HwNode, f: Foldings, part: str) -> Cost:
    """Cycles and resources (get_exp_cycles, node_res_estimation)."""
    if node.kind in _COST:
        return _COST[node.kind](node, f)
    return Cost.free(cycles(node, f))


def _window_cycles(node: HwNode, f: Foldings) -> Ints:
    """convolutioninputgenerator.py, get_exp_cycles: the 7x7 stem of ResNet is the paper's bottleneck."""
    (k_h, k_w), (_, width) = node.sizes("ConvKernelDim"), node.sizes("IFMDim")
    (out_h, out_w), (_, stride_w) = node.sizes("OFMDim"), node.sizes("Stride")
    fold = node["IFMChannels"] // f.simd
    return fold * (width * k_h + out_h * max(out_w * k_w * k_h, stride_w * width))


def _downsampler_cycles(node: HwNode, f: Foldings) -> Ints:
    """downsampler.py, get_exp_cycles."""
    return node["NumChannels"] // f.simd * node["ImgDim"] ** 2


def _window(node: HwNode, f: Foldings) -> Cost:
    """convolutioninputgenerator.py, lut_estimation with ram_style distributed, the default."""
    rows = node.sizes("ConvKernelDim")[0] + node.sizes("Stride")[0]
    depth = node.sizes("IFMDim")[0] * node["IFMChannels"] // f.simd
    bits = f.simd * node.width("inputDataType")
    free = Cost.free(_window_cycles(node, f))
    return replace(free, lut=300 + rows * bits * -(-depth // 64))


def _matrix_unit(node: HwNode, f: Foldings) -> Cost:
    """matrixvectoractivation.py, lut_estimation, bram_estimation: decoupled weights, ram_style auto, resType lut."""
    w, a = node.width("weightDataType"), node.width("inputDataType")
    products = f.simd * (2 * math.ceil((w + a) / 6) - 1) * (w + a)
    adders = (w + a) * (2 * f.simd - 1)
    sums = w + a + math.ceil(math.log(node["MW"], 2))
    per_pe = products + adders + sums
    if not node["noActivation"]:
        levels = (2 ** node.width("outputDataType") - 1) * sums
        per_pe = per_pe + levels * -(-(node["MH"] // f.pe) // 64) + levels
    lut = (300 + 1.1 * (f.pe * per_pe).astype(np.float64)).astype(np.int64)
    bram18, _ = later.weight_memory(node, f)
    nothing = np.zeros_like(lut)
    return Cost(later_cycles(node, f), lut, bram18, nothing, nothing)


def _thresholding(node: HwNode, f: Foldings) -> Cost:
    """thresholding_batch.py, lut_estimation with ram_style distributed, the default."""
    bits = f.pe * node.width("inputDataType")
    depth = node["NumChannels"] // f.pe
    lut = bits + np.where(depth > 1, bits * -(-depth // 64), 0)
    return replace(Cost.free(later_cycles(node, f)), lut=lut)


_CYCLES: dict[str, Callable[[HwNode, Foldings], Ints]] = {
    "ConvolutionInputGenerator": _window_cycles,
    "DownSampler": _downsampler_cycles,
}
_COST: dict[str, Callable[[HwNode, Foldings], Cost]] = {
    "ConvolutionInputGenerator": _window,
    "MVAU": _matrix_unit,
    "Thresholding": _thresholding,
}
