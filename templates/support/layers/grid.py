"""Rounding onto a grid in few passes over memory: what Brevitas' quantisers compute, forward and backward.

Brevitas composes a quantiser of a dozen torch operations, each of which writes a tensor as large as its input and keeps it
for the backward pass. The modules here are Brevitas' own with another `forward`: parameters, scale, zero point, bit width and
export are theirs, and `RescalingIntQuant.forward` of the same module is what the tests hold them to. In short, for
t = x / scale and q = clamp(round(t), lowest, highest) (all straight-through):

    y = q * scale,    dL/dx = dL/dy where q was not clamped,    dL/dscale = sum(dL/dy * (q - t where q was not clamped))

A ReLU in front of a grid that begins at 0 is part of its clamp, in both directions.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

from brevitas.core.quant import RescalingIntQuant
from torch import Tensor

Quantise = Callable[[Tensor], Tensor]
Quantised = tuple[Tensor, Tensor, Tensor, Tensor]  # value, scale, zero point, bit width

# Under float32's own grain of the weights: it only keeps an all-zero channel from dividing by zero.
SCALE_MIN = 2e-16


class Grid(RescalingIntQuant):
    @functools.cached_property
    def ends(self) -> tuple[float, float]:
        bits = self.msb_clamp_bit_width_impl()
        return float(self.int_quant.min_int(bits)), float(self.int_quant.max_int(bits))

    def with_metadata(self, y: Tensor, scale: Tensor) -> Quantised:
        return y, scale, self.zero_point_impl.zero_point(), self.msb_clamp_bit_width_impl()
