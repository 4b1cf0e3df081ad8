"""What foldings of a node cost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nashc.cost.fold import Ints

RESOURCES = ("lut", "bram18", "uram", "dsp")


@dataclass(frozen=True)
class Cost:
    """For each folding: clock cycles of one frame, and resources (BRAM in blocks of 18 kbit)."""

    cycles: Ints
    lut: Ints
    bram18: Ints
    uram: Ints
    dsp: Ints

    @staticmethod
    def free(cycles: Ints) -> Cost:
        """Cycles alone: the model's tool counts no resources for such a node."""
        nothing = np.zeros_like(cycles)
        return Cost(cycles, nothing, nothing, nothing, nothing)

    def row(self, index: int) -> dict[str, int]:
        return {name: int(getattr(self, name)[index]) for name in ("cycles", *RESOURCES)}
