"""What the candidate operations of a search have in common, and those that compute nothing.

Every op takes (N, in, H, W) to (N, out, ceil(H / stride), ceil(W / stride)). None keeps running statistics: what a batch
norm sees depends on the ops sampled before it, so an average over steps describes no network. Batches normalise themselves,
here and in the backbone of the supernet.

Called with a gate, a scalar of value 1, an op is g * op(x): the gate's gradient is <grad, op(x)>. Of an op that did not run,
`along(grad, node)` is the same inner product, all that the architecture's gradient wants of it.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from support.layers.binary_conv import signs
from support.layers.inner_product import inner_product
from support.layers.pools import max_pool
from support.training.batch_norm import BatchNorm2d


class Chosen(Protocol):
    """Channels of which a search chooses how many are there (support/search/channels.py, which needs Brevitas)."""

    counts: tuple[int, ...]

    @property
    def active(self) -> int: ...


Width = int | Chosen
"""A number of channels, or what says how many are there."""


def most(width: Width) -> int:
    """The channels of the tensors, there or not."""
    return width if isinstance(width, int) else max(width.counts)


class Node:
    """A value that edges leave from, and what several of their ops need of it: made when first asked for, then kept."""

    def __init__(self, x: Tensor) -> None:
        self.x = x
        self._pooled: dict[int, Tensor] = {}

    @cached_property
    def signs(self) -> Tensor:
        return signs(self.x)

    def pooled(self, stride: int) -> Tensor:
        if stride not in self._pooled:
            self._pooled[stride] = max_pool(self.x, stride)
        return self._pooled[stride]


class SearchOp(nn.Module):
    def forward(self, x: Tensor, gate: Tensor | None = None) -> Tensor:
        raise NotImplementedError

    def along(self, grad: Tensor, node: Node) -> Tensor:
        """<grad, self(node.x)>, under no_grad."""
        return inner_product(grad, self(node.x))


def batch_norm(channels: int) -> nn.BatchNorm2d:
    return BatchNorm2d(channels, track_running_stats=False)


class Zero(SearchOp):
    """No connection: zeros in the shape that the other ops make."""

    def __init__(self, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.outputs = outputs
        self.stride = stride

    def forward(self, x: Tensor, gate: Tensor | None = None) -> Tensor:
        n, _, h, w = x.shape
        zero = x.new_zeros(1) if gate is None else gate * 0.0
        return zero.expand(n, self.outputs, -(-h // self.stride), -(-w // self.stride))

    def along(self, grad: Tensor, node: Node) -> Tensor:
        return grad.new_zeros(())


class Identity(SearchOp):
    def forward(self, x: Tensor, gate: Tensor | None = None) -> Tensor:
        return x if gate is None else _Gated.apply(x, gate)


class _Gated(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, y: Tensor, gate: Tensor) -> Tensor:
        ctx.save_for_backward(y)
        return y.view_as(y)

    @staticmethod
    def backward(ctx: Any, grad_y: Tensor) -> tuple[Tensor, Tensor]:
        return grad_y, inner_product(grad_y, *ctx.saved_tensors)
