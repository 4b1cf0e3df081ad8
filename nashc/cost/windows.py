"""Sliding windows that FINN writes no RTL for: what templates/support/finn/windows.py makes of such foldings."""

from __future__ import annotations

import numpy as np

from nashc.cost.fold import Bools, Folding, Foldings, divisors, one
from nashc.cost.nodes import HwNode
from nashc.vocab.windows import has_loop


def is_written(node: HwNode, f: Foldings) -> Bools:
    """Whether FINN 1.6.1 writes the window in each folding; see vocab/windows.py."""
    if node.sizes("ConvKernelDim") != (1, 1):
        is_parallel = f.parallel_window == 1
    else:
        is_parallel = np.ones(len(f), bool)
    height, width = node.sizes("OFMDim")
    steps = node["IFMChannels"] // f.simd
    loops = np.array([has_loop(height, width, int(n)) for n in steps], bool)
    written: Bools = loops | ~is_parallel
    return written


def pixels_kept(node: HwNode) -> int:
    """Pixels in the buffer of a window that leaves pixel by pixel, of which several arrive in front of a stride.

    Source: finn-plus 1.6.1, rtl/convolutioninputgenerator_rtl.py, get_buffer_depth.
    """
    (k_h, k_w), (_, width) = node.sizes("ConvKernelDim"), node.sizes("IFMDim")
    stride_h, stride_w = node.sizes("Stride")
    ahead = max(0, stride_w - 1 - k_h * k_w) + max(0, (stride_h - 1) * width - k_h * k_w)
    return (k_h - 1) * width + (k_w - 1) + 1 + ahead


def mend(node: HwNode, folding: Folding) -> Folding:
    """The folding itself if FINN writes the window, else not all pixels of it at once, or fewer channels."""
    if node.kind != "ConvolutionInputGenerator" or is_written(node, one(folding))[0]:
        return folding
    if folding.parallel_window and node.sizes("ConvKernelDim") != (1, 1):
        return folding._replace(parallel_window=0)
    tries = (folding._replace(simd=simd) for simd in reversed(divisors(node["IFMChannels"])))
    return next((found for found in tries if is_written(node, one(found))[0]), folding)
