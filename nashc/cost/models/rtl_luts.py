"""LUTs of finn-rtllib's modules, fitted to what yosys 0.70 makes of the files that FINN+ 1.6.1 generates.

benchmarks/measure_rtl.py measures, docs/experiments/silicon.md has the figures. FINN+ says 0 for the first two and a
constant for the third. yosys is not Vivado: it packs no two small functions into one LUT, so its counts are rather high.
"""

from __future__ import annotations

import numpy as np

from nashc.cost.fold import RAM_STYLES, Foldings, Ints
from nashc.cost.models.finn_plus_1_6 import buffer_depth
from nashc.cost.nodes import HwNode

_DISTRIBUTED = RAM_STYLES.index("distributed")
# Width of port A, in which the products of several PEs lie side by side (mvu.sv, A_WIDTH).
_PORT_BITS = {"DSP48E1": 25, "DSP48E2": 27, "DSP58": 27}


def matrix_unit(node: HwNode, f: Foldings, block: str) -> Ints:
    """mvu_vvu_axi.sv: adder trees behind the DSPs, canaries between their lanes, replay buffer, output queue.

    Error: 2 % (8 units of 194 to 1,962 LUTs), 55 LUTs of 139 for one with a single DSP and a deep buffer. The queue is counted
    from the RTL, a LUT for each bit: yosys does not make shift registers of it.
    """
    trees = np.concatenate([[0], np.cumsum(lane_bits(node, block)[::-1])])
    count = len(trees) - 1
    bits = trees[-1] * (f.pe // count) + trees[f.pe % count]
    crossings = f.pe - (1 + (f.pe - 1) // count)
    logic = 40 + bits * (f.simd - 1) + crossings * (27 + 7.6 * f.simd)
    rows = node["MW"] // f.simd
    word = f.simd * node.width("inputDataType")
    replay = np.where(rows <= 32, -(-word // 2), word * -(-rows // 64))
    queue = f.pe * node.width("outputDataType")
    found: Ints = (logic + np.where(f.pe < node["MH"], replay, 0) + queue).astype(np.int64)
    return found


def lanes(node: HwNode, block: str) -> int:
    """Products in one DSP (mvu.sv, NUM_LANES); weights of nashc are narrow (NARROW_WEIGHTS), which saves one bit."""
    w, a, port = node.width("weightDataType"), node.width("inputDataType"), _PORT_BITS[block]
    return 1 if w == port else 1 + (port - w) // (w + a - 1)


def lane_bits(node: HwNode, block: str) -> list[int]:
    """Bits of each lane, lowest first (mvu.sv, sliceLanes): what is left over goes to the right, the last takes the sum."""
    w, a, count = node.width("weightDataType"), node.width("inputDataType"), lanes(node, block)
    least = w + a - 1
    slack = _PORT_BITS[block] - w - (count - 1) * least
    found = []
    for index in range(1, count):
        extra = -(-slack // (count - index))
        found.append(least + extra)
        slack -= extra
    return [*found, node.width("outputDataType")]


def is_int8(node: HwNode, block: str) -> bool:
    """mvu_vvu_axi.sv: a DSP58 takes three products of 8 by 9 bits where lanes are no more."""
    fits = node.width("weightDataType") <= 8 and node.width("inputDataType") <= 9
    return block == "DSP58" and fits and lanes(node, block) <= 3


def padding(node: HwNode, f: Foldings) -> Ints:
    """fmpadding.sv: counters, and each bit of the stream or 0. Error: 12 LUTs (8 nodes of 63 to 1,070)."""
    return 52 + f.simd * node.width("inputDataType")


def window(node: HwNode, f: Foldings) -> Ints:
    """swg_template_*.sv: FINN's term for the buffer on a smaller controller; a parallel one has line buffers, the rest of its
    window is registers.

    Error: 18 % (13 nodes of 89 to 802 LUTs), but for a buffer of 3,808 words (36 % low) and one channel by channel (35 % high).
    """
    bits = f.simd * node.width("inputDataType")
    in_turn = bits * -(-buffer_depth(node, f) // 38)
    (k_h, k_w), width = node.sizes("ConvKernelDim"), node.sizes("IFMDim")[1]
    line = width - k_w
    per_bit = 0.6 if line <= 32 else 1.2 * -(-line // 64)
    lines = (k_h - 1) * bits * per_bit if k_h > 1 else 0 * bits
    is_parallel = (f.parallel_window == 1) | ((k_h, k_w) == (1, 1))
    in_luts = f.ram_style == _DISTRIBUTED
    found: Ints = np.where(is_parallel, 105 + in_luts * lines, 180 + in_luts * in_turn).astype(
        np.int64
    )
    return found


def comparators(node: HwNode, f: Foldings) -> Ints:
    """thresholding.sv, beside FINN's count of its memories: for each PE and bit of the result two bits of a comparison in a
    LUT and a bit of the queue, and the queue's counters. Counted, not measured: yosys does not read this module."""
    compared = -(-node.width("weightDataType") // 2)
    return 20 + f.pe * node.width("outputDataType") * (compared + 1)
