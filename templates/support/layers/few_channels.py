"""1x1 convolutions with a stride that read few channels: oneDNN writes beyond its memory for them.

On a processor with AVX2 and without AVX512, of images that lie channels last, the gradient of such weights damages what lies beside it
(torch 2.12; seen with guard pages at 2 to 5 channels, for images of 8x8 and more, not at 1, 6, 7, 8 and above). Where images lie channel
after channel it does not. The weights, too, have two orders, though in memory they are the same.
"""

from __future__ import annotations

from types import MethodType
from typing import Any

import torch
from torch import Tensor, nn

ONE_VECTOR = 8
"""Floats in a register of AVX2; what is narrower takes paths of its own."""


def needs_channels_first(weight: Tensor, stride: int) -> bool:
    """weight: (out, in, height, width)."""
    return stride > 1 and 1 < weight.shape[1] < ONE_VECTOR and weight.shape[2:] == (1, 1)


def channels_first(weight: Tensor) -> Tensor:
    """The same weights (out, in, 1, 1) with strides that tell of channels first; `contiguous` changes nothing here."""
    return weight.flatten(1)[:, :, None, None]


def guard(network: nn.Module) -> None:
    """Such convolutions of a network multiply channels first; what they give lies channels last."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d) and needs_channels_first(
            module.weight, max(module.stride)
        ):
            module._conv_forward = MethodType(_conv_forward, module)


def _conv_forward(conv: nn.Conv2d, x: Any, weight: Any, bias: Tensor | None) -> Tensor:
    """x, weight: tensors or Brevitas' quant tensors, of which the values alone matter."""
    x, weight = (getattr(it, "value", it) for it in (x, weight))
    y = type(conv)._conv_forward(conv, x.contiguous(), channels_first(weight), bias)
    return y.contiguous(memory_format=torch.channels_last)
