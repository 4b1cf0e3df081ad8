"""Convolutions of a training step that multiply whole numbers: on an x86 processor, in float32.

What a quantised convolution reads are levels times a step, and its weights are whole numbers times a scale for each output channel.
oneDNN multiplies them as bytes, sums exactly and scales the sums: faster than in float32, and equal but for float32's own rounding.
The activation in front keeps its levels for that (`levels_of`), a quarter of the memory of its values. The gradient is that of a
convolution in float32.
"""

from __future__ import annotations

from types import MethodType
from typing import Any

import brevitas.nn as qnn
import torch
from brevitas.quant_tensor import QuantTensor
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from support.layers import few_channels
from support.layers.activation_grid import levels_of
from support.layers.weight_grid import BinaryGrid, WeightGrid

# Without VNNI a processor adds two products in 16 bits, and cuts off what is beyond.
PAIR_MAX = torch.iinfo(torch.int16).max


def multiply_whole(network: nn.Module) -> None:
    """Quantised convolutions of a network multiply whole numbers while it trains, where they can."""
    if not torch.backends.cpu.get_cpu_capability().startswith("AVX"):
        return
    for module in network.modules():
        if isinstance(module, qnn.QuantConv2d) and _can(module):
            module._conv_forward = MethodType(_conv_forward, module)


def _can(conv: qnn.QuantConv2d) -> bool:
    has_our_grid = isinstance(conv.weight_quant.tensor_quant, BinaryGrid | WeightGrid)
    return (
        has_our_grid
        and conv.bias is None
        and conv.padding_mode == "zeros"
        and not isinstance(conv.padding, str)
    )


def _conv_forward(conv: qnn.QuantConv2d, x: Any, weight: Any, bias: Tensor | None) -> Tensor:
    """x: (N, in, H, W), weight: (out, in, height, width); tensors or Brevitas' quant tensors."""
    levels = _levels_to_multiply(conv, x, weight)
    if levels is None:
        return few_channels.conv_forward(conv, x, weight, bias)
    return _WholeConv.apply(x, weight.value, levels, weight.scale.detach(), conv)


def _levels_to_multiply(conv: qnn.QuantConv2d, x: Any, weight: Any) -> Tensor | None:
    """Those of x, as torch's quint8. None where floats are to be multiplied."""
    if not (
        isinstance(weight, QuantTensor)
        and type(x) is Tensor
        and weight.value.dtype == torch.float32
    ):
        return None
    if torch.is_autocast_enabled("cpu"):
        return None
    largest_weight = conv.weight_quant.tensor_quant.ends[1]
    return levels_of(x, highest_max=PAIR_MAX // int(2 * largest_weight))


class _WholeConv(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, _x: Tensor, weight: Tensor, levels: Tensor, scale: Tensor, conv: nn.Conv2d
    ) -> Tensor:
        ctx.save_for_backward(weight, levels)
        ctx.sizes = sizes = (conv.stride, conv.padding, conv.dilation, conv.groups)
        scales = scale.expand(len(weight), 1, 1, 1).flatten()
        whole = torch.div(weight, scale).round_().to(torch.int8)
        step, zeros = levels.q_scale(), torch.zeros(len(scales), dtype=torch.int64)
        # Of scales for the packing one is enough: it gives each of them another order, which costs time.
        packed = torch.ops.onednn.qconv_prepack(whole, scales[:1], step, 0, *sizes, levels.shape)
        return torch.ops.onednn.qconv2d_pointwise(
            _bytes(levels), step, 0, packed, scales, zeros, None, *sizes, 1.0, 0, torch.float32, "none", [], ""
        )  # fmt: skip

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_y: Tensor) -> tuple[Tensor | None, ...]:
        weight, levels = ctx.saved_tensors
        x, wanted = levels.dequantize(), ctx.needs_input_grad[:2]
        return *few_channels.gradients(grad_y, x, weight, ctx.sizes, wanted), None, None, None


def _bytes(levels: Tensor) -> Tensor:
    """The memory of torch's quint8 as uint8; `int_repr` copies it."""
    place = (levels.storage_offset(), levels.shape, levels.stride())
    return torch.empty(0, dtype=torch.uint8).set_(levels.untyped_storage(), *place)
