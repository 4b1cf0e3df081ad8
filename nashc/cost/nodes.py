"""A node of the hardware that FINN would build, as plain values."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any


class Signature:
    """What a node is but for its name and its place: networks repeat their blocks, and dictionaries are asked often."""

    __slots__ = ("_hash", "_parts")

    def __init__(self, *parts: Hashable) -> None:
        self._parts = parts
        self._hash = hash(parts)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Signature) and self._parts == other._parts)


@dataclass(frozen=True)
class HwNode:
    """One streaming unit.

    name: as our flow names it in FINN's reports: conv `a` becomes `a.pad`, `a.window`, `a`; the fork of `b` is `b.fork`.
    layer: the layer of the spec that it came from.
    kind: FINN's op type without backend: FMPadding, ConvolutionInputGenerator, MVAU, Thresholding, Pool, ElementwiseAdd,
    ElementwiseMul, ElementwiseAbsDiff, DuplicateStreams, LabelSelect. backend: hls or rtl.
    attrs: FINN's node attributes under FINN's names; lists are tuples, data types are QONNX names.
    inputs: names of the nodes whose streams it reads; empty where it reads the image.
    """

    name: str
    layer: str
    kind: str
    backend: str
    attrs: Mapping[str, Any]
    inputs: tuple[str, ...]

    @property
    def op_type(self) -> str:
        """FINN's op type: `MVAU_hls`."""
        return f"{self.kind}_{self.backend}"

    @cached_property
    def signature(self) -> Hashable:
        """Equal for nodes that cost the same in the same folding."""
        return Signature(self.op_type, *self.attrs.items())

    def __getitem__(self, attribute: str) -> int:
        """An attribute that is a number."""
        number: int = self.attrs[attribute]
        return number

    def sizes(self, attribute: str) -> tuple[int, ...]:
        """An attribute that is several numbers, such as (height, width)."""
        sizes: tuple[int, ...] = self.attrs[attribute]
        return sizes

    def dtype(self, attribute: str) -> str:
        """An attribute that is a QONNX data type."""
        return str(self.attrs[attribute])

    def width(self, attribute: str) -> int:
        """Bits of the data type that an attribute holds."""
        return width(self.attrs[attribute])


@cache
def width(dtype: str) -> int:
    """Bits of a value of a QONNX integer type."""
    return 1 if dtype == "BIPOLAR" else int(dtype.removeprefix("U").removeprefix("INT"))
