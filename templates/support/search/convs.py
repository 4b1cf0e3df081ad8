"""Convolutions among the candidates of a search: binary, as in the paper, or in full precision."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from support.layers.binary_conv import BinaryConv, signs
from support.search.norms import along_affine, along_normalised, batch_normed, eps_of
from support.search.ops import Node, SearchOp, Width, batch_norm, most
from support.training.batch_norm import gradients, normalised


class Convs(Protocol):
    """What the convolutions among the candidates are: `Binary`, `Float`, or `Quantised` of support/search/quantised.py."""

    def conv(self, inputs: Width, outputs: Width, kernel: int, stride: int) -> SearchOp: ...

    def across(self, inputs: Width, outputs: Width, stride: int) -> SearchOp:
        """What stands for an identity where channels or resolution change."""
        ...


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
