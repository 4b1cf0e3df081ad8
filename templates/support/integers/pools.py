"""Pools of integers over square windows, NHWC."""

from __future__ import annotations

from dataclasses import replace

from support.integers.onnx import GENERAL, OnnxParts
from support.integers.values import Pool, Value, pooled_shape, unsigned_type, window_count
from support.progress import StageError


def max_pool(parts: OnnxParts, x: Value, pool: Pool) -> Value:
    """Padding never wins a maximum of unsigned integers."""
    if x.low < 0 and pool.pad:
        raise StageError(
            f"{pool.layer}: FINN cannot pad a max-pool of signed values",
            "pool an unsigned activation (relu), or pool without padding",
        )
    shape = pooled_shape(x.shape, pool)
    if x.shape[1:3] == shape[1:3] == (1, 1):
        return x
    tensor = parts.node(
        "MaxPoolNHWC",
        pool.layer,
        [x.tensor],
        shape,
        parts.datatype_of(x.tensor),
        domain=GENERAL,
        kernel_shape=[pool.window, pool.window],
        strides=[pool.stride, pool.stride],
        pads=[pool.pad] * 4,
    )
    return replace(x, tensor=tensor, shape=shape)


def window_sum(parts: OnnxParts, name: str, x: Value, kernel: int, stride: int, kept: int) -> Value:
    """The sum over a window, of which the highest `kept` bits stay."""
    _, height, width, channels = x.shape
    shape = (1, window_count(height, kernel, stride), window_count(width, kernel, stride))
    tensor = parts.node(
        "QuantAvgPool2d",
        name,
        [x.tensor],
        (*shape, channels),
        unsigned_type(kept),
        domain=GENERAL,
        kernel=kernel,
        stride=stride,
        ibits=x.high.bit_length(),
        obits=kept,
        signed=0,
        data_layout="NHWC",
    )
    return replace(x, tensor=tensor, shape=(*shape, channels), high=2**kept - 1)
