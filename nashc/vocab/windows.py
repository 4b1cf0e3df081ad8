"""When FINN can write a sliding window that takes its pixels at once."""

from __future__ import annotations


def has_loop(height: int, width: int, steps: int) -> bool:
    """Whether a parallel sliding window has something to count: FINN 1.6.1 takes the logarithm of 0 else.

    height, width: of the result; steps: channels / SIMD. A 1x1 window is parallel always. Source: finn-plus 1.6.1,
    rtl/convolutioninputgenerator_rtl.py, prepare_codegen_parallel, cntr_bitwidth.
    """
    if steps > 1:
        return max(height, width, steps - 1) > 1
    return max(height - 1, 1) > 1 if width == 1 else max(height, width - 1) > 1
