"""The model that mends FINN+'s holes: what the RTL takes, and no 0 for what is not known."""

from __future__ import annotations

import pytest

from nashc.cost.fold import Folding, Foldings
from nashc.cost.models import MODELS
from nashc.cost.models.nashc import cost, dsps, unknown
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


def unit(numbers: tuple[int, ...]) -> tuple[HwNode, Folding]:
    """MW, MH, SIMD, PE, bits of weights and inputs."""
    mw, mh, simd, pe, weights, inputs = numbers
    sums = f"INT{weights + inputs + (mw - 1).bit_length()}"
    attrs = {"MW": mw, "MH": mh, "numInputVectors": (1, 4, 4), "outputDataType": sums}
    attrs |= {"weightDataType": f"INT{weights}", "inputDataType": f"UINT{inputs}"}
    return HwNode("fc", "fc", "MVAU", "rtl", attrs, ()), Folding(simd=simd, pe=pe)


# What yosys 0.70 made of FINN+ 1.6.1's Verilog (docs/experiments/silicon.md); the model was fitted to these.
@pytest.mark.parametrize(
    ("numbers", "measured"),
    [
        ((36, 16, 6, 4, 4, 4), 505),
        ((36, 16, 6, 1, 8, 8), 194),
        ((512, 10, 16, 2, 8, 4), 863),
        ((72, 64, 3, 16, 4, 4), 1205),
        ((576, 64, 16, 4, 8, 8), 1962),
    ],
)
def test_luts_of_a_matrix_unit_are_within_the_error_told(
    numbers: tuple[int, ...], measured: int
) -> None:
    node, folding = unit(numbers)
    found = cost(node, Foldings.of([folding]), "xcu250-figd2104-2L-e").lut[0]
    assert abs(found - measured) <= 0.025 * measured


def test_many_foldings_cost_what_each_does() -> None:
    node, _ = unit((36, 16, 1, 1, 4, 4))
    rows = [Folding(pe=pe, simd=simd) for pe in (1, 2, 4, 8, 16) for simd in (1, 6, 18)]
    part = "xcu250-figd2104-2L-e"
    together = cost(node, Foldings.of(rows), part).lut.tolist()
    assert together == [int(cost(node, Foldings.of([row]), part).lut[0]) for row in rows]


def test_the_int8_mode_of_a_versal_has_no_count() -> None:
    wide, _ = unit((36, 16, 6, 4, 8, 8))
    narrow, _ = unit((36, 16, 6, 4, 4, 4))
    assert unknown(wide, "xcvc1902-vsva2197-2MP-e-S") == {"lut"}
    assert not unknown(wide, "xcu250-figd2104-2L-e")
    assert not unknown(narrow, "xcvc1902-vsva2197-2MP-e-S")


def test_the_best_folding_is_that_of_the_tool_that_builds() -> None:
    assert MODELS["nashc"].builds_like is MODELS["finn-plus-1.6"]


@pytest.mark.parametrize(
    ("uram", "bram", "finn", "rtl"),
    [
        (0, 0, [], []),
        (0, 16, ["uram"], ["bram18"]),  # in FINN's estimate a depth of 0 triggers URAM
        (32, 0, ["bram18", "uram"], ["uram"]),
        (32, 16, ["bram18", "uram"], ["bram18", "uram"]),
        (1000, 900, [], []),
    ],
)
def test_depths_choose_the_memory_of_thresholds(
    uram: int, bram: int, finn: list[str], rtl: list[str]
) -> None:
    """Memories of 8, 16, 32 and 64 words for the four bits of the result, which are in LUTs if left alone."""
    attrs = {"NumChannels": 64, "numInputVectors": (1, 4, 4), "inputDataType": "INT8"}
    attrs |= {"weightDataType": "INT8", "outputDataType": "UINT4", "numSteps": 15}
    node = HwNode("act", "act", "Thresholding", "rtl", attrs, ())
    folding = Folding(pe=8, depth_trigger_uram=uram, depth_trigger_bram=bram)
    for model, expected in (("finn-plus-1.6", finn), ("nashc", rtl)):
        found = MODELS[model].cost(node, Foldings.of([folding]), "xcvc1902-vsva2197-2MP-e-S")
        assert [name for name in ("bram18", "uram") if getattr(found, name)[0]] == expected
