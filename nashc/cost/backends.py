"""HLS or RTL for each node, and where matrix units keep their weights: FINN's rules, and what a spec asks for.

Source: finn-plus 1.6.1, transformation/fpgadataflow/specialize_layers.py; what is asked for is set on FINN's nodes by
templates/support/finn/options.py before they are specialised.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from nashc.cost.nodes import width
from nashc.cost.parts import dsp_limits
from nashc.cost.types import Range
from nashc.schema import Spec
from nashc.vocab.datatypes import bounds

# Left to itself, FINN gives an MVAU to the RTL backend from here on (_determine_impl_style); RTL can hold two bits.
RTL_USUAL_BITS, RTL_LEAST_BITS = 4, 2


@dataclass(frozen=True)
class Wanted:
    """The settings of `finn` in a spec that change nodes, under their names there; `auto` is FINN's choice."""

    prefer: str = "auto"
    mem_mode: str = "auto"
    ram_style: str = "auto"

    @staticmethod
    def of(spec: Spec) -> Wanted:
        if spec.finn is None:
            return AUTO
        return Wanted(*(getattr(spec.finn, name) for name in WANTED))

    @property
    def weights(self) -> dict[str, str]:
        """What a matrix unit has as attributes: FINN's defaults where nothing is asked for."""
        mode = "internal_decoupled" if self.mem_mode == "auto" else self.mem_mode
        return {"mem_mode": mode, "ram_style": self.ram_style}


AUTO = Wanted()
WANTED = tuple(field.name for field in fields(Wanted))


def of_thresholding(wanted: Wanted) -> str:
    """FINN takes RTL where it has both."""
    return "hls" if wanted.prefer == "hls" else "rtl"


def of_matrix_unit(attrs: Mapping[str, Any], values: Range, part: str, wanted: Wanted) -> str:
    """attrs: of the node, its types minimised. values: smallest and largest weight."""
    if wanted.prefer == "hls" or wanted.mem_mode == "internal_embedded":
        return "hls"  # embedded weights exist in HLS only
    least = RTL_LEAST_BITS if wanted.prefer == "rtl" else RTL_USUAL_BITS
    return "rtl" if _is_rtl_possible(attrs, values, part, least) else "hls"


def _is_rtl_possible(attrs: Mapping[str, Any], values: Range, part: str, least: int) -> bool:
    """_mvu_rtl_possible, from `least` bits on."""
    inputs, weights = attrs["inputDataType"], attrs["weightDataType"]
    if not attrs["noActivation"] or bounds(weights)[0] >= 0:
        return False
    if min(width(inputs), width(weights)) < least:
        return False
    block, most_input, most_weight, most_sum = dsp_limits(part)
    is_narrow = values[0] != bounds(weights)[0]
    if block == "DSP48E1" and not is_narrow:
        return False
    is_signed = int(bounds(inputs)[0] < 0)
    return (
        width(inputs) - is_signed < most_input
        and width(weights) <= most_weight
        and width(attrs["outputDataType"]) <= most_sum
    )
