"""Which foldings of a node are legal: all of them within limits, and what is wrong with one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from nashc.cost.fold import (
    COLUMNS,
    Bools,
    Folding,
    Foldings,
    divisors,
    limit,
    position,
    settings_of,
    unfolded,
    words_of,
)
from nashc.cost.nodes import HwNode
from nashc.cost.streams import WIDEST_STREAM, widest
from nashc.cost.windows import is_written


@dataclass(frozen=True)
class Limits:
    """What `options` may vary. stream_bits: widest stream of an HLS node.

    least_simd_fold: fewest steps along MW of an RTL MVAU; FINN's own loses data under back pressure at 1 (SIMD = MW),
    which is not to be helped where MW is 1.
    """

    stream_bits: int = WIDEST_STREAM
    least_simd_fold: int = 1
    ram_styles: tuple[str, ...] = ("auto",)
    window_ram_styles: tuple[str, ...] = ("distributed",)
    res_types: tuple[str, ...] = ("lut",)
    mem_modes: tuple[str, ...] = ("internal_decoupled",)


def options(node: HwNode, limits: Limits = Limits()) -> Foldings:
    """All legal foldings of a node within limits, FINN's smallest first; a memory that the spec asks for stays.

    Of a sliding window in front of a pool, simd must equal the pool's pe: the caller couples them.
    """
    settings = settings_of(node)
    start = unfolded(node)
    choices: dict[str, Sequence[int | str]] = {name: (getattr(start, name),) for name in COLUMNS}
    for name in ("pe", "simd"):
        if name in settings:
            choices[name] = divisors(limit(node, name))
    if node.kind == "MVAU" and node.backend == "hls":
        choices["res_type"] = limits.res_types
    if node.kind == "MVAU" and start.mem_mode == "internal_decoupled":
        choices["mem_mode"] = _legal(node, "mem_mode", limits.mem_modes, start)
        if start.ram_style == "auto":
            choices["ram_style"] = limits.ram_styles
    elif node.op_type == "Thresholding_hls":
        choices["mem_mode"] = _legal(node, "mem_mode", limits.mem_modes, start)
        choices["ram_style"] = _legal(node, "ram_style", limits.ram_styles, start)
    elif node.kind == "ConvolutionInputGenerator":
        choices["parallel_window"] = (0, 1)
        choices["ram_style"] = limits.window_ram_styles
    columns = product(*([position(name, value) for value in choices[name]] for name in COLUMNS))
    found = Foldings(*np.array(list(columns), np.int64).T)
    return found.take(_is_legal(node, found, limits))


def _legal(node: HwNode, setting: str, words: tuple[str, ...], start: Folding) -> tuple[str, ...]:
    """Those of the words that the node takes, its own where it takes none."""
    legal = words_of(node, setting)
    return tuple(word for word in words if word in legal) or (getattr(start, setting),)


def has_parallel_window(node: HwNode, f: Folding | Foldings) -> Any:
    """Whether a sliding window can be parallel in each folding: it takes all channels at once then.

    FINN uses none in front of a pool, and 1x1 is parallel by nature. Source: finn-plus 1.6.1,
    rtl/convolutioninputgenerator_rtl.py, select_impl_style.
    """
    is_wide = not node["depthwise"] and node.sizes("ConvKernelDim") != (1, 1)
    return (f.simd == node["IFMChannels"]) & is_wide


def _is_legal(node: HwNode, f: Foldings, limits: Limits) -> Bools:
    legal: Bools = widest(node, f) <= limits.stream_bits
    if node.kind == "ConvolutionInputGenerator":
        legal &= (f.parallel_window == 0) | has_parallel_window(node, f)
        legal &= is_written(node, f)
    elif node.op_type == "MVAU_rtl":
        legal &= f.simd * limits.least_simd_fold <= max(node["MW"], limits.least_simd_fold)
    return legal
