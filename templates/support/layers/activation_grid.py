"""Activations on a grid (support/layers/grid.py).

Where it trains on a processor in float32, q goes through torch's 8-bit integers: two passes over memory instead of four, and t is
never written. They multiply by 1 / scale, so what lies half-way to the last digit may go to its other neighbour. There an add is
one function with the quantisers in front of it: the values that meet are not rounded again for the gradient of their scale, which
needs only their sum.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import torch
from brevitas.proxy.runtime_quant import ActQuantProxyFromInjector, FusedActivationQuantProxy
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from support.layers.grid import Grid, Quantised
from support.layers.inner_product import inner_product


class ActivationGrid(Grid):
    """One learned scale for the whole tensor, kept as the logarithm of the grid's upper end. A grid from 0 is a ReLU, too."""

    def forward(self, x: Tensor) -> Quantised:
        y = self.sum_in_bytes(x)
        if y is None:
            log_end = self.scaling_impl.value
            # In mixed precision a convolution gives fewer digits than levels need.
            return self.with_metadata(*_Clamped.apply(x.to(log_end.dtype), log_end, *self.ends))
        return self.with_metadata(y, self.scale())

    def scale(self) -> Tensor:
        return 2.0**self.scaling_impl.value / self.ends[1]

    def sum_in_bytes(self, *values: Tensor) -> Tensor | None:
        """The sum of the values on the grid; None where it is not to go through bytes."""
        # Evaluation stays exact: it is held against integers.
        if not torch.is_grad_enabled():
            return None
        log_end = self.scaling_impl.value
        if not all(it.is_cpu and it.dtype == torch.float32 for it in (log_end, *values)):
            return None
        with torch.no_grad():
            step = float(self.scale())
        if not 0 < step < math.inf:  # a network that has diverged: bytes would hide it
            return None
        return _SumInBytes.apply(log_end, step, *self.ends, *values)


def activation_proxy(layer: nn.Module, injector: Any) -> ActQuantProxyFromInjector:
    """Brevitas' proxy, which leaves a ReLU to the grid. In export and without quantisers the layer's own ReLU runs.

    No subclass: Brevitas' export looks for the very class.
    """
    proxy = ActQuantProxyFromInjector(layer, injector)
    fused = proxy.fused_activation_quant_proxy
    proxy.fused_activation_quant_proxy = _OfGrid(fused, layer.return_quant_tensor)
    return proxy


class _OfGrid(FusedActivationQuantProxy):
    def __init__(self, fused: FusedActivationQuantProxy, gives_quant_tensor: bool) -> None:
        super().__init__(fused.activation_impl, fused.tensor_quant)
        self.gives_quant_tensor = gives_quant_tensor

    def forward(self, x: Tensor) -> Quantised | tuple[Tensor, None]:
        if self.training and not self.gives_quant_tensor:
            # Without a scale the proxy passes on the value alone, all that a step asks for. Brevitas asks for scales in evaluation.
            y = self.tensor_quant.sum_in_bytes(x)
            return (self.tensor_quant(x)[0] if y is None else y), None
        return self.tensor_quant(x)


def added(join: nn.Module, *values: Tensor) -> Tensor:
    """join(a) + join(b) + ...: what meets in an add, on the grid of the quantiser before it."""
    proxy = getattr(join, "act_quant", None)
    if join.training and proxy is not None and proxy.is_quant_enabled:
        y = proxy.fused_activation_quant_proxy.tensor_quant.sum_in_bytes(*values)
        if y is not None:
            return y
    return functools.reduce(torch.add, map(join, values))


class _Clamped(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, log_end: Tensor, lowest: float, highest: float
    ) -> tuple[Tensor, Tensor]:
        scale = 2.0**log_end / highest
        y = (x / scale).round_().clamp_(lowest, highest).mul_(scale)
        # Unsigned values are read by a convolution, which keeps them anyhow; what enters an add is kept by nobody.
        ctx.save_for_backward(x, scale, y if lowest == 0 else None)
        ctx.grid = lowest, highest
        ctx.set_materialize_grads(False)
        return y, scale

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, dy: Tensor | None, dscale: Tensor | None
    ) -> tuple[Tensor | None, Tensor, None, None]:
        x, scale, y = ctx.saved_tensors
        # scale = 2^log_end / highest: what comes through it, times scale and the logarithm of 2.
        along = scale.new_zeros(()) if dscale is None else dscale.reshape(()) * scale
        dx = None
        if dy is not None:
            t = x / scale
            dx = torch.ops.aten.hardtanh_backward(dy, t, *_inside(*ctx.grid))
            if y is None:
                y = t.round_().clamp_(*ctx.grid).mul_(scale)
            along = along + inner_product(dy, y) - inner_product(dx, x)
        return dx, (along * math.log(2)).reshape(scale.shape), None, None


class _SumInBytes(torch.autograd.Function):
    """The sum is kept, as by all that reads it: with dL/dscale = sum(dL/dy * y - dL/dx * x) / scale no value is needed apart.
    What a convolution reads is kept in bytes."""

    @staticmethod
    def forward(
        ctx: Any, log_end: Tensor, step: float, lowest: float, highest: float, *values: Tensor
    ) -> Tensor:
        first, *others = values
        levels = _rounded_in_bytes(first, step, lowest, highest)
        y = levels.dequantize()
        for value in others:
            y.add_(_rounded_in_bytes(value, step, lowest, highest).dequantize())
        # Unsigned values are read by a convolution, which multiplies levels, too.
        ctx.highest_level = highest if lowest == 0 and not others else None
        ctx.save_for_backward(log_end, y if ctx.highest_level is None else levels, *values)
        ctx.ends = tuple(end * step for end in _inside(lowest, highest))
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:
        log_end, y, *values = ctx.saved_tensors
        if ctx.highest_level is not None:
            y = y.dequantize()
        gradients = [torch.ops.aten.hardtanh_backward(dy, x, *ctx.ends) for x in values]
        along = float(inner_product(dy, y))
        for dx, x in zip(gradients, values, strict=True):
            along -= float(inner_product(dx, x))
        return torch.full_like(log_end, along * math.log(2)), None, None, None, *gradients


def levels_of(y: Tensor, highest_max: float) -> Tensor | None:
    """The levels, as torch's quint8, of what an unsigned quantiser has just given; None of another tensor or beyond highest_max."""
    made_by = y.grad_fn
    # Brevitas renames the dimensions of what a layer reads.
    while type(made_by).__name__ == "AliasBackward0":
        made_by = made_by.next_functions[0][0]
    highest = getattr(made_by, "highest_level", None)
    return made_by.saved_tensors[1] if highest is not None and highest <= highest_max else None


def _inside(lowest: float, highest: float) -> tuple[float, float]:
    """What is not clamped, in steps. Half-way values go to the even neighbour; ends other than 0 are odd, so these are just
    outside. From 0 down nothing passes: that is the ReLU."""
    return lowest - 0.5 if lowest else 0.0, highest + 0.5


def _rounded_in_bytes(x: Tensor, step: float, lowest: float, highest: float) -> Tensor:
    """x in steps as torch's 8-bit integers, in one pass. It multiplies by 1 / step: of what lies half-way to the last digit,
    the other neighbour may be taken."""
    kind = torch.qint8 if lowest else torch.quint8
    q = torch.quantize_per_tensor(x, step, 0, kind)
    return q if highest == torch.iinfo(torch.uint8).max else q.clamp(lowest * step, highest * step)
