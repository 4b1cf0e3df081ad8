"""What FINN knows of an FPGA from the name of its part."""

from __future__ import annotations

from functools import cache

from nashc.vocab.boards import BOARDS

_VERSAL = ("xcvc", "xcve", "xcvp", "xcvm", "xqvc", "xqvm", "xqrvc", "xcv80")
# Widest input, weight and sum of a DSP block (ports B, A and P).
_LIMITS = {"DSP58": (24, 27, 58), "DSP48E2": (18, 27, 48), "DSP48E1": (18, 25, 48)}


def dsp_block(part: str) -> str:
    """DSP58 (Versal), DSP48E1 (7 series) or DSP48E2. Source: finn-plus 1.6.1, finn/util/basic.py, get_dsp_block."""
    if part.startswith(_VERSAL):
        return "DSP58"
    return "DSP48E1" if part[2] == "7" else "DSP48E2"


def dsp_limits(part: str) -> tuple[str, int, int, int]:
    """The DSP block and its widest input, weight and sum in bits. Source: get_dsp_datapath_limits of the same file."""
    block = dsp_block(part)
    return (block, *_LIMITS[block])


@cache
def has_uram(part: str) -> bool:
    """Whether the FPGA has UltraRAM: as its board says; of a part that no board of ours has, all but the 7 series."""
    known = [BOARDS[name].resources.uram > 0 for name in BOARDS if BOARDS[name].part == part]
    return any(known) if known else dsp_block(part) != "DSP48E1"
