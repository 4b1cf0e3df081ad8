"""Batch norms over the batch of all processes: the mean and variance of all shares of a batch, forwards and backwards.

torch's SyncBatchNorm runs on GPUs alone. This one has a single path for both, of torch's own kernels around one exchange of
2 x channels numbers in each direction. All shares of a batch are of one size.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn


def moments(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and biased variance of each channel over the whole batch, of which x (N, C, H, W) is this process's share."""
    mean, variance = torch.batch_norm_update_stats(x, None, None, 0.0)
    if not _is_shared():
        return mean, variance
    own = torch.stack([mean, variance])
    shares = [torch.empty_like(own) for _ in range(dist.get_world_size())]
    dist.all_gather(shares, own)
    means, variances = torch.stack(shares).unbind(1)
    mean = means.mean(0)
    return mean, variances.mean(0) + (means - mean).square().mean(0)


def normalised(
    x: Tensor, weight: Tensor, bias: Tensor, eps: float | Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """x normalised by the moments of its batch, times weight plus bias; and what `gradients` wants: the mean of each channel and
    the inverse of its standard deviation. Without a graph."""
    is_number = not isinstance(eps, Tensor)
    if is_number and not _is_shared():
        return torch.native_batch_norm(x, weight, bias, None, None, True, 0.0, eps)
    mean, variance = moments(x)
    if not is_number:
        variance, eps = variance + eps, 0.0
    y = F.batch_norm(x, mean, variance, weight, bias, False, 0.0, eps)
    return y, mean, torch.rsqrt(variance + eps)


def gradients(
    grad_y: Tensor, x: Tensor, weight: Tensor, mean: Tensor, inverse_std: Tensor, wants_x: bool
) -> tuple[Tensor | None, Tensor, Tensor]:
    """For x, weight and bias, those of the latter two from this process's share alone.

    For L = sum over the processes of their losses, dL/dx needs the sums of dL/dy and dL/dy * x_hat of all.
    """
    alone = wants_x and not _is_shared()
    grad_x, grad_weight, grad_bias = torch.ops.aten.native_batch_norm_backward(
        grad_y, x, weight, None, None, mean, inverse_std, True, 0.0, [alone, True, True]
    )
    if alone or not wants_x:
        return grad_x, grad_weight, grad_bias
    sums = torch.stack([grad_bias, grad_weight])
    dist.all_reduce(sums)
    sums /= x.numel() // x.shape[1] * dist.get_world_size()
    mean_grad, mean_along = sums.unbind()
    # gain * (dy - mean(dy) - x_hat * mean(dy * x_hat)), with one pass less over x: dy * a + x * b + c
    gain = weight * inverse_std
    b = -gain * inverse_std * mean_along
    c = -gain * mean_grad - b * mean
    a, b, c = (it.view(1, -1, 1, 1).to(x.dtype) for it in (gain, b, c))
    return grad_y * a + (x * b + c), grad_weight, grad_bias


def synchronise(network: nn.Module) -> None:
    """Make all batch norms of a network see the whole batch. Their parameters, buffers and names stay."""
    if not _is_shared():
        return
    for module in network.modules():
        if type(module) in (nn.BatchNorm2d, BatchNorm2d):
            module.__class__ = SyncedBatchNorm2d


class BatchNorm2d(nn.BatchNorm2d):
    """torch's, where mixed precision ends: what a convolution gave goes on in the precision of the weights."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.to(self.weight.dtype))


class SyncedBatchNorm2d(BatchNorm2d):
    """By the moments of the whole batch, of which each process has a share."""

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return super().forward(x)
        x = x.to(self.weight.dtype)
        mean, variance = moments(x.detach())
        if self.track_running_stats:
            self._follow(mean, variance, x.numel() // x.shape[1] * dist.get_world_size())
        return _Normalised.apply(x, self.weight, self.bias, mean, variance, self.eps)

    def _follow(self, mean: Tensor, variance: Tensor, pixels: int) -> None:
        assert self.momentum is not None, "a cumulative average is not what networks here use"
        assert self.running_mean is not None and self.running_var is not None
        assert self.num_batches_tracked is not None
        self.num_batches_tracked.add_(1)
        unbiased = variance * (pixels / max(1, pixels - 1))
        self.running_mean.lerp_(mean.to(self.running_mean), self.momentum)
        self.running_var.lerp_(unbiased.to(self.running_var), self.momentum)


class _Normalised(torch.autograd.Function):
    """By moments that were exchanged before."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor,
        mean: Tensor,
        variance: Tensor,
        eps: float,
    ) -> Tensor:
        ctx.save_for_backward(x, weight, mean, torch.rsqrt(variance + eps))
        return F.batch_norm(x, mean, variance, weight, bias, False, 0.0, eps)

    @staticmethod
    def backward(ctx: Any, grad_y: Tensor) -> tuple[Tensor | None, ...]:
        found = gradients(grad_y, *ctx.saved_tensors, ctx.needs_input_grad[0])
        return *found, None, None, None


def _is_shared() -> bool:
    return dist.is_initialized() and dist.get_world_size() > 1
