"""The flow of a frame: against what FINN+ 1.6.1's own RTL took in Verilator 5.48, and by hand where nodes meet."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nashc.cost.depths import depths
from nashc.cost.flow import flow, latency
from nashc.cost.fold import Folding
from nashc.cost.nodes import HwNode

# Cycle of the last word of the first frame, by benchmarks/measure_rtl.py:
# kernel, stride, side of the padded image, channels, SIMD, channel by channel, parallel -> cycle.
WINDOWS = [
    ((1, 2, 16, 32, 8, 0, 0), 956),
    ((3, 1, 10, 16, 4, 0, 0), 2361),
    ((3, 1, 16, 64, 64, 0, 0), 1791),
    ((3, 1, 18, 16, 16, 0, 1), 324),
    ((3, 1, 18, 16, 16, 1, 0), 2335),
    ((3, 1, 58, 64, 64, 0, 1), 3364),
    ((3, 1, 9, 128, 16, 0, 0), 3625),
    ((3, 2, 34, 32, 8, 0, 0), 9465),
    ((5, 1, 20, 8, 2, 0, 0), 25841),
    ((7, 2, 38, 3, 3, 0, 0), 12731),
    ((7, 2, 38, 3, 3, 0, 1), 1405),
    ((8, 8, 8, 16, 4, 1, 0), 446),
    ((2, 2, 16, 16, 4, 1, 0), 1174),  # the buffer holds up what arrives
    ((3, 2, 33, 32, 4, 1, 0), 19959),
]


def window(numbers: tuple[int, ...]) -> tuple[HwNode, Folding]:
    kernel, stride, side, channels, simd, depthwise, parallel = numbers
    attrs: dict[str, Any] = {
        "ConvKernelDim": (kernel, kernel),
        "IFMChannels": channels,
        "IFMDim": (side, side),
        "OFMDim": ((side - kernel) // stride + 1,) * 2,
        "Stride": (stride, stride),
        "inputDataType": "UINT4",
        "depthwise": depthwise,
    }
    node = HwNode("window", "window", "ConvolutionInputGenerator", "rtl", attrs, ())
    return node, Folding(simd=simd, parallel_window=parallel)


def last(node: HwNode, folding: Folding) -> int:
    return latency((node,), {node.name: folding}) - 1


@pytest.mark.parametrize(("numbers", "cycle"), WINDOWS)
def test_a_window_takes_what_its_rtl_took(numbers: tuple[int, ...], cycle: int) -> None:
    assert last(*window(numbers)) == cycle


def test_a_window_that_is_held_up_reads_no_more_than_its_buffer_holds() -> None:
    """Until the last group of a window has begun, what it needs is kept: swg_template_default.sv, read_cmd."""
    numbers = (3, 2, 33, 32, 4, 1, 0)
    node, folding = window(numbers)
    passed = flow((node,), {node.name: folding})[node.name]
    begun = passed.given.done - passed.given.spread
    kept = 2 * 33 + 3 + (33 - 9)  # the rows of a window, and what a stride brings along
    for number, begins in enumerate(begun):
        row, column = divmod(number, 16)
        corner = 2 * 33 * row + 2 * column
        assert np.searchsorted(passed.taken, begins) <= corner + kept


def add(inputs: tuple[str, ...]) -> HwNode:
    attrs = {
        "out_shape": (1, 4, 4, 8),
        "lhs_dtype": "UINT4",
        "rhs_dtype": "UINT4",
        "rhs_style": "input",
    }
    return HwNode("add", "add", "ElementwiseAdd", "hls", attrs, inputs)


def fork() -> HwNode:
    attrs = {"NumChannels": 8, "numInputVectors": (1, 4, 4), "inputDataType": "UINT4"}
    return HwNode("fork", "fork", "DuplicateStreams", "hls", attrs, ())


def pooled() -> HwNode:
    """A pool of 1x1 stands for any slow branch."""
    attrs = {
        "Channels": 8,
        "KernelSize": (1, 1),
        "OutImgDims": (4, 4),
        "InputDataType": "UINT4",
        "OutputDataType": "UINT4",
    }
    return HwNode("pool", "pool", "Pool", "hls", attrs, ("fork",))


def test_nodes_work_at_the_same_time() -> None:
    """16 pixels of 2 words through three nodes: 32 cycles and a register of each FIFO, not three times 32."""
    nodes = (fork(), pooled(), add(("fork", "pool")))
    foldings = {node.name: Folding(pe=4) for node in nodes}
    assert latency(nodes, foldings) == 32 + 2


def test_a_join_waits_for_the_slower_branch_and_its_other_fifo_fills() -> None:
    """The slow branch gives a pixel in 8 cycles, the fork in 2: when its last comes, at 31, three have been taken."""
    nodes = (fork(), pooled(), add(("fork", "pool")))
    foldings = {"fork": Folding(pe=4), "pool": Folding(pe=1), "add": Folding(pe=4)}
    found = flow(nodes, foldings)
    assert found["pool"].given.done[-1] >= 16 * 8 - 1
    assert found["add"].given.done[-1] > found["pool"].given.done[-1]
    by_port = {(node.name, port): words for node, port, words in depths(nodes, foldings, 0, {})}
    assert by_port["add", 0] == 13 * 2 and by_port["add", 1] == 2
    evenly = {(n.name, port): words for n, port, words in depths(nodes, foldings, 128, {})}
    assert evenly["add", 0] <= 2 * 2
