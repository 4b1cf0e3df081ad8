"""The candidate operations of a search.

Every op takes (N, in, H, W) to (N, out, ceil(H / stride), ceil(W / stride)). None keeps running statistics: what a batch
norm sees depends on the ops sampled before it, so an average over steps describes no network. Batches normalise themselves,
here and in the backbone of the supernet.

Called with a gate, a scalar of value 1, an op is g * op(x): the gate's gradient is <grad, op(x)>. Of an op that did not run,
`along(grad, node)` is the same inner product, all that the architecture's gradient wants of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from support.derivation.cells import IDENTITY, MAX_POOL, ZERO
from support.layers.binary_conv import BinaryConv, signs
from support.search.norms import along_affine, along_normalised, batch_normed, eps_of, inner_product
from support.training.batch_norm import BatchNorm2d, gradients, normalised


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


class Convs(Protocol):
    """What the convolutions among the candidates are: `Binary`, `Float`, or `Quantised` of support/search/quantised.py."""

    def conv(self, inputs: Width, outputs: Width, kernel: int, stride: int) -> SearchOp: ...

    def across(self, inputs: Width, outputs: Width, stride: int) -> SearchOp:
        """What stands for an identity where channels or resolution change."""
        ...


def search_op(
    name: str, inputs: Width, outputs: Width, stride: int, convs: Convs, side: int | None = None
) -> SearchOp:
    """The op called `name` in the spec. side: of the images, in pixels, where not all of a window can meet them."""
    if name == ZERO:
        return Zero(most(outputs), stride)
    if name == IDENTITY and (most(inputs), stride) == (most(outputs), 1):
        return Identity()
    if name == IDENTITY:
        return convs.across(inputs, outputs, stride)
    if name == MAX_POOL:
        return MaxPool(inputs, outputs, stride)
    kind, _, window = name.partition(" ")
    assert kind == "conv", f"no search op is called {name!r}"
    kernel = int(window.partition("x")[0])
    if side is not None and stride == 1:
        kernel = min(
            kernel, 2 * side - 1
        )  # the rim meets padding alone: of 5x5 on 2x2 pixels, the 3x3 in the middle is left
    return convs.conv(inputs, outputs, kernel, stride)


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


class MaxPool(SearchOp):
    """3x3 max-pool and batch norm. Across a channel change the pool stands beside itself until the channels are there, the last
    time with as many as are missing. Where channels are searched, what stands beside itself are those that are there."""

    def __init__(self, inputs: Width, outputs: Width, stride: int = 1) -> None:
        super().__init__()
        self._inputs = (inputs,)  # in a tuple, which keeps it from being a module of this one, too
        self.stride = stride
        self.bn = batch_norm(most(outputs))

    def forward(self, x: Tensor, gate: Tensor | None = None) -> Tensor:
        return _PoolNorm.apply(x, self.bn.weight, self.bn.bias, gate, self)

    def along(self, grad: Tensor, node: Node) -> Tensor:
        return along_normalised(grad, self.beside_itself(node.pooled(self.stride)), self.bn)

    def beside_itself(self, pooled: Tensor) -> Tensor:
        there, outputs = self._there(), len(self.bn.weight)
        if outputs == pooled.shape[1]:
            return pooled
        copies, rest = divmod(outputs, there)
        parts = [pooled[:, :there]] * copies
        parts += [pooled[:, :rest]] if rest else []  # an empty one would cost the layout
        return torch.cat(parts, dim=1) if len(parts) > 1 else parts[0]

    def gradient_of_one(self, grad: Tensor, pooled: Tensor) -> Tensor:
        """Of all that stand beside each other."""
        if grad.shape == pooled.shape:
            return grad
        found = torch.zeros_like(pooled)
        for part in grad.split(self._there(), dim=1):
            found[:, : part.shape[1]] += part
        return found

    def _there(self) -> int:
        [inputs] = self._inputs
        return inputs if isinstance(inputs, int) else inputs.active


class _PoolNorm(torch.autograd.Function):
    """Both in one. The pool is made again in backward: its values and where they lie would take three times the memory of x."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, gain: Tensor, bias: Tensor, gate: Tensor | None, op: MaxPool
    ) -> Tensor:
        pooled = op.beside_itself(max_pool(x, op.stride))
        y, mean, inverse_std = normalised(pooled, gain, bias, op.bn.eps)
        ctx.save_for_backward(x, gain, bias, mean, inverse_std)
        ctx.op = op
        return y

    @staticmethod
    def backward(ctx: Any, grad_y: Tensor) -> tuple[Tensor | None, ...]:
        x, gain, bias, mean, inverse_std = ctx.saved_tensors
        window = (3, 3), (ctx.op.stride,) * 2, (1, 1)
        pooled, where = torch.ops.aten.max_pool2d_with_indices(x, *window)
        grad_x, *others = gradients(
            grad_y, ctx.op.beside_itself(pooled), gain, mean, inverse_std, ctx.needs_input_grad[0]
        )
        if grad_x is not None:
            grad_pooled = ctx.op.gradient_of_one(grad_x, pooled)
            grad_x = torch.ops.aten.max_pool2d_with_indices_backward(
                grad_pooled, x, *window, (1, 1), False, where
            )
        grad_gate = along_affine(gain, bias, *others) if ctx.needs_input_grad[3] else None
        return grad_x, *others, grad_gate, None


def max_pool(x: Tensor, stride: int) -> Tensor:
    """3x3, without a graph. On a CPU torch also notes where the largest values lie, which takes three times as long."""
    if stride != 1 or x.device.type != "cpu":
        return F.max_pool2d(x, 3, stride, 1)
    return _largest_of_three(_largest_of_three(x, 2), 3)


def _largest_of_three(x: Tensor, dim: int) -> Tensor:
    """Of each pixel and its two neighbours in this direction."""
    rest, y = x.shape[dim] - 1, x.clone()
    for near, other in ((y.narrow(dim, 0, rest), 1), (y.narrow(dim, 1, rest), 0)):
        torch.maximum(near, x.narrow(dim, other, rest), out=near)
    return y


class ConvNorm(SearchOp):
    """A convolution and its batch norm."""

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.conv = conv
        self.bn = batch_norm(conv.out_channels)

    def forward(self, x: Tensor, gate: Tensor | None = None) -> Tensor:
        return batch_normed(self.conv(x), self.bn, gate)

    def along(self, grad: Tensor, node: Node) -> Tensor:
        return along_normalised(grad, self.conv(node.x).to(grad.dtype), self.bn)


class BinaryConvNorm(SearchOp):
    """A binary convolution, ReLU, and batch norm, in this order."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = BinaryConv(inputs, outputs, kernel, stride)
        self.bn = batch_norm(outputs)

    def forward(self, x: Tensor, gate: Tensor | None = None) -> Tensor:
        eps = eps_of(self.bn, self.conv.scale())
        return _BinaryConvNorm.apply(
            x, self.conv.weight, self.bn.weight, self.bn.bias, gate, self.conv, eps
        )

    def along(self, grad: Tensor, node: Node) -> Tensor:
        return along_normalised(grad, self.conv.of_signs(node.signs), self.bn, self.conv.scale())


class _BinaryConvNorm(torch.autograd.Function):
    """Both in one, so that what lies in between is kept once, as whole numbers of one or two bytes."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        gain: Tensor,
        bias: Tensor,
        gate: Tensor | None,
        conv: BinaryConv,
        eps: float | Tensor,
    ) -> Tensor:
        y = conv.of_signs(signs(x))
        z, mean, inverse_std = normalised(y, gain, bias, eps)
        ctx.save_for_backward(x, conv.kept(y), gain, bias, mean, inverse_std)
        ctx.conv = conv
        return z

    @staticmethod
    def backward(ctx: Any, grad_z: Tensor) -> tuple[Tensor | None, ...]:
        x, y, gain, bias, mean, inverse_std = ctx.saved_tensors
        y, wanted = y.to(x.dtype), ctx.needs_input_grad[:2]
        grad_y, *others = gradients(grad_z, y, gain, mean, inverse_std, any(wanted))
        of_conv = (None, None) if grad_y is None else ctx.conv.gradients(grad_y, x, y, *wanted)
        grad_gate = along_affine(gain, bias, *others) if ctx.needs_input_grad[4] else None
        return *of_conv, *others, grad_gate, None, None


class FactorisedIdentity(SearchOp):
    """What stands for the identity where the shape changes: two 1x1 convolutions side by side, half of the channels
    each, the second on the pixels that the first one's stride leaves out.

    alternates: channels of the two take turns, so that the first so many are half of each, as in a narrower network.
    """

    def __init__(
        self,
        even: BinaryConv | nn.Conv2d,
        odd: BinaryConv | nn.Conv2d,
        outputs: int,
        stride: int,
        alternates: bool = False,
    ) -> None:
        super().__init__()
        self.even, self.odd = even, odd
        self.bn = batch_norm(outputs)
        self.stride = stride
        order = _alternating(outputs) if alternates else None
        self.register_buffer("order", order, persistent=False)

    def forward(self, x: Tensor, gate: Tensor | None = None) -> Tensor:
        # Padded by what the shift takes off, so that odd sizes come out as ceil(H / stride) too.
        shift = self.stride - 1
        shifted = F.pad(x, (0, shift, 0, shift))[:, :, shift:, shift:]
        halves = [
            conv(pixels) * (conv.scale() if isinstance(conv, BinaryConv) else 1.0)
            for conv, pixels in ((self.even, x), (self.odd, shifted))
            if len(conv.weight)  # half of one channel is none
        ]
        y = torch.cat(halves, dim=1)
        if self.order is not None:  # channels last, as images lie in memory
            y = y.permute(0, 2, 3, 1)[..., self.order].permute(0, 3, 1, 2)
        return batch_normed(y, self.bn, gate)


class Binary:
    """Binary weights and activations, as in the paper's search. The scale of a layer is that of all its channels, there or not:
    the batch norm behind it takes scales out again."""

    def conv(self, inputs: Width, outputs: Width, kernel: int, stride: int) -> SearchOp:
        return BinaryConvNorm(most(inputs), most(outputs), kernel, stride)

    def across(self, inputs: Width, outputs: Width, stride: int) -> SearchOp:
        halves = [BinaryConv(most(inputs), half, 1, stride) for half in _halves(most(outputs))]
        return _factorised(halves, outputs, stride)


class Float:
    """Full precision."""

    def conv(self, inputs: Width, outputs: Width, kernel: int, stride: int) -> SearchOp:
        sizes = (most(inputs), most(outputs), kernel, stride, kernel // 2)
        return ConvNorm(nn.Conv2d(*sizes, bias=False))

    def across(self, inputs: Width, outputs: Width, stride: int) -> SearchOp:
        halves = [
            nn.Conv2d(most(inputs), half, 1, stride, bias=False) for half in _halves(most(outputs))
        ]
        return _factorised(halves, outputs, stride)


def _factorised(
    halves: Sequence[BinaryConv] | Sequence[nn.Conv2d], outputs: Width, stride: int
) -> FactorisedIdentity:
    even, odd = halves
    alternates = not isinstance(outputs, int)
    return FactorisedIdentity(even, odd, most(outputs), stride, alternates)


def _halves(outputs: int) -> tuple[int, int]:
    return outputs // 2, outputs - outputs // 2


def _alternating(outputs: int) -> Tensor:
    """Of each channel where it stands in what the even and the odd half gave, one behind the other; an odd one comes first."""
    even, _ = _halves(outputs)
    return torch.tensor([i // 2 if i % 2 else even + i // 2 for i in range(outputs)])
