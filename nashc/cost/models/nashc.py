"""FINN+'s nodes and folding, with what its estimators leave out counted from the hardware's own sources.

| term | source | error |
|---|---|---|
| latency | `flow.py`: when each pixel passes, from the RTL's handshakes | none for padding, windows, MVAU_rtl, thresholds in Verilator; registers of HLS units are missing |
| frames a second | FINN+'s cycles of the slowest node | windows up to 2 % slower than in Verilator; before pools up to 15 %, before a global pool 70 % |
| DSPs of MVAU_rtl | finn-rtllib/mvu/mvu.sv, mvu_vvu_axi.sv | none: the instances that it makes |
| LUTs of MVAU_rtl, FMPadding_rtl, sliding windows, thresholds | `rtl_luts.py` | there |
| LUTs of thresholds inside MVAU_hls | FINN's own term for `ram_style_thresholds` distributed (FINN-R, Blott et al. 2018) | not measured |
| FIFOs | `between.py`: one on each stream; depths by `depths.py`; cost by FINN+'s model, fitted to Vivado | LUTs a few percent at a given depth; depths not held to a build |
| width converters | `between.py`: fitted to yosys | within 15 %, 21 LUTs where the widths do not divide |

The measurements are in docs/experiments/silicon.md; benchmarks/measure_rtl.py repeats them. yosys is not Vivado: it packs
no two small functions into one LUT, so its counts are rather high. `UNKNOWN` lists what nobody counts without Vitis
HLS: there the model says so instead of 0, and totals are what is known of them, so at least that much is needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from nashc.cost.between import between as streams_between
from nashc.cost.cost import Cost
from nashc.cost.fold import RAM_STYLES, Folding, Foldings, Ints, one
from nashc.cost.models import finn_plus_1_6 as finn_plus
from nashc.cost.models import rtl_luts
from nashc.cost.nodes import HwNode
from nashc.cost.parts import dsp_block

NAME = "nashc"
LATENCY_MEANS = "from the first word of a frame to its result, through an empty pipeline whose nodes work at the same time"
# Resources that a node of this op type needs and for which there is no count.
UNKNOWN = {
    "Pool_hls": frozenset({"lut"}),
    "DuplicateStreams_hls": frozenset({"lut"}),
    "LabelSelect_hls": frozenset({"lut"}),
    "ElementwiseAdd_hls": frozenset({"lut"}),
    "ElementwiseMul_hls": frozenset({"lut"}),
    "ElementwiseAbsDiff_hls": frozenset({"lut"}),
}
_AUTO, _BLOCK, _DISTRIBUTED, _ULTRA = (
    RAM_STYLES.index(style) for style in ("auto", "block", "distributed", "ultra")
)


def cost(node: HwNode, f: Foldings, part: str) -> Cost:
    """Cycles and resources of each folding; those that are `unknown` are 0 here and mean nothing."""
    if node.op_type == "MVAU_hls":
        in_luts = replace(f, ram_style_thresholds=np.full_like(f.pe, _DISTRIBUTED))
        return finn_plus.cost(node, in_luts, part)
    found = finn_plus.cost(node, f, part)
    match node.op_type:
        case "MVAU_rtl":
            block = dsp_block(part)
            return replace(
                found, dsp=dsps(node, f, block), lut=rtl_luts.matrix_unit(node, f, block)
            )
        case "FMPadding_rtl":
            return replace(found, lut=rtl_luts.padding(node, f))
        case "ConvolutionInputGenerator_rtl":
            return replace(found, lut=rtl_luts.window(node, f))
        case "Thresholding_rtl":
            found = finn_plus.thresholding(node, f, _triggered)
            return replace(found, lut=found.lut + rtl_luts.comparators(node, f))
    return found


def _triggered(depth: Ints, f: Foldings) -> Ints:
    """thresholding.sv, RAM_STYLE: 0 triggers nothing; below the depth of BRAM memories are in LUTs."""
    to_uram, to_bram = f.depth_trigger_uram[:, None], f.depth_trigger_bram[:, None]
    below = np.where(to_bram != 0, np.where(depth >= to_bram, _BLOCK, _DISTRIBUTED), _AUTO)
    return np.where((to_uram != 0) & (depth >= to_uram), _ULTRA, below)


def unknown(node: HwNode, part: str) -> frozenset[str]:
    """Resources that a node needs and for which there is no count."""
    if node.op_type == "MVAU_rtl" and rtl_luts.is_int8(node, dsp_block(part)):
        return frozenset({"lut"})  # mvu_vvu_8sx9_dsp58.sv was not measured
    return UNKNOWN.get(node.op_type, frozenset())


def between(
    nodes: tuple[HwNode, ...], foldings: Mapping[str, Folding], interval: int, part: str
) -> list[tuple[HwNode, dict[str, int]]]:
    """FIFOs and width converters (`between.py`)."""
    room = {
        node.name: int(finn_plus.buffer_depth(node, one(foldings[node.name]))[0])
        for node in nodes
        if node.kind == "ConvolutionInputGenerator"
    }
    return streams_between(nodes, foldings, interval, part, room)


def dsps(node: HwNode, f: Foldings, block: str) -> Ints:
    """mvu.sv: PIPE_COUNT = 1 + (PE - 1) / NUM_LANES pipes of SIMD DSPs each; mvu_vvu_axi.sv: INT8 mode on a DSP58.

    A lane is as wide as a product. Weights of nashc are narrow (NARROW_WEIGHTS), which saves one bit.
    """
    if rtl_luts.is_int8(node, block):
        return f.pe * -(-f.simd // 3)
    pipes: Ints = 1 + (f.pe - 1) // rtl_luts.lanes(node, block)
    return pipes * f.simd
