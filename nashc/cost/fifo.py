"""What a FIFO costs: FINN+'s own model of its fifo.sv, which AMD fitted to Vivado 2026.1.

Source: finn-plus 1.6.1, util/resource_models.py; its error there: blocks exact, LUTs within a few percent. Of a Versal's
other memories and multiplexers it has more to say than stands here: there our count is that of an UltraScale+.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

# Widths of a RAMB18 by its depth, widest first.
_RAMB18 = ((36, 512), (18, 1024), (9, 2048), (4, 4096), (2, 8192), (1, 16384))
# From this rows * rows * bits on Vivado gives the upper memory a RAM, below LUTs.
_RAM_LEAST = 2**20
# Blocks of BRAM that the upper memory of a URAM FIFO must need to be URAM as well, for each of its URAMs.
_HIGH_URAM_RATIO = 7
_SRL_DEPTH, _LUTRAM_DEPTH, _BLOCK_DEPTH = 33, 257, 2028
LEAST_DEPTH = 2


class Fifo(NamedTuple):
    """bram18: blocks of 18 kbit. uram: blocks of 288 kbit."""

    lut: int
    bram18: int
    uram: int


@cache
def fifo(depth: int, bits: int, has_uram: bool) -> Fifo:
    """A FIFO of `depth` words of `bits`, in the memory that fifo.sv chooses by itself; without URAM, in BRAM instead."""
    word = -(-bits // 8) * 8
    counter = _log2(depth + 1) + 1
    if depth <= _SRL_DEPTH:
        shifts = -(-(depth - 1 if depth > 4 else 4) // 32)
        return Fifo(shifts * word + 5 * counter - 7, 0, 0)
    if depth <= 64 and word < 12:
        return Fifo(-(-(depth - 1) // 32) * word + 5 * counter - 7, 0, 0)
    if depth <= _LUTRAM_DEPTH or word < 5:
        rows = 2 ** _log2(depth - 1)
        return Fifo(_lutram(rows, word) + rows // 128 * (word // 2) + 8 * counter - 15, 0, 0)
    if depth <= _BLOCK_DEPTH or not has_uram:
        return _block(depth, word)
    return _ultra(depth, word, counter)


def _block(depth: int, word: int) -> Fifo:
    low, high = _spaces(depth, 9, 0)
    tiles, stages = _blocks(2**low, word)
    lut = 18 + 3 * word // 7 if high else 0
    if high and _is_ram(2**high, word):
        more, deeper = _blocks(2**high, word)
        tiles, stages = tiles + more, max(stages, deeper)
    elif high:
        lut += _lutram(2**high, word)
    return Fifo(lut + 54 + 3 * stages + 2 * tiles // 5, tiles, 0)


def _ultra(depth: int, word: int, counter: int) -> Fifo:
    low, high = _spaces(depth, 12, 16)
    stages = -(-(2**low) // 4096)
    uram, bram18 = stages * -(-word // 72), 0
    lut = 6 * counter + max(1, stages // 4 - 2) * word
    if high:
        lut += 18 + 3 * word // 7
        if _is_ram(2**high, word):
            more = -(-(2**high) // 4096) * -(-word // 72)
            blocks, _ = _blocks(2**high, word)
            if high >= 12 or blocks >= _HIGH_URAM_RATIO * more:
                uram += more
            else:
                bram18 = blocks
        else:
            lut += _lutram(2**high, word) + word
    return Fifo(lut, bram18, uram)


def _spaces(depth: int, least: int, queue: int) -> tuple[int, int]:
    """Address bits of the memory and of a second, smaller one on top of it; 0 where there is none (fifo.sv, INIT_ABITS)."""
    rows = max(depth - queue - 1, 1)
    low = _log2(rows)
    if low > least:
        high = _log2(rows - 2 ** (low - 1))
        if high < low - 1:
            return low - 1, max(high, 1)
    return low, 0


def _blocks(rows: int, word: int) -> tuple[int, int]:
    """RAMB18s of a memory whose words are split over widths so that it takes the fewest, and the deepest column of them."""
    tiles, stages = [0], [0]
    for bits in range(1, word + 1):
        plans = []
        for width, depth in _RAMB18:
            column, rest = -(-rows // depth), max(bits - width, 0)
            plans.append((column + tiles[rest], max(column, stages[rest])))
        fewest = min(plans, key=lambda plan: plan[0])  # of equal ones the widest memory
        tiles.append(fewest[0])
        stages.append(fewest[1])
    return tiles[word], stages[word]


def _is_ram(rows: int, word: int) -> bool:
    return rows * rows * word >= _RAM_LEAST


def _lutram(rows: int, word: int) -> int:
    return -(-rows // 32) * -(-word // 2) * 5 // 4


def _log2(number: int) -> int:
    """$clog2 of SystemVerilog."""
    return max(number - 1, 0).bit_length()
