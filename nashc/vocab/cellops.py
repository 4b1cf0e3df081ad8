"""The operations a NAS edge may choose from (paper, Table I)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class CellOp:
    """kind: zero, identity, maxpool or conv; window: side of the square window, 0 where there is none."""

    kind: str
    window: int = 0

    def __str__(self) -> str:
        return f"{self.kind} {self.window}x{self.window}" if self.window else self.kind

    @property
    def word(self) -> str:
        """The operation as one identifier: `conv3x3`."""
        return str(self).replace(" ", "")

    def can_change(self, channels: bool, stride: int) -> bool:
        """Whether it can connect nodes whose channels or resolution differ.

        A max-pool strides but keeps its channels (paper, section III-C), and leaves no pixel out, for which FINN has no
        layer; identity keeps both.
        """
        if self.kind in ("conv", "zero"):
            return True
        if self.kind == "maxpool":
            return not channels and stride <= self.window
        return not channels and stride == 1


ZERO = CellOp("zero")
IDENTITY = CellOp("identity")
MAXPOOL = CellOp("maxpool", 3)
CONV_1X1 = CellOp("conv", 1)
PAPER_OPS = (ZERO, MAXPOOL, IDENTITY, CONV_1X1, CellOp("conv", 3), CellOp("conv", 5))
LEGAL_OPS = (*PAPER_OPS, CellOp("conv", 7))
