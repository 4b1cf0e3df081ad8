"""Rounding onto a grid in few passes over memory: what Brevitas' quantisers compute, forward and backward.

Brevitas composes a quantiser of a dozen torch operations, each of which writes a tensor as large as its input and keeps it
for the backward pass. The modules here are Brevitas' own with another `forward`: parameters, scale, zero point, bit width and
export are theirs, and `RescalingIntQuant.forward` of the same module is what the tests hold them to. In short, for
t = x / scale and q = clamp(round(t), lowest, highest) (all straight-through):

    y = q * scale,    dL/dx = dL/dy where q was not clamped,    dL/dscale = sum(dL/dy * (q - t where q was not clamped))
"""

from __future__ import annotations

import functools
from typing import Any

import torch
from brevitas.core.quant import BinaryQuant, RescalingIntQuant
from torch import Tensor
from torch.autograd.function import once_differentiable

Quantised = tuple[Tensor, Tensor, Tensor, Tensor]  # value, scale, zero point, bit width

# Under float32's own grain of the weights: it only keeps an all-zero channel from dividing by zero.
SCALE_MIN = 2e-16


class _Grid(RescalingIntQuant):
    @functools.cached_property
    def ends(self) -> tuple[float, float]:
        bits = self.msb_clamp_bit_width_impl()
        return float(self.int_quant.min_int(bits)), float(self.int_quant.max_int(bits))

    def with_metadata(self, y: Tensor, scale: Tensor) -> Quantised:
        return y, scale, self.zero_point_impl.zero_point(), self.msb_clamp_bit_width_impl()


class ActivationGrid(_Grid):
    """One learned scale for the whole tensor, kept as its logarithm."""

    def forward(self, x: Tensor) -> Quantised:
        lowest, highest = self.ends
        scale = 2.0**self.scaling_impl.value / highest
        return self.with_metadata(_Clamped.apply(x, scale, lowest, highest), scale)


class WeightGrid(_Grid):
    """The scale puts the largest weight of each output channel at the end of the grid: nothing is clamped."""

    per_channel = True

    def forward(self, x: Tensor) -> Quantised:
        return self.with_metadata(*_LargestAtEnd.apply(x, self.ends[1], self.per_channel))


class TensorWeightGrid(WeightGrid):
    """The same with the largest weight of all."""

    per_channel = False


class BinaryGrid(BinaryQuant):
    """-s or +s, s = mean |w| of the output channel."""

    per_channel = True

    def forward(self, x: Tensor) -> Quantised:
        y, scale = _MeanAndSign.apply(x, self.per_channel)
        return y, scale, self.zero_point(), self.bit_width()


class TensorBinaryGrid(BinaryGrid):
    """The same with the mean of all."""

    per_channel = False


class _Clamped(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, scale: Tensor, lowest: float, highest: float) -> Tensor:
        y = (x / scale).round_().clamp_(lowest, highest).mul_(scale)
        # Unsigned values are read by a convolution, which keeps them anyhow; what enters an add is kept by nobody.
        ctx.save_for_backward(x, scale, y if lowest == 0 else None)
        ctx.grid = lowest, highest
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor, Tensor, None, None]:
        x, scale, y = ctx.saved_tensors
        t = x / scale
        # Half-way values go to the even neighbour; ends other than 0 are odd, so these are just outside. Below 0 there
        # is nothing: a ReLU stands in front.
        lowest, highest = ctx.grid
        dx = torch.ops.aten.hardtanh_backward(dy, t, lowest - 0.5, highest + 0.5)
        dscale = -_inner_product(dx, t)
        if y is None:
            dscale += _inner_product(dy, t.round_().clamp_(lowest, highest))
        else:
            dscale += _inner_product(dy, y) / scale
        return dx, dscale.reshape(scale.shape), None, None


class _LargestAtEnd(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, highest: float, per_channel: bool) -> tuple[Tensor, Tensor]:
        ctx.rows = rows = _Rows(x, per_channel)
        flat = rows.of(x)
        largest, ctx.where = flat.abs().max(1, keepdim=True)
        scale = largest.clamp_(min=SCALE_MIN) / highest
        y = (flat / scale).round_().mul_(scale)
        ctx.save_for_backward(x, scale, y)
        ctx.highest = highest
        return rows.back(y), rows.scale(scale)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor, dscale: Tensor) -> tuple[Tensor, None, None]:
        x, scale, y = ctx.saved_tensors
        flat, dflat = ctx.rows.of(x), ctx.rows.of(dy)
        through_scale = _row_products(dflat, y - flat) / scale + dscale.reshape(scale.shape)
        at_largest = through_scale * flat.gather(1, ctx.where).sign() / ctx.highest
        return ctx.rows.back(dflat.scatter_add(1, ctx.where, at_largest)), None, None


class _MeanAndSign(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, per_channel: bool) -> tuple[Tensor, Tensor]:
        ctx.rows = rows = _Rows(x, per_channel)
        flat = rows.of(x)
        scale = flat.abs().mean(1, keepdim=True).clamp_(min=SCALE_MIN)
        y = torch.where(flat >= 0, scale, -scale)
        ctx.save_for_backward(x, scale, y)
        return rows.back(y), rows.scale(scale)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor, dscale: Tensor) -> tuple[Tensor, None]:
        x, scale, y = ctx.saved_tensors
        flat, dflat = ctx.rows.of(x), ctx.rows.of(dy)
        through_scale = _row_products(dflat, y) / scale + dscale.reshape(scale.shape)
        share = through_scale / flat.shape[1]
        return ctx.rows.back(torch.addcmul(dflat * scale, flat.sign(), share)), None


class _Rows:
    """Weights as one row for each output channel, or one in all, in the order in which x lies in memory."""

    def __init__(self, x: Tensor, per_channel: bool) -> None:
        self.is_last = x.dim() == 4 and x.is_contiguous(memory_format=torch.channels_last)
        self.shape = x.shape
        self.count = len(x) if per_channel else 1
        self.scale_shape = (len(x), *[1] * (x.dim() - 1)) if per_channel else ()

    def of(self, x: Tensor) -> Tensor:
        return (x.permute(0, 2, 3, 1) if self.is_last else x).reshape(self.count, -1)

    def back(self, rows: Tensor) -> Tensor:
        if not self.is_last:
            return rows.view(self.shape)
        n, c, h, w = self.shape
        return rows.view(n, h, w, c).permute(0, 3, 1, 2)

    def scale(self, scale: Tensor) -> Tensor:
        return scale.view(self.scale_shape)


def _row_products(a: Tensor, b: Tensor) -> Tensor:
    """Sum of a * b along each row, [rows, 1], without the tensor of the products."""
    return torch.bmm(a[:, None, :], b[:, :, None])[:, 0]


def _inner_product(a: Tensor, b: Tensor) -> Tensor:
    if a.dim() == 4 and a.is_contiguous(memory_format=torch.channels_last):
        a, b = a.permute(0, 2, 3, 1), b.permute(0, 2, 3, 1)
    return torch.dot(a.reshape(-1), b.reshape(-1))
