"""Weights on a grid (support/layers/grid.py), whose scale follows the weights: the largest of them, or their mean."""

from __future__ import annotations

from typing import Any

import torch
from brevitas.core.quant import BinaryQuant
from torch import Tensor
from torch.autograd.function import once_differentiable

from support.layers.grid import SCALE_MIN, Grid, Quantised


class WeightGrid(Grid):
    """The scale puts the largest weight of each output channel at the end of the grid: nothing is clamped."""

    per_channel = True

    def forward(self, x: Tensor) -> Quantised:
        return self.with_metadata(*_LargestAtEnd.apply(_whole(x), self.ends[1], self.per_channel))


class TensorWeightGrid(WeightGrid):
    """The same with the largest weight of all."""

    per_channel = False


class BinaryGrid(BinaryQuant):
    """-s or +s, s = mean |w| of the output channel."""

    ends = (-1.0, 1.0)
    per_channel = True

    def forward(self, x: Tensor) -> Quantised:
        y, scale = _MeanAndSign.apply(_whole(x), self.per_channel)
        return y, scale, self.zero_point(), self.bit_width()


class TensorBinaryGrid(BinaryGrid):
    """The same with the mean of all."""

    per_channel = False


def quantised_weights(weight: Tensor, bits: int, per_channel: bool = True) -> Tensor:
    """Weights as `BinaryGrid` (1 bit) or `WeightGrid` (more, narrow range) has them, without a module."""
    if bits == 1:
        return _MeanAndSign.apply(weight, per_channel)[0]
    return _LargestAtEnd.apply(weight, float(2 ** (bits - 1) - 1), per_channel)[0]


class _LargestAtEnd(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, highest: float, per_channel: bool) -> tuple[Tensor, Tensor]:
        ctx.rows = rows = _Rows(x, per_channel)
        flat = rows.of(x)
        y = flat.abs()
        largest, ctx.where = y.max(1, keepdim=True)
        scale = largest.clamp_(min=SCALE_MIN) / highest
        torch.div(flat, scale, out=y).round_().mul_(scale)
        ctx.save_for_backward(x, scale, y)
        ctx.highest = highest
        return rows.back(y), rows.scale(scale)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor, dscale: Tensor) -> tuple[Tensor, None, None]:
        x, scale, y = ctx.saved_tensors
        flat, dflat = ctx.rows.of(x), ctx.rows.of(dy)
        dx = (y - flat).mul_(dflat)
        through_scale = dx.sum(1, keepdim=True) / scale + dscale.reshape(scale.shape)
        at_largest = through_scale * flat.gather(1, ctx.where).sign() / ctx.highest
        return ctx.rows.back(dx.copy_(dflat).scatter_add_(1, ctx.where, at_largest)), None, None


class _MeanAndSign(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, per_channel: bool) -> tuple[Tensor, Tensor]:
        ctx.rows = rows = _Rows(x, per_channel)
        flat = rows.of(x)
        y = flat.abs()
        scale = y.mean(1, keepdim=True).clamp_(min=SCALE_MIN)
        torch.add(flat, 0.0, out=y)  # of -0.0 the sign is +, as of 0.0
        torch.copysign(scale, y, out=y)
        ctx.save_for_backward(x, scale, y)
        return rows.back(y), rows.scale(scale)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor, dscale: Tensor) -> tuple[Tensor, None]:
        x, scale, y = ctx.saved_tensors
        flat, dflat = ctx.rows.of(x), ctx.rows.of(dy)
        dx = y * dflat
        through_scale = dx.sum(1, keepdim=True) / scale + dscale.reshape(scale.shape)
        share = through_scale / flat.shape[1]
        return ctx.rows.back(torch.sign(flat, out=dx).mul_(share).add_(dflat * scale)), None


def _whole(x: Tensor) -> Tensor:
    """The weights that x shows. Brevitas hands over weight[:], whose backward would copy the gradient into zeros."""
    whole = x._base
    if whole is None or whole.shape != x.shape or whole.stride() != x.stride():
        return x
    return whole


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
