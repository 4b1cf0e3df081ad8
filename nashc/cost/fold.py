"""Foldings of a node: how much hardware works at once, and in which resources it lies.

One folding is a `Folding`; many of one node are `Foldings`, a column of each setting as a numpy array, which is what
cost models take. Which settings a node has is FINN's: pe (MVAU, Thresholding, Pool, Elementwise*, DuplicateStreams,
LabelSelect), simd (MVAU, FMPadding, ConvolutionInputGenerator), parallel_window (ConvolutionInputGenerator).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from nashc.cost.nodes import HwNode

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

# Settings that are words, by FINN's attribute name; arrays hold the position in these.
RAM_STYLES = ("auto", "block", "distributed", "ultra")
RES_TYPES = ("auto", "lut", "dsp")
MEM_MODES = ("internal_decoupled", "internal_embedded", "external")
WORDS: dict[str, tuple[str, ...]] = {
    "ram_style": RAM_STYLES,
    "ram_style_thresholds": RAM_STYLES,
    "res_type": RES_TYPES,
    "mem_mode": MEM_MODES,
}
# FINN's name of each setting.
ATTRIBUTES = {
    "pe": "PE",
    "simd": "SIMD",
    "parallel_window": "parallel_window",
    "ram_style": "ram_style",
    "ram_style_thresholds": "ram_style_thresholds",
    "res_type": "resType",
    "mem_mode": "mem_mode",
    "depth_trigger_uram": "depth_trigger_uram",
    "depth_trigger_bram": "depth_trigger_bram",
}
TRIGGERS = ("depth_trigger_uram", "depth_trigger_bram")
_PE = ("MVAU", "Thresholding", "Pool", "DuplicateStreams", "LabelSelect")
_SIMD = ("MVAU", "FMPadding", "ConvolutionInputGenerator", "DownSampler")


class Folding(NamedTuple):
    """Settings of one node; those it does not have keep their first value."""

    pe: int = 1
    simd: int = 1
    parallel_window: int = 0
    ram_style: str = "auto"
    ram_style_thresholds: str = "auto"
    res_type: str = "lut"
    mem_mode: str = "internal_decoupled"
    depth_trigger_uram: int = 0
    depth_trigger_bram: int = 0

    def attributes(self, node: HwNode) -> dict[str, Any]:
        """Under FINN's names, those that the node has: what a folding file holds; no depth of 0, which triggers nothing."""
        values = {name: getattr(self, name) for name in settings_of(node)}
        return {
            ATTRIBUTES[name]: values[name]
            for name in values
            if values[name] or name not in TRIGGERS
        }


@dataclass(frozen=True)
class Foldings:
    """Many foldings of one node, all columns of equal length; words as positions in WORDS."""

    pe: Ints
    simd: Ints
    parallel_window: Ints
    ram_style: Ints
    ram_style_thresholds: Ints
    res_type: Ints
    mem_mode: Ints
    depth_trigger_uram: Ints
    depth_trigger_bram: Ints

    @staticmethod
    def of(foldings: Iterable[Folding]) -> Foldings:
        rows = list(foldings)
        return Foldings(
            *(
                np.array([position(name, getattr(row, name)) for row in rows], np.int64)
                for name in COLUMNS
            )
        )

    def __len__(self) -> int:
        return len(self.pe)

    def __getitem__(self, index: int) -> Folding:
        row: dict[str, Any] = {
            name: _value(name, int(getattr(self, name)[index])) for name in COLUMNS
        }
        return Folding(**row)

    def take(self, which: Any) -> Foldings:
        """The rows that an index array or mask selects."""
        return Foldings(*(getattr(self, name)[which] for name in COLUMNS))


COLUMNS = Folding._fields


@cache
def one(folding: Folding) -> Foldings:
    """One folding as arrays of length 1."""
    return Foldings.of([folding])


def position(name: str, value: int | str) -> int:
    """The number that stands for a setting's value in arrays."""
    return WORDS[name].index(str(value)) if name in WORDS else int(value)


def _value(name: str, number: int) -> int | str:
    return WORDS[name][number] if name in WORDS else number


def settings_of(node: HwNode) -> tuple[str, ...]:
    """The settings that FINN's node has, as field names of Folding."""
    found = ["pe"] if node.kind in _PE or node.kind.startswith("Elementwise") else []
    found += ["simd"] if node.kind in _SIMD else []
    match node.kind:
        case "ConvolutionInputGenerator":
            found += ["parallel_window", "ram_style"]
        case "MVAU":
            found += ["ram_style", "mem_mode", "res_type"]
            found += [] if node["noActivation"] else ["ram_style_thresholds"]
        case "Thresholding" if node.backend == "hls":
            found += ["ram_style", "mem_mode"]
        case "Thresholding":
            found += TRIGGERS
        case _ if node.kind.startswith("Elementwise") and node.attrs["rhs_style"] == "const":
            found += ["ram_style", "mem_mode"]
    return tuple(found)


def words_of(node: HwNode, setting: str) -> tuple[str, ...]:
    """The words that a setting of this node can have.

    Where weights come from outside decides data types before any folding: that is no choice of a folding. Weights in
    the code exist in HLS only. Source: get_nodeattr_types of each op.
    """
    match node.kind, setting:
        case "MVAU", "mem_mode" if node.dtype("mem_mode") == "external" or node.backend == "rtl":
            return (node.dtype("mem_mode"),)
        case _, "mem_mode":
            return ("internal_decoupled", "internal_embedded")
        case "Thresholding", "ram_style":
            return ("distributed", "block", "ultra")
        case _, "ram_style_thresholds":
            return ("auto", "block", "distributed")
    return WORDS[setting]


def idle_of(node: HwNode) -> dict[str, tuple[int | str, ...]]:
    """What else FINN's node has, under FINN's names, with legal values: they are no part of a folding.

    FINN writes them all into its folding files. Memories without content count nothing. What is writeable changes data
    types (Ranges.without).
    """
    match node.kind:
        case "MVAU" if node["noActivation"]:
            return {**_WRITEABLES, "ram_style_thresholds": words_of(node, "ram_style_thresholds")}
        case "MVAU" | "Thresholding":
            return _WRITEABLES
        case _ if node.kind.startswith("Elementwise") and node.attrs["rhs_style"] == "input":
            return {name: words_of(node, name) for name in ("ram_style", "mem_mode")}
    return {}


WRITEABLE = "runtime_writeable_weights"
_WRITEABLES: dict[str, tuple[int | str, ...]] = {WRITEABLE: (0, 1)}


def limit(node: HwNode, setting: str) -> int:
    """What pe or simd must divide."""
    if node.kind == "MVAU":
        return node["MH" if setting == "pe" else "MW"]
    for name in ("NumChannels", "Channels", "IFMChannels", "Labels"):
        if name in node.attrs:
            return node[name]
    return node.sizes("out_shape")[-1]


@cache
def divisors(number: int) -> tuple[int, ...]:
    """All of them, rising."""
    return tuple(d for d in range(1, number + 1) if number % d == 0)


def unfolded(node: HwNode) -> Folding:
    """The node as FINN makes it, before any folding.

    Source: finn-plus 1.6.1, convert_to_hw/*.py: all channels at once for padding, windows and pools, one of all else;
    custom_op/fpgadataflow: default ram_style is distributed for windows and thresholds, auto for weights; resType is
    lut in HLS.
    """
    match node.kind:
        case "ConvolutionInputGenerator":
            return Folding(simd=node["IFMChannels"], ram_style="distributed")
        case "FMPadding" | "DownSampler":
            return Folding(simd=node["NumChannels"])
        case "Pool":
            return Folding(pe=node["Channels"])
        case "MVAU" if node.backend == "rtl":
            return Folding(res_type="auto", **_weights(node))
        case "MVAU":
            return Folding(**_weights(node))
        case "Thresholding" if node.backend == "hls":
            return Folding(ram_style="distributed")
        case _ if node.kind.startswith("Elementwise"):
            return Folding(mem_mode="internal_embedded")
    return Folding()


def _weights(node: HwNode) -> dict[str, Any]:
    return {name: node.dtype(name) for name in ("ram_style", "mem_mode")}
