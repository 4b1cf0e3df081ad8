"""Convolutions whose result has few pixels, by matrix products: on a CPU.

Most of a 3x3 window on 2x2 pixels is padding, which oneDNN multiplies all the same: 36 products of a pixel with a weight where 16
meet. Here each pixel of the result meets each row of its window once, with the columns that the image has: in channels last
both are one row of numbers in memory. At 512 channels that takes half of the time, and neither tensor is laid out anew.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

PIXELS_MAX = 4  # of the result: with more, too little of a window is padding


class SmallMapConv2d(nn.Conv2d):
    """An nn.Conv2d of square windows without a bias, whose result has few pixels."""

    def forward(self, x: Tensor) -> Tensor:
        if x.device.type != "cpu":
            return super().forward(x)
        return _Convolution.apply(x, self.weight, self.stride[0], int(self.padding[0]))


def suits(y: Tensor, weight: Tensor) -> bool:
    """y: the result, or its gradient."""
    few = y.shape[2] * y.shape[3] <= PIXELS_MAX
    return few and weight.shape[-1] > 1 and y.device.type == "cpu"


def gradient_of_input(grad_y: Tensor, x: Tensor, weight: Tensor, stride: int, pad: int) -> Tensor:
    grad_x = _zeros(x.shape, grad_y)
    for of_y, of_x, of_weight in _meetings(grad_y, grad_x, weight, stride, pad):
        of_x.addmm_(of_y, of_weight)
    return grad_x


def gradient_of_weight(grad_y: Tensor, x: Tensor, weight: Tensor, stride: int, pad: int) -> Tensor:
    grad_weight = _zeros(weight.shape, grad_y)
    for of_y, of_x, of_weight in _meetings(grad_y, x, grad_weight, stride, pad):
        of_weight.addmm_(of_y.t(), of_x)
    return grad_weight


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, stride: int, pad: int) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.stride, ctx.pad = stride, pad
        side = [(size + 2 * pad - weight.shape[-1]) // stride + 1 for size in x.shape[2:]]
        y = _zeros((x.shape[0], weight.shape[0], *side), x)
        for of_y, of_x, of_weight in _meetings(y, x, weight, stride, pad):
            of_y.addmm_(of_x, of_weight.t())
        return y

    @staticmethod
    def backward(ctx: Any, grad_y: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        wanted = zip((gradient_of_input, gradient_of_weight), ctx.needs_input_grad, strict=False)
        given = (grad_y, *ctx.saved_tensors, ctx.stride, ctx.pad)
        return *(gradient(*given) if wants else None for gradient, wants in wanted), None, None


def _zeros(shape: tuple[int, ...], like: Tensor) -> Tensor:
    n, c, h, w = shape
    return like.new_zeros(n, h, w, c).permute(0, 3, 1, 2)


def _meetings(
    y: Tensor, x: Tensor, weight: Tensor, stride: int, pad: int
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """For each pixel of y and row of its window: (N, out), (N, columns * in), (out, columns * in), as views of the three.

    The one that is to be written has to be channels last; of the others a copy does.
    """
    (n, channels, h, w), (outputs, _, kernel, _) = x.shape, weight.shape
    y_pixels = y.permute(0, 2, 3, 1)
    x_rows = x.permute(0, 2, 3, 1).reshape(n, h, w * channels)
    weight_rows = weight.permute(0, 2, 3, 1).reshape(outputs, kernel, kernel * channels)
    for row, column, x_row, first, last, top, left in _places(h, w, *y.shape[2:], kernel, stride, pad):  # fmt: skip
        of_weight = weight_rows[:, top, left * channels : (left + last - first) * channels]
        yield (
            y_pixels[:, row, column],
            x_rows[:, x_row, first * channels : last * channels],
            of_weight,
        )


@functools.cache
def _places(
    h: int, w: int, rows: int, columns: int, kernel: int, stride: int, pad: int
) -> list[tuple[int, ...]]:
    """Row and column of y; row of x, its first column and the one after the last; row and first column of the window."""
    found = []
    for row in range(rows):
        for column in range(columns):
            left = column * stride - pad
            first, last = max(0, left), min(w, left + kernel)
            for top in range(kernel):
                x_row = row * stride - pad + top
                if 0 <= x_row < h and first < last:
                    found.append((row, column, x_row, first, last, top, first - left))
    return found
