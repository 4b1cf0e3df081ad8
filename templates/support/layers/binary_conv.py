"""Binary convolutions of a search in full precision, as the authors of NASH train them (after Bi-Real Net).

y = ReLU(conv(b, w)) with b = 1 where x > 0, else 0 (the sign of a ReLU's output), and w = -1 or +1 by sign. The result is
whole numbers; the scale of the weights, E = mean |weight|, is applied to them afterwards: scaled before, a sum of zero
would round to either side of the ReLU. The gradient passes straight through the sign of a weight, and through that of an
activation as 2 - 2x for 0 <= x < 1 (Bi-Real Net, equation 5).

On a CPU in float32 the sums are made with 8-bit integers by oneDNN: exact, and 4 to 7 times as fast.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from support.layers import few_channels, small_maps


class BinaryConv(nn.Module):
    """x: (N, in, H, W), never negative. Gives whole numbers >= 0 in (N, out, H', W'), still to be multiplied by `scale`."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs, kernel, kernel))
        nn.init.kaiming_normal_(self.weight, mode="fan_out", nonlinearity="relu")
        self.stride = stride
        self._kept: dict[Hashable, Any] = {}

    def forward(self, x: Tensor) -> Tensor:
        return _BinaryConv.apply(x, self.weight, self)

    def of_signs(self, node_signs: Tensor) -> Tensor:
        """The same of `signs(x)`, without a gradient."""
        packed = self._packed(node_signs.shape) if node_signs.dtype == torch.uint8 else None
        return _convolve(node_signs, self.weight, self.stride, packed)

    def gradients(
        self, grad_y: Tensor, x: Tensor, y: Tensor, wants_x: bool, wants_weight: bool
    ) -> tuple[Tensor | None, Tensor | None]:
        """For x and for the weights. grad_y: dL/dy, which is overwritten."""
        torch.ops.aten.threshold_backward.grad_input(grad_y, y, 0, grad_input=grad_y)
        signs_of_x = (
            torch.sign(x) if wants_weight else x
        )  # of x, the other gradient has the shape alone
        grad_x, grad_weight = _gradients(
            grad_y, signs_of_x, torch.sign(self.weight), self.stride, wants_x, wants_weight
        )
        if grad_x is not None:
            grad_x = torch.sub(2, x, alpha=2).clamp_min_(0).mul_(grad_x)
        return grad_x, grad_weight

    def kept(self, y: Tensor) -> Tensor:
        """A result as `gradients` may have it back, of the same whole numbers in a quarter or half of the memory."""
        largest = self.weight[0].numel()
        for small in (torch.uint8, torch.int16):
            if largest <= torch.iinfo(small).max:
                return y.to(small)
        return y

    def scale(self) -> float | Tensor:
        """E: one number for the layer, taken as constant by the gradient. On a GPU it stays there, which is not waited for."""
        return self._keep("scale", self._mean_size)

    def _mean_size(self) -> float | Tensor:
        mean = self.weight.detach().abs().mean()
        return float(mean) if mean.device.type == "cpu" else mean

    def pack_again(self) -> None:
        """If the weights have changed: while there is nothing else in memory, a new pack lies where the old one lay, and not
        between activations that go."""
        if self._kept and self._kept["state"] != self._state():
            shapes = [name for name in self._kept if isinstance(name, torch.Size)]
            self._kept = {}  # frees them first
            for shape in shapes:
                self._packed(shape)

    def _packed(self, shape: torch.Size) -> Tensor:
        """The signs of the weights as oneDNN wants to have them for images of this shape."""
        return self._keep(shape, lambda: _packed(self.weight, self.stride, shape))

    def _keep(self, name: Hashable, make: Callable[[], Any]) -> Any:
        """What depends on the weights alone, until they change: in a step, most ops keep theirs."""
        state = self._state()
        if self._kept.get("state") != state:
            self._kept = {"state": state}
        if name not in self._kept:
            self._kept[name] = make()
        return self._kept[name]

    def _state(self) -> tuple[int, int]:
        return self.weight._version, self.weight.data_ptr()  # a fused optimiser would not count

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_kept": {}}  # a copy packs its own


def signs(x: Tensor) -> Tensor:
    """1 where x > 0, else 0, of x that is never negative; as bytes where convolutions take them."""
    return x.to(torch.bool).view(torch.uint8) if _takes_bytes(x) else torch.sign(x)


class _BinaryConv(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, conv: BinaryConv) -> Tensor:
        y = conv.of_signs(signs(x))
        ctx.save_for_backward(x, conv.kept(y))
        ctx.conv = conv
        return y

    @staticmethod
    def backward(ctx: Any, grad_y: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        x, y = ctx.saved_tensors
        wanted = ctx.needs_input_grad[:2]
        return *ctx.conv.gradients(grad_y.clone(), x, y.to(x.dtype), *wanted), None


def _gradients(
    grad_y: Tensor, x: Tensor, weight: Tensor, stride: int, wants_x: bool, wants_weight: bool
) -> tuple[Tensor | None, Tensor | None]:
    pad = weight.shape[-1] // 2
    if small_maps.suits(grad_y, weight):
        given = (grad_y, x, weight, stride, pad)
        return (
            small_maps.gradient_of_input(*given) if wants_x else None,
            small_maps.gradient_of_weight(*given) if wants_weight else None,
        )
    sizes = ((stride,) * 2, (pad,) * 2, (1, 1), 1)
    return few_channels.gradients(grad_y, x, weight, sizes, (wants_x, wants_weight))


def _convolve(b: Tensor, weight: Tensor, stride: int, packed: Tensor | None) -> Tensor:
    pad = weight.shape[-1] // 2
    if packed is None:
        with torch.autocast(b.device.type, enabled=False):  # whole numbers, see mixed_precision.py
            y = F.conv2d(b, torch.sign(weight.detach()), None, stride, pad)
        # A GPU may sum by transforms (Winograd, FFT), which end near whole numbers: 2.9999998 would be kept as 2.
        return y.round_().relu_()
    one, zero = _no_scale()
    return torch.ops.onednn.qconv2d_pointwise(
        b, 1.0, 0, packed, one, zero, None, (stride,) * 2, (pad,) * 2, (1, 1), 1, 1.0, 0, torch.float32, "relu", [], ""
    )  # fmt: skip


def _packed(weight: Tensor, stride: int, shape: torch.Size) -> Tensor:
    pad, [one, _] = weight.shape[-1] // 2, _no_scale()
    whole = torch.sign(weight.detach()).to(torch.int8)
    return torch.ops.onednn.qconv_prepack(
        whole, one, 1.0, 0, (stride,) * 2, (pad,) * 2, (1, 1), 1, shape
    )


def _takes_bytes(x: Tensor) -> bool:
    is_plain = x.device.type == "cpu" and x.dtype == torch.float32
    return is_plain and torch.backends.mkldnn.is_available()


@functools.cache
def _no_scale() -> tuple[Tensor, Tensor]:
    return torch.ones(1, dtype=torch.float32), torch.zeros(1, dtype=torch.int64)
