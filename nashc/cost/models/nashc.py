"""FINN+'s nodes and folding, with the holes of its estimators mended where the sources of the hardware tell how.

| term | source | error |
|---|---|---|
| DSPs of an MVAU_rtl | the RTL that is instantiated, finn-rtllib/mvu/mvu.sv and mvu_vvu_axi.sv of finn-plus 1.6.1 | none: it is that count |
| LUTs of thresholds inside an MVAU_hls | FINN's own term for `ram_style_thresholds` distributed (FINN-R, Blott et al. 2018) | not measured by us |

All else is FINN+'s figure. `UNKNOWN` lists what nobody counts: there the model says so instead of 0, and totals are
what is known of them, so at least that much is needed.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nashc.cost.cost import Cost
from nashc.cost.fold import RAM_STYLES, Foldings, Ints
from nashc.cost.models import finn_plus_1_6 as finn_plus
from nashc.cost.nodes import HwNode
from nashc.cost.parts import dsp_block

NAME = "nashc"
# Resources that a node of this op type needs and for which there is no count.
UNKNOWN: dict[str, frozenset[str]] = {
    "MVAU_rtl": frozenset({"lut"}),
    "FMPadding_rtl": frozenset({"lut"}),
    "Pool_hls": frozenset({"lut"}),
    "DuplicateStreams_hls": frozenset({"lut"}),
    "LabelSelect_hls": frozenset({"lut"}),
    "ElementwiseAdd_hls": frozenset({"lut"}),
    "ElementwiseMul_hls": frozenset({"lut"}),
    "ElementwiseAbsDiff_hls": frozenset({"lut"}),
}
_DISTRIBUTED = RAM_STYLES.index("distributed")
# Width of port A, in which the products of several PEs lie side by side (mvu.sv, A_WIDTH).
_LANE_BITS = {"DSP48E1": 25, "DSP48E2": 27, "DSP58": 27}


def cost(node: HwNode, f: Foldings, part: str) -> Cost:
    """Cycles and resources of each folding; those in UNKNOWN are 0 here and mean nothing."""
    if node.op_type == "MVAU_hls":
        in_luts = replace(f, ram_style_thresholds=np.full_like(f.pe, _DISTRIBUTED))
        return finn_plus.cost(node, in_luts, part)
    found = finn_plus.cost(node, f, part)
    if node.op_type == "MVAU_rtl":
        return replace(found, dsp=dsps(node, f, dsp_block(part)))
    return found


def dsps(node: HwNode, f: Foldings, block: str) -> Ints:
    """mvu.sv: PIPE_COUNT = 1 + (PE - 1) / NUM_LANES pipes of SIMD DSPs each; mvu_vvu_axi.sv: INT8 mode on a DSP58.

    A lane is as wide as a product. Weights of nashc are narrow (NARROW_WEIGHTS), which saves one bit.
    """
    w, a = node.width("weightDataType"), node.width("inputDataType")
    bits = _LANE_BITS[block]
    lanes = 1 if w == bits else 1 + (bits - w) // (w + a - 1)
    if block == "DSP58" and lanes <= 3 and w <= 8 and a <= 9:
        return f.pe * -(-f.simd // 3)
    pipes: Ints = 1 + (f.pe - 1) // lanes
    return pipes * f.simd
