"""Activations of an integer graph: tables of thresholds, and the max-pools that had to wait for them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from support.integers.onnx import GENERAL, OnnxParts
from support.integers.pools import max_pool
from support.integers.thresholds import complemented_thresholds, thresholds, thresholds_of_grid
from support.integers.values import ONE_BIT, Value, smallest_type
from support.layers.brevitas_values import ActivationQuantiser
from support.progress import StageError


def activation(parts: OnnxParts, name: str, x: Value, quantiser: ActivationQuantiser) -> Value:
    """The activation of a value without waiting pools, no gain of which is negative."""
    if x.is_on_grid:
        row = thresholds_of_grid(
            float(x.gain[0]), quantiser.scale, quantiser.lowest, quantiser.highest, x.low, x.high
        )
        return quantised(parts, name, x, np.tile(row, (x.shape[-1], 1)), quantiser)
    table = thresholds(
        x.gain,
        x.bias,
        quantiser.scale,
        quantiser.lowest,
        quantiser.highest,
        x.low + x.offset,
        x.high + x.offset,
    )
    return quantised(parts, name, x, table, quantiser)


def activation_of_maximum(
    parts: OnnxParts, name: str, x: Value, quantiser: ActivationQuantiser
) -> Value:
    """act(bn(max a)) without pooling wide signed sums, of which FINN cannot pad any.

    Rising channels: the maximum of the activations. Falling ones (negative batch-norm gain): the activation of the
    maximum is the smallest activation, so we keep highest - activation, pool that and turn it back.
    """
    pools = ", ".join(pool.layer for pool in x.pools)
    if quantiser.is_signed:
        raise StageError(
            f"{name}: a signed activation after the max-pool {pools} cannot be lowered",
            "put an unsigned activation (relu) after the pool, or the pool after the activation",
        )
    table = complemented_thresholds(
        x.gain,
        x.bias,
        quantiser.scale,
        quantiser.highest,
        x.low + x.offset,
        x.high + x.offset,
    )
    before = replace(x, shape=parts.tensors[x.tensor][0], pools=())
    y = quantised(parts, name, before, table, quantiser)
    for pool in x.pools:
        y = max_pool(parts, y, replace(pool, layer=parts.unused(pool.layer)))
    falling = x.gain < 0
    if not falling.any():
        return y
    turned = f"{y.tensor}.turned"
    tops = np.where(falling, float(quantiser.highest), 0.0)
    tops_name = parts.constant(f"{turned}.tops", tops, quantiser.datatype)
    difference = parts.node(
        "Sub", turned, [y.tensor, tops_name], y.shape, f"INT{quantiser.bits + 1}"
    )
    tensor = parts.node("Abs", f"{turned}.magnitude", [difference], y.shape, quantiser.datatype)
    return replace(y, tensor=tensor)


def as_two_bits(parts: OnnxParts, x: Value) -> Value:
    """The same {0, 1} in a wider type: FINN's matrix units take single bits on both sides or on none."""
    if parts.datatype_of(x.tensor) != ONE_BIT:
        return x
    name = f"{x.tensor.removesuffix('.turned.magnitude')}.uint2"
    if name not in parts.tensors:
        never = x.high + 1
        # As many thresholds as the type has steps: FINN derives one from the other.
        table = np.tile([1, never, never], (x.shape[-1], 1))
        threshold_node(parts, name, x, table, "UINT2", 0)
    return replace(x, tensor=name)


def quantised(
    parts: OnnxParts, name: str, x: Value, table: np.ndarray, quantiser: ActivationQuantiser
) -> Value:
    """x on the grid of an activation. table: thresholds of x's real sums, whose offset is taken off here."""
    table = table - np.reshape(x.offset, (-1, 1))
    tensor = threshold_node(parts, name, x, table, quantiser.datatype, quantiser.lowest)
    channels = x.shape[-1]
    return Value(
        tensor,
        x.shape,
        quantiser.lowest,
        quantiser.highest,
        np.full(channels, quantiser.scale),
        np.zeros(channels),
        is_quantised=True,
    )


def threshold_node(
    parts: OnnxParts, name: str, x: Value, table: np.ndarray, datatype: str, lowest: int
) -> str:
    """A MultiThreshold that counts from `lowest`. table: [channels, steps]."""
    never = x.high + 1
    table_type = smallest_type(min(x.low, int(table.min())), max(never, int(table.max())))
    steps = parts.constant(f"{name}.thresholds", table, table_type)
    return parts.node(
        "MultiThreshold",
        name,
        [x.tensor, steps],
        x.shape,
        datatype,
        domain=GENERAL,
        out_dtype=datatype,
        out_scale=1.0,
        out_bias=float(lowest),
        data_layout="NHWC" if len(x.shape) == 4 else "NC",
    )
