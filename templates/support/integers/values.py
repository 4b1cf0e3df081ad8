"""What flows through an integer graph: integers, what they mean, and how far they reach."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from support.progress import StageError

ONE_BIT = "BINARY"  # FINN's name of {0, 1}


@dataclass(frozen=True)
class Pool:
    """A max-pool that waits until its input is quantised."""

    layer: str
    window: int
    stride: int
    pad: int


@dataclass(frozen=True)
class Value:
    """Stands for real numbers: real = gain[c] * (integer + offset[c]) + bias[c], per channel c."""

    tensor: str
    shape: tuple[int, ...]  # NHWC, or [1, channels] after the last linear layer
    low: int  # smallest and largest integer that can occur
    high: int
    gain: np.ndarray  # float64 [channels]
    bias: np.ndarray
    offset: np.ndarray | int = (
        0  # int64 [channels]: what a popcount leaves out of a sum of products
    )
    normalised_by: str = ""  # the last batch norm, in whose name a sum may have to be turned round
    is_quantised: bool = False  # on the grid of an activation, as against a sum of products
    pools: tuple[Pool, ...] = ()  # still to be done; shape is already that after them

    @property
    def is_on_grid(self) -> bool:
        """real = scale * integer for all channels, and few integers: no sum of products went into it since."""
        is_plain = self.is_quantised and not np.any(self.offset) and not self.bias.any()
        return bool(is_plain and np.ptp(self.gain) == 0 and self.gain[0] > 0)


@dataclass(frozen=True)
class Boundary:
    """Where an activation of the Brevitas model meets its integers: real = scale * integer."""

    layer: str
    tensor: str
    scale: float
    module: Any


def sum_range(matrix: np.ndarray, inputs: tuple[int, int]) -> tuple[int, int]:
    """Smallest and largest result of any column for inputs in the given closed interval, and 0."""
    low, high = inputs
    positive, negative = signed_sums(matrix)
    smallest = (positive * low + negative * high).min()
    largest = (positive * high + negative * low).max()
    return min(0, int(smallest)), max(0, int(largest))


def signed_sums(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """float64: of each column the sum of its positive integers, and of its negative ones."""
    positive = np.maximum(matrix, 0).sum(axis=0, dtype=np.float64)
    return positive, matrix.sum(axis=0, dtype=np.float64) - positive


def smallest_type(low: int, high: int) -> str:
    """The narrowest integer type of at least 2 bits that holds the closed interval."""
    if low >= 0:
        return f"UINT{max(2, high.bit_length())}"
    return f"INT{max(2, (-low - 1).bit_length() + 1, high.bit_length() + 1)}"


def unsigned_type(bits: int) -> str:
    """FINN's name of the unsigned type: one bit is BINARY, {0, 1}."""
    return ONE_BIT if bits == 1 else f"UINT{bits}"


def window_count(size: int, kernel: int, stride: int, pad: int = 0, dilation: int = 1) -> int:
    """Output side of a window that slides over `size` pixels."""
    return (size + 2 * pad - dilation * (kernel - 1) - 1) // stride + 1


def pooled_shape(shape: tuple[int, ...], pool: Pool) -> tuple[int, ...]:
    n, h, w, c = shape
    height = window_count(h, pool.window, pool.stride, pool.pad)
    return (n, height, window_count(w, pool.window, pool.stride, pool.pad), c)


def square_side(name: str, size: int | tuple[int, int]) -> int:
    if isinstance(size, tuple):
        if size[0] != size[1]:
            raise StageError(f"{name}: FINN pools over squares, this window is {size[0]}x{size[1]}")
        return int(size[0])
    return int(size)
