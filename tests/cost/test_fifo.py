"""What a FIFO costs is what FINN+ says of its fifo.sv; and how deep one must be."""

from __future__ import annotations

import pytest

from nashc.cost.fifo import fifo

DEPTHS = (2, 3, 5, 32, 33, 34, 64, 65, 257, 258, 513, 1025, 1100, 2028, 2029, 4096, 5000, 9000)


@pytest.mark.finn
def test_a_fifo_costs_what_finn_says() -> None:
    models = pytest.importorskip("finn.util.resource_models")
    for depth in DEPTHS:
        for bits in (1, 8, 24, 61, 72, 256):
            word = -(-bits // 8) * 8
            style = models._resolve(depth, word, "auto")
            theirs = models._fifo_cost(depth, word, style)
            assert fifo(depth, bits, True) == (theirs.lut, theirs.bram, theirs.uram), (depth, bits)
            if style == "ultra":
                theirs = models._fifo_cost(depth, word, "block")
                assert fifo(depth, bits, False) == (theirs.lut, theirs.bram, 0), (depth, bits)


def test_shallow_ones_are_shift_registers_and_deep_ones_memory() -> None:
    assert fifo(2, 8, True) == (8 + 8, 0, 0)
    assert fifo(1024, 8, True).bram18 == 1
    assert fifo(8192, 64, True).uram == 2 and fifo(8192, 64, False).uram == 0
