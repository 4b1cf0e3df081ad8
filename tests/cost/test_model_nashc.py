"""The model that mends FINN+'s holes: DSPs as the RTL instantiates them, and no 0 for what is not known."""

from __future__ import annotations

import pytest

from nashc.cost.fold import Folding, Foldings
from nashc.cost.models.nashc import dsps
from nashc.cost.nodes import HwNode


# By hand from mvu.sv: lanes = 1 + (A - W) / (W + A - 1) with narrow weights, 1 + (PE - 1) / lanes pipes of SIMD DSPs.
@pytest.mark.parametrize(
    ("weights", "inputs", "block", "pe", "expected"),
    [
        ("INT4", "UINT4", "DSP48E2", 16, 4 * 6),  # 1 + 23 / 7 = 4 lanes
        ("INT8", "UINT8", "DSP48E2", 16, 8 * 6),  # 1 + 19 / 15 = 2 lanes
        ("INT8", "UINT4", "DSP48E2", 5, 3 * 6),  # 1 + 19 / 11 = 2 lanes
        ("INT4", "UINT4", "DSP48E1", 16, 4 * 6),  # 1 + 21 / 7 = 4 lanes
        ("INT8", "INT8", "DSP48E1", 3, 2 * 6),  # 1 + 17 / 15 = 2 lanes
        ("INT8", "UINT8", "DSP58", 16, 16 * 2),  # INT8 mode: three products in a DSP
        ("INT4", "UINT4", "DSP58", 16, 4 * 6),  # four lanes beat three products
    ],
)
def test_dsps_are_the_rtls(weights: str, inputs: str, block: str, pe: int, expected: int) -> None:
    attrs = {"weightDataType": weights, "inputDataType": inputs, "MW": 24, "MH": 240}
    node = HwNode("fc", "fc", "MVAU", "rtl", attrs, ())
    assert dsps(node, Foldings.of([Folding(pe=pe, simd=6)]), block).tolist() == [expected]
