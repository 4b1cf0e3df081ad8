"""The candidate operations of a search, in full precision but for the binary weights of the NAS convolutions.

Every op takes (N, in, H, W) to (N, out, ceil(H / stride), ceil(W / stride)). None keeps running statistics: what a batch
norm sees depends on the ops sampled before it, so an average over steps describes no network. Batches normalise themselves,
here and in the backbone of the supernet.
"""

from __future__ import annotations

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from support.derive import IDENTITY, MAX_POOL, ZERO


def search_op(
    name: str, inputs: int, outputs: int, stride: int = 1, *, binary: bool = True
) -> nn.Module:
    """The op called `name` in the spec. binary: convolutions have weights of -s and +s, as w1 in training."""
    if name == ZERO:
        return Zero(outputs, stride)
    if name == IDENTITY and (inputs, stride) == (outputs, 1):
        return nn.Identity()
    if name == IDENTITY:
        return FactorisedIdentity(inputs, outputs, stride, binary=binary)
    if name == MAX_POOL:
        return MaxPool(inputs, outputs, stride)
    kind, _, window = name.partition(" ")
    assert kind == "conv", f"no search op is called {name!r}"
    kernel = int(window.partition("x")[0])
    return nn.Sequential(_conv(inputs, outputs, kernel, stride, binary), batch_norm(outputs))


def batch_norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, track_running_stats=False)


class BinaryConv(nn.Conv2d):
    """A convolution with weights -s and +s, s = mean |w| of the output channel; the gradient passes straight through."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__(inputs, outputs, kernel, stride, kernel // 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        weight = binarise(self.weight)
        return functional.conv2d(x, weight, None, self.stride, self.padding)


class MaxPool(nn.Module):
    """3x3 max-pool and batch norm. Across a channel change the pool stands beside itself until the channels are there."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        assert outputs % inputs == 0, f"a max-pool cannot make {outputs} channels of {inputs}"
        self.copies = outputs // inputs
        self.pool = nn.MaxPool2d(3, stride=stride, padding=1)
        self.bn = batch_norm(outputs)

    def forward(self, x: Tensor) -> Tensor:
        pooled = self.pool(x)
        if self.copies > 1:
            pooled = torch.cat([pooled] * self.copies, dim=1)
        return self.bn(pooled)


class FactorisedIdentity(nn.Module):
    """What stands for the identity where the shape changes: two 1x1 convolutions side by side, half of the channels
    each, the second on the pixels that the first one's stride leaves out."""

    def __init__(self, inputs: int, outputs: int, stride: int, *, binary: bool = True) -> None:
        super().__init__()
        half = outputs // 2
        self.even = _conv(inputs, half, 1, stride, binary)
        self.odd = _conv(inputs, outputs - half, 1, stride, binary)
        self.bn = batch_norm(outputs)
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        # Padded by what the shift takes off, so that odd sizes come out as ceil(H / stride) too.
        shift = self.stride - 1
        shifted = functional.pad(x, (0, shift, 0, shift))[:, :, shift:, shift:]
        return self.bn(torch.cat([self.even(x), self.odd(shifted)], dim=1))


class Zero(nn.Module):
    """No connection: zeros in the shape that the other ops make."""

    def __init__(self, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.outputs = outputs
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        n, _, h, w = x.shape
        return x.new_zeros(n, self.outputs, -(-h // self.stride), -(-w // self.stride))


def binarise(weight: Tensor) -> Tensor:
    """-s or +s by sign (zero counts as positive), s = mean |w| over all but the first dimension."""
    scale = weight.abs().mean(dim=tuple(range(1, weight.dim())), keepdim=True)
    sign = torch.where(weight >= 0, 1.0, -1.0).to(weight.dtype)
    straight_through = weight + (sign - weight).detach()
    return straight_through * scale


def _conv(inputs: int, outputs: int, kernel: int, stride: int, binary: bool) -> nn.Conv2d:
    if binary:
        return BinaryConv(inputs, outputs, kernel, stride)
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
