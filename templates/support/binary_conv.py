"""Binary convolutions of a search in full precision, as the authors of NASH train them (after Bi-Real Net).

y = ReLU(conv(b, w)) with b = 1 where x > 0, else 0 (the sign of a ReLU's output), and w = -1 or +1 by sign. The result is
whole numbers; the scale of the weights, E = mean |weight|, is applied to them afterwards: scaled before, a sum of zero
would round to either side of the ReLU. The gradient passes straight through the sign of a weight, and through that of an
activation as 2 - 2x for 0 <= x < 1 (Bi-Real Net, equation 5).

On a CPU in float32 the sums are made with 8-bit integers by oneDNN: exact, and 4 to 7 times as fast.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class BinaryConv(nn.Module):
    """x: (N, in, H, W), never negative. Gives whole numbers >= 0 in (N, out, H', W'), still to be multiplied by `scale`."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs, kernel, kernel))
        nn.init.kaiming_normal_(self.weight, mode="fan_out", nonlinearity="relu")
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        return _BinaryConv.apply(x, self._reached(x), self.stride)

    def of_signs(self, b: Tensor) -> Tensor:
        """The same of b = signs(x), without a gradient."""
        return _convolve(b, self._reached(b).detach(), self.stride)

    def scale(self) -> float:
        """E: one number for the layer, taken as constant by the gradient."""
        return float(self.weight.detach().abs().mean())

    def _reached(self, x: Tensor) -> Tensor:
        """The part of the window that meets the image: of 5x5 on 2x2 pixels, the 3x3 in the middle."""
        kernel, side = self.weight.shape[-1], max(x.shape[-2:])
        unmet = kernel // 2 - (side - 1) if self.stride == 1 else 0
        return self.weight[:, :, unmet:-unmet, unmet:-unmet] if unmet > 0 else self.weight


def signs(x: Tensor) -> Tensor:
    """1 where x > 0, else 0; as bytes where convolutions take them."""
    return (x > 0).to(torch.uint8 if _takes_bytes(x) else x.dtype)


class _BinaryConv(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, stride: int) -> Tensor:
        y = _convolve(signs(x), weight, stride)
        ctx.save_for_backward(x, weight, y)
        ctx.stride = stride
        return y

    @staticmethod
    def backward(ctx: Any, grad_y: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        x, weight, y = ctx.saved_tensors
        pad, stride = weight.shape[-1] // 2, ctx.stride
        wanted = [*ctx.needs_input_grad[:2], False]
        grad_y = torch.where(y > 0, grad_y, 0)
        b = (x > 0).to(x.dtype)
        grad_x, grad_weight, _ = torch.ops.aten.convolution_backward(
            grad_y, b, _weight_signs(weight), None, (stride,) * 2, (pad,) * 2, (1, 1), False, (0, 0), 1, wanted
        )  # fmt: skip
        if grad_x is not None:
            grad_x = grad_x * (2 - 2 * x).clamp_min(0)
        return grad_x, grad_weight, None


def _convolve(b: Tensor, weight: Tensor, stride: int) -> Tensor:
    pad = weight.shape[-1] // 2
    if b.dtype != torch.uint8:
        return F.conv2d(b, _weight_signs(weight), None, stride, pad).relu_()
    ones, zeros = _unit_scales(len(weight))
    steps, pads, dilations = (stride,) * 2, (pad,) * 2, (1, 1)
    onednn = torch.ops.onednn
    packed = onednn.qconv_prepack(
        torch.sign(weight).to(torch.int8), ones, 1.0, 0, steps, pads, dilations, 1, b.shape
    )
    return onednn.qconv2d_pointwise(
        b, 1.0, 0, packed, ones, zeros, None, steps, pads, dilations, 1, 1.0, 0, torch.float32, "relu", [], ""
    )  # fmt: skip


def _weight_signs(weight: Tensor) -> Tensor:
    return torch.sign(weight)


def _takes_bytes(x: Tensor) -> bool:
    return (
        x.device.type == "cpu" and x.dtype == torch.float32 and torch.backends.mkldnn.is_available()
    )


def _unit_scales(channels: int) -> tuple[Tensor, Tensor]:
    return torch.ones(channels), torch.zeros(channels, dtype=torch.int64)
