"""The candidate operations of a search.

Every op takes (N, in, H, W) to (N, out, ceil(H / stride), ceil(W / stride)). None keeps running statistics: what a batch
norm sees depends on the ops sampled before it, so an average over steps describes no network. Batches normalise themselves,
here and in the backbone of the supernet.

Beside `forward`, which trains, each op has `along(grad, node)`: the inner product <grad, op(x)>, all that the architecture's
gradient wants of an op that did not run. It makes no graph and no more tensors than it must: of a batch norm's result
x_hat * gain + bias, <grad, .> is the sum of gain * dL/dgain + bias * dL/dbias.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from support.batch_norm import moments, normalised_by_batch
from support.binary_conv import BinaryConv, signs
from support.derive import IDENTITY, MAX_POOL, ZERO


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
            self._pooled[stride] = F.max_pool2d(self.x, 3, stride, 1)
        return self._pooled[stride]


class SearchOp(nn.Module):
    def along(self, grad: Tensor, node: Node) -> Tensor:
        """<grad, self(node.x)>, under no_grad."""
        return inner_product(grad, self(node.x))


class Convs(Protocol):
    """What the convolutions among the candidates are: `Binary`, `Float`, or `Quantised` of search_quantised.py."""

    def conv(self, inputs: int, outputs: int, kernel: int, stride: int) -> SearchOp: ...

    def across(self, inputs: int, outputs: int, stride: int) -> SearchOp:
        """What stands for an identity where channels or resolution change."""
        ...


def search_op(name: str, inputs: int, outputs: int, stride: int, convs: Convs) -> SearchOp:
    """The op called `name` in the spec."""
    if name == ZERO:
        return Zero(outputs, stride)
    if name == IDENTITY and (inputs, stride) == (outputs, 1):
        return Identity()
    if name == IDENTITY:
        return convs.across(inputs, outputs, stride)
    if name == MAX_POOL:
        return MaxPool(inputs, outputs, stride)
    kind, _, window = name.partition(" ")
    assert kind == "conv", f"no search op is called {name!r}"
    kernel = int(window.partition("x")[0])
    return convs.conv(inputs, outputs, kernel, stride)


def batch_norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, track_running_stats=False)


class Zero(SearchOp):
    """No connection: zeros in the shape that the other ops make."""

    def __init__(self, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.outputs = outputs
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        n, _, h, w = x.shape
        return x.new_zeros(1).expand(n, self.outputs, -(-h // self.stride), -(-w // self.stride))

    def along(self, grad: Tensor, node: Node) -> Tensor:
        return grad.new_zeros(())


class Identity(SearchOp):
    def forward(self, x: Tensor) -> Tensor:
        return x


class MaxPool(SearchOp):
    """3x3 max-pool and batch norm. Across a channel change the pool stands beside itself until the channels are there."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        assert outputs % inputs == 0, f"a max-pool cannot make {outputs} channels of {inputs}"
        self.copies = outputs // inputs
        self.stride = stride
        self.bn = batch_norm(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(self._beside_itself(_Pooled.apply(x, self.stride)))

    def along(self, grad: Tensor, node: Node) -> Tensor:
        return along_normalised(grad, self._beside_itself(node.pooled(self.stride)), self.bn)

    def _beside_itself(self, pooled: Tensor) -> Tensor:
        return torch.cat([pooled] * self.copies, dim=1) if self.copies > 1 else pooled


class _Pooled(torch.autograd.Function):
    """A max-pool that is made again in backward: where its largest values lie takes twice the memory of the values."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, stride: int) -> Tensor:
        ctx.save_for_backward(x)
        ctx.stride = stride
        return F.max_pool2d(x, 3, stride, 1)

    @staticmethod
    def backward(ctx: Any, grad_y: Tensor) -> tuple[Tensor, None]:
        [x] = ctx.saved_tensors
        window = (3, 3), (ctx.stride,) * 2, (1, 1)
        _, where = torch.ops.aten.max_pool2d_with_indices(x, *window)
        grad_x = torch.ops.aten.max_pool2d_with_indices_backward(
            grad_y, x, *window, (1, 1), False, where
        )
        return grad_x, None


class ConvNorm(SearchOp):
    """A convolution and its batch norm."""

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.conv = conv
        self.bn = batch_norm(conv.out_channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(self.conv(x))

    def along(self, grad: Tensor, node: Node) -> Tensor:
        return along_normalised(grad, self.conv(node.x), self.bn)


class BinaryConvNorm(SearchOp):
    """A binary convolution, ReLU, and batch norm, in this order."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = BinaryConv(inputs, outputs, kernel, stride)
        self.bn = batch_norm(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return normalised(self.conv(x), self.bn, self.conv.scale())

    def along(self, grad: Tensor, node: Node) -> Tensor:
        return along_normalised(grad, self.conv.of_signs(node.signs), self.bn, self.conv.scale())


class FactorisedIdentity(SearchOp):
    """What stands for the identity where the shape changes: two 1x1 convolutions side by side, half of the channels
    each, the second on the pixels that the first one's stride leaves out."""

    def __init__(
        self, even: BinaryConv | nn.Conv2d, odd: BinaryConv | nn.Conv2d, outputs: int, stride: int
    ) -> None:
        super().__init__()
        self.even, self.odd = even, odd
        self.bn = batch_norm(outputs)
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        # Padded by what the shift takes off, so that odd sizes come out as ceil(H / stride) too.
        shift = self.stride - 1
        shifted = F.pad(x, (0, shift, 0, shift))[:, :, shift:, shift:]
        halves = [
            conv(pixels) * (conv.scale() if isinstance(conv, BinaryConv) else 1.0)
            for conv, pixels in ((self.even, x), (self.odd, shifted))
        ]
        return self.bn(torch.cat(halves, dim=1))


class Binary:
    """Binary weights and activations, as in the paper's search."""

    def conv(self, inputs: int, outputs: int, kernel: int, stride: int) -> SearchOp:
        return BinaryConvNorm(inputs, outputs, kernel, stride)

    def across(self, inputs: int, outputs: int, stride: int) -> SearchOp:
        halves = [BinaryConv(inputs, half, 1, stride) for half in _halves(outputs)]
        return FactorisedIdentity(*halves, outputs, stride)


class Float:
    """Full precision."""

    def conv(self, inputs: int, outputs: int, kernel: int, stride: int) -> SearchOp:
        return ConvNorm(nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False))

    def across(self, inputs: int, outputs: int, stride: int) -> SearchOp:
        halves = [nn.Conv2d(inputs, half, 1, stride, bias=False) for half in _halves(outputs)]
        return FactorisedIdentity(*halves, outputs, stride)


def _halves(outputs: int) -> tuple[int, int]:
    return outputs // 2, outputs - outputs // 2


# ---- batch norms and inner products ---------------------------------------------------------------


def normalised(x: Tensor, bn: nn.BatchNorm2d, scale: float) -> Tensor:
    """bn(scale * x), scale > 0, without multiplying: only `eps` feels it."""
    return normalised_by_batch(x, bn.weight, bn.bias, _eps(bn, scale))


def along_normalised(grad: Tensor, x: Tensor, bn: nn.BatchNorm2d, scale: float = 1.0) -> Tensor:
    """<grad, bn(scale * x)>, under no_grad. Two passes over x: its moments, then the gradients of gain and bias."""
    mean, variance = moments(x)
    _, grad_gain, grad_bias = torch.ops.aten.native_batch_norm_backward(
        grad, x, bn.weight, None, None, mean, torch.rsqrt(variance + _eps(bn, scale)), True, 0.0, [False, True, True]
    )  # fmt: skip
    return torch.dot(bn.weight, grad_gain) + torch.dot(bn.bias, grad_bias)


def _eps(bn: nn.BatchNorm2d, scale: float) -> float:
    return bn.eps / scale**2 if scale else bn.eps


def inner_product(a: Tensor, b: Tensor) -> Tensor:
    """sum(a * b) of tensors of one shape."""
    a, b = a.permute(0, 2, 3, 1), b.permute(0, 2, 3, 1)  # as they lie in memory: no copy
    return torch.dot(a.reshape(-1), b.reshape(-1))
