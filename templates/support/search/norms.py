"""Batch norms with a gate, and their inner products with a gradient: what the ops of a search end in.

A gate is a scalar of value 1; what it gates is g * bn(x), whose gradient by g is <grad, bn(x)>. Of a batch norm's result
x_hat * gain + bias, <grad, .> is the sum of gain * dL/dgain + bias * dL/dbias: no more tensors than it must.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from support.training.batch_norm import gradients, moments, normalised


def batch_normed(x: Tensor, bn: nn.BatchNorm2d, gate: Tensor | None) -> Tensor:
    """gate * bn(x)."""
    return _Normalised.apply(x.to(bn.weight.dtype), bn.weight, bn.bias, gate, bn.eps)


def along_normalised(
    grad: Tensor, x: Tensor, bn: nn.BatchNorm2d, scale: float | Tensor = 1.0
) -> Tensor:
    """<grad, bn(scale * x)>, under no_grad. Two passes over x: its moments, then the gradients of gain and bias."""
    mean, variance = moments(x)
    inverse_std = torch.rsqrt(variance + eps_of(bn, scale))
    return along_affine(
        bn.weight, bn.bias, *gradients(grad, x, bn.weight, mean, inverse_std, False)[1:]
    )


def along_affine(gain: Tensor, bias: Tensor, grad_gain: Tensor, grad_bias: Tensor) -> Tensor:
    return torch.dot(gain, grad_gain) + torch.dot(bias, grad_bias)


def eps_of(bn: nn.BatchNorm2d, scale: float | Tensor) -> float | Tensor:
    """With it bn(x) is what bn(scale * x) would be, scale > 0: x need not be multiplied."""
    if isinstance(scale, Tensor):
        return torch.where(scale > 0, bn.eps / scale**2, bn.eps)
    return bn.eps / scale**2 if scale else bn.eps


class _Normalised(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, gain: Tensor, bias: Tensor, gate: Tensor | None, eps: float
    ) -> Tensor:
        y, mean, inverse_std = normalised(x, gain, bias, eps)
        ctx.save_for_backward(x, gain, bias, mean, inverse_std)
        return y

    @staticmethod
    def backward(ctx: Any, grad_y: Tensor) -> tuple[Tensor | None, ...]:
        x, gain, bias, mean, inverse_std = ctx.saved_tensors
        grad_x, *others = gradients(grad_y, x, gain, mean, inverse_std, ctx.needs_input_grad[0])
        grad_gate = along_affine(gain, bias, *others) if ctx.needs_input_grad[3] else None
        return grad_x, *others, grad_gate, None
