"""The resources that FINN+ 1.6.1 estimates: the same numbers, holes included.

Sources are files of finn-plus 1.6.1 under finn/custom_op/fpgadataflow/. Its holes, as they are: no LUT for thresholds
inside an MVAU_hls unless `ram_style_thresholds` is distributed, no LUT at all for MVAU_rtl, and nothing but cycles for
padding, pools, adds, forks and LabelSelect. FIFOs and width converters are not in its graph when it estimates.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from nashc.cost.cost import Cost
from nashc.cost.fold import MEM_MODES, RAM_STYLES, RES_TYPES, Foldings, Ints
from nashc.cost.models.finn_plus_1_6_cycles import cycles, is_parallel
from nashc.cost.nodes import HwNode
from nashc.cost.parts import dsp_block
from nashc.cost.windows import pixels_kept
from nashc.vocab.datatypes import bounds

NAME = "finn-plus-1.6"

_AUTO, _BLOCK, _DISTRIBUTED, _ULTRA = (
    RAM_STYLES.index(style) for style in ("auto", "block", "distributed", "ultra")
)
_DECOUPLED, _EMBEDDED = (
    MEM_MODES.index(mode) for mode in ("internal_decoupled", "internal_embedded")
)
_DSP = RES_TYPES.index("dsp")


def cost(node: HwNode, f: Foldings, part: str) -> Cost:
    """Cycles and resources (get_exp_cycles, node_res_estimation) of each folding."""
    if node.op_type in _COST:
        return _COST[node.op_type](node, f, part)
    if node.kind.startswith("Elementwise"):
        return _elementwise(node, f)
    return Cost.free(cycles(node, f))


# ---- matrix units ----------------------------------------------------------------------------------


def _mvau_hls(node: HwNode, f: Foldings, _part: str) -> Cost:
    """hls/matrixvectoractivation_hls.py, lut_estimation and dsp_estimation (after FINN-R, Blott et al. 2018)."""
    w, a = node.width("weightDataType"), node.width("inputDataType")
    pe, simd, depth = f.pe, f.simd, _weight_depth(node, f)
    in_lutram = ((f.mem_mode == _DECOUPLED) & (f.ram_style == _DISTRIBUTED)) | (
        (f.mem_mode == _EMBEDDED) & (depth <= 128)
    )
    memory = pe * simd * w * _ceil(depth, 64) * in_lutram
    in_dsps = f.res_type == _DSP
    products = simd * ((2 * math.ceil((w + a) / 6) - 1) * (w + a)) * ~in_dsps
    adders = (w + a) * (2 * simd - 1)
    sums = _sum_bits(node, w, a)
    per_pe = products + adders + sums
    if not node["noActivation"]:
        levels = (2 ** node.width("outputDataType") - 1) * sums
        stored = levels * _ceil(node["MH"] // pe, 64)
        per_pe = per_pe + (stored + levels) * (f.ram_style_thresholds == _DISTRIBUTED)
    # In float64 and in FINN's order: 1.1 is not exact, and the result is cut off.
    lut = (300 + 1.1 * (pe * per_pe).astype(np.float64) + memory).astype(np.int64)
    dsp = pe * simd * math.ceil((w + a) / 48) * in_dsps
    bram18, uram = weight_memory(node, f)
    return Cost(cycles(node, f), lut, bram18, uram, dsp)


def _mvau_rtl(node: HwNode, f: Foldings, part: str) -> Cost:
    """rtl/matrixvectoractivation_rtl.py: no LUT, and DSPs whatever the bit widths."""
    is_versal = dsp_block(part) == "DSP58"
    dsp = f.pe * _ceil(f.simd, 3) if is_versal else _ceil(f.pe, 4) * f.simd
    bram18, uram = weight_memory(node, f)
    return Cost(cycles(node, f), np.zeros_like(dsp), bram18, uram, dsp)


def _sum_bits(node: HwNode, w: int, a: int) -> int:
    """The accumulator's bits, at most what the data types allow (arXiv 2301.13376)."""
    alpha = math.log(node["MW"], 2) + w + a - 1 - int(bounds(node.dtype("inputDataType"))[0] < 0)
    bound = math.ceil(alpha + math.log(1 + pow(2, -alpha), 2) + 1)
    return min(node.width("accDataType"), bound)


def _weight_depth(node: HwNode, f: Foldings) -> Ints:
    return node["MW"] * node["MH"] // (f.pe * f.simd)


def weight_memory(node: HwNode, f: Foldings) -> tuple[Ints, Ints]:
    """BRAM18 and URAM for weights: matrixvectoractivation.py, bram_estimation and uram_estimation."""
    depth = _weight_depth(node, f)
    bits = f.pe * f.simd * node.width("weightDataType")
    # FINN counts embedded weights as both.
    is_decoupled, is_embedded = f.mem_mode == _DECOUPLED, (f.mem_mode == _EMBEDDED) & (depth > 128)
    is_ultra = f.ram_style == _ULTRA
    in_bram = is_embedded | (is_decoupled & (f.ram_style != _DISTRIBUTED) & ~is_ultra)
    in_uram = is_embedded | (is_decoupled & is_ultra)
    return _bram18(bits, depth) * in_bram, _ceil(bits, 72) * _ceil(depth, 4096) * in_uram


_STEPS = np.array([1, 2, 4, 9, 18])
_STEP_DEPTH = np.array([16384, 8192, 4096, 2048, 1024, 512])
_STEP_BITS = np.array([1, 2, 4, 9, 18, 36])


def _bram18(bits: Ints, depth: Ints) -> Ints:
    """Blocks for a memory of this width and depth, in simple dual port mode (UG573, table 1-10).

    The same staircase in matrixvectoractivation.py and elementwise_binary.py.
    """
    # Words in a block, and bits of each, by the width of the memory: np.select takes ten times as long.
    step = np.where((bits > 18) & (depth > 512), 4, np.searchsorted(_STEPS, bits))
    return _ceil_by(depth, _STEP_DEPTH[step]) * _ceil_by(bits, _STEP_BITS[step])


# ---- sliding windows -------------------------------------------------------------------------------

# Depth up to which a BRAM18 is as wide as that many bits; deeper ones are 1 bit wide.
_WIDTH_OF_DEPTH = ((512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2))
_BRAM_DEPTH = 16384


def _window(node: HwNode, f: Foldings, _part: str) -> Cost:
    """rtl/convolutioninputgenerator_rtl.py, lut_estimation, bram_estimation, uram_estimation."""
    bits = f.simd * node.width("inputDataType")
    in_parallel = is_parallel(node, f)
    depth = buffer_depth(node, f)
    lut = 300 + np.where(f.ram_style == _DISTRIBUTED, bits * _ceil(depth, 38), 0)
    if not np.any(f.ram_style != _DISTRIBUTED):
        nothing = np.zeros_like(lut)
        return Cost(cycles(node, f), lut, nothing, nothing, nothing)
    (k_h, k_w), (height, width) = node.sizes("ConvKernelDim"), node.sizes("IFMDim")
    rows = 0 if height == 1 or width == 1 else k_h - 1
    depth = np.where(in_parallel, width - k_w, depth)
    count = np.where(in_parallel, rows, 1)
    in_bram = (f.ram_style != _DISTRIBUTED) & (f.ram_style != _ULTRA)
    deep = _ceil(depth, _BRAM_DEPTH)
    wide = _ceil_by(bits, _ram_width(depth))
    rest = _ceil_by(bits, _ram_width(depth % _BRAM_DEPTH))
    saved = np.where(depth > _BRAM_DEPTH, wide - rest, 0)
    bram18 = np.where(in_bram, (deep * wide - saved) * count, 0)
    uram = np.where(f.ram_style == _ULTRA, _ceil(depth, 4096) * _ceil(bits, 72) * count, 0)
    return Cost(cycles(node, f), lut, bram18, uram, np.zeros_like(lut))


def buffer_depth(node: HwNode, f: Foldings) -> Ints:
    """Words in the buffer of a sliding window: get_buffer_depth of the same file."""
    in_parallel = is_parallel(node, f)
    (k_h, k_w), (_, width) = node.sizes("ConvKernelDim"), node.sizes("IFMDim")
    fold = node["IFMChannels"] // f.simd
    in_turn = pixels_kept(node) * fold
    return np.where(in_parallel, ((k_h - 1) * width + (k_w - 1)) * fold + 2, in_turn)


def _ram_width(depth: Ints) -> Ints:
    conditions = [depth <= most for most, _ in _WIDTH_OF_DEPTH]
    return np.select(conditions, [np.int64(bits) for _, bits in _WIDTH_OF_DEPTH], np.int64(1))


# ---- thresholds and constants ----------------------------------------------------------------------

# util/memutil.py, mem_primitives_versal, in its order: on a tie of waste the first is taken. Width, depth, style.
_PRIMITIVES = (
    (72, 4096, _ULTRA),
    (36, 8192, _ULTRA),
    (18, 16384, _ULTRA),
    (9, 32768, _ULTRA),
    (36, 512, _BLOCK),
    (18, 1024, _BLOCK),
    (9, 2048, _BLOCK),
    (1, 64, _DISTRIBUTED),
)
_PRIM_BITS, _PRIM_DEPTH = (np.array([row[n] for row in _PRIMITIVES]) for n in (0, 1))
_PRIM_ROOM = _PRIM_BITS * _PRIM_DEPTH
_PRIM_STYLE = np.array([row[2] for row in _PRIMITIVES])


def thresholding(node: HwNode, f: Foldings, triggered: Callable[[Ints, Foldings], Ints]) -> Cost:
    """rtl/thresholding_rtl.py: a memory for each PE and each bit of the result, in whatever wastes the fewest bits.

    FINN takes Versal's memories for every part. triggered(depths, foldings): the memories that depths ask for, as positions
    in RAM_STYLES.
    """
    levels = np.arange(node.width("outputDataType"))
    bits = node.width("weightDataType")
    depth = (node["NumChannels"] // f.pe)[:, None] << levels  # [foldings, bits of the result]
    blocks = _ceil_by(np.int64(bits), _PRIM_BITS)
    wanted = triggered(depth, f)[..., None]
    room = _ceil_by(depth[..., None], _PRIM_DEPTH) * (blocks * _PRIM_ROOM)
    room = np.where((wanted != _AUTO) & (wanted != _PRIM_STYLE), np.iinfo(np.int64).max, room)
    chosen = room.argmin(axis=-1)
    number = _ceil_by(depth, _PRIM_DEPTH[chosen]) * blocks[chosen] * f.pe[:, None]
    uram, bram18, lut = (
        (number * (_PRIM_STYLE[chosen] == style)).sum(axis=-1)
        for style in (_ULTRA, _BLOCK, _DISTRIBUTED)
    )
    return Cost(cycles(node, f), lut, bram18, uram, np.zeros_like(lut))


def _triggered(depth: Ints, f: Foldings) -> Ints:
    """_get_memory_estimate_details: where one depth triggers a memory, the other triggers too, if it is 0."""
    to_uram, to_bram = f.depth_trigger_uram[:, None], f.depth_trigger_bram[:, None]
    found = np.where(depth >= to_uram, _ULTRA, np.where(depth >= to_bram, _BLOCK, _AUTO))
    return np.where(to_uram | to_bram, found, _AUTO)


def _thresholding_hls(node: HwNode, f: Foldings, _part: str) -> Cost:
    """hls/thresholding_hls.py, lut_estimation, bram_estimation, uram_estimation: no memory for a single word."""
    depth = node["NumChannels"] // f.pe
    bits = f.pe * node.width("weightDataType") * node["numSteps"]
    is_deep = depth > 1
    memory = np.where(is_deep & (f.ram_style == _DISTRIBUTED), bits * _ceil(depth, 64), 0)
    lut = node.width("inputDataType") * f.pe + memory
    in_bram, in_uram = is_deep & (f.ram_style == _BLOCK), is_deep & (f.ram_style == _ULTRA)
    bram18 = np.where(in_bram, _ceil(bits, 16) * _ceil(depth, 1024), 0)
    uram = np.where(in_uram, _ceil(bits, 72) * _ceil(depth, 4096), 0)
    return Cost(cycles(node, f), lut, bram18, uram, np.zeros_like(lut))


def _elementwise(node: HwNode, f: Foldings) -> Cost:
    """elementwise_binary.py: the memory of a constant, which FINN counts only when it is decoupled."""
    if node.attrs["rhs_style"] != "const":
        return Cost.free(cycles(node, f))
    counts = f.mem_mode == _DECOUPLED
    bits, depth = f.pe * node.width("rhs_dtype"), node.sizes("out_shape")[-1] // f.pe
    in_bram = (f.ram_style != _DISTRIBUTED) & (f.ram_style != _ULTRA)
    lut = np.where(counts & (f.ram_style == _DISTRIBUTED), bits * _ceil(depth, 64), 0)
    uram = np.where(counts & (f.ram_style == _ULTRA), _ceil(bits, 72) * _ceil(depth, 4096), 0)
    bram18 = np.where(counts & in_bram, _bram18(bits, depth), 0)
    return Cost(cycles(node, f), lut, bram18, uram, np.zeros_like(lut))


_COST: dict[str, Callable[[HwNode, Foldings, str], Cost]] = {
    "MVAU_hls": _mvau_hls,
    "MVAU_rtl": _mvau_rtl,
    "ConvolutionInputGenerator_rtl": _window,
    "Thresholding_rtl": lambda node, f, _part: thresholding(node, f, _triggered),
    "Thresholding_hls": _thresholding_hls,
}


def _ceil(number: Ints, by: int) -> Ints:
    return -(-number // by)


def _ceil_by(number: Ints | np.int64, by: Ints) -> Ints:
    return -(-number // by)
