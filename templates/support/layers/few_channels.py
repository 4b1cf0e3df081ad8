"""1x1 convolutions with a stride that read few channels: oneDNN writes beyond its memory for them.

On a processor with AVX2 and without AVX512, of images that lie channels last, the gradient of such weights damages what lies beside it
(torch 2.12; seen with guard pages at 1 to 5 channels, for images of 8x8 and more, not at 6, 7, 8 and above). Where images lie channel
after channel it does not. The weights, too, have two orders, though in memory they are the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import MethodType
from typing import Any

import torch
from torch import Tensor, nn

ONE_VECTOR = 8
"""Floats in a register of AVX2; what is narrower takes paths of its own."""


def needs_channels_first(weight: Tensor, stride: int) -> bool:
    """weight: (out, in, height, width)."""
    return stride > 1 and weight.shape[1] < ONE_VECTOR and weight.shape[2:] == (1, 1)


def channels_first(x: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """The same with strides that tell of channels first. x: (N, in, H, W), weight: (out, in, 1, 1).

    Where there is one channel, or one pixel, either order is the same in memory, and `contiguous` changes nothing.
    """
    return x.flatten(1).unflatten(1, x.shape[1:]), weight.flatten(1)[:, :, None, None]


def gradients(
    grad_y: Tensor,
    x: Tensor,
    weight: Tensor,
    sizes: tuple[Sequence[int], Sequence[int], Sequence[int], int],
    wanted: Sequence[bool],
) -> tuple[Tensor | None, Tensor | None]:
    """dL/dx and dL/dweight of any convolution without a bias, as far as wanted. sizes: stride, padding, dilation, groups."""
    stride, padding, dilation, groups = sizes
    if needs_channels_first(weight, max(stride)):
        x, weight = channels_first(x, weight)
    grad_x, grad_weight, _ = torch.ops.aten.convolution_backward(
        grad_y, x, weight, None, stride, padding, dilation, False, (0, 0), groups, [*wanted, False]
    )
    return grad_x, grad_weight


def guard(network: nn.Module) -> None:
    """Such convolutions of a network multiply channels first; what they give lies channels last."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d) and _is_one(module):
            module._conv_forward = MethodType(conv_forward, module)


def conv_forward(conv: nn.Conv2d, x: Any, weight: Any, bias: Tensor | None) -> Tensor:
    """As the convolution's class does it. x, weight: tensors or Brevitas' quant tensors, of which the values alone matter."""
    own = type(conv)._conv_forward
    if not _is_one(conv):
        return own(conv, x, weight, bias)
    x, weight = (getattr(it, "value", it) for it in (x, weight))
    y = own(conv, *channels_first(x, weight), bias)
    return y.contiguous(memory_format=torch.channels_last)


def _is_one(conv: nn.Conv2d) -> bool:
    return needs_channels_first(conv.weight, max(conv.stride))
