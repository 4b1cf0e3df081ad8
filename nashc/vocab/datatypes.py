"""QONNX data types by name, and the exact range of what a layer can produce.

Names are QONNX's own (`qonnx.core.datatype`): UINT1..UINT32, INT2..INT32, BIPOLAR, FLOAT32.
"""

from __future__ import annotations

import re
from functools import cache

FLOAT = "FLOAT32"
_INTEGER = re.compile(r"(U?)INT(\d+)$")


def is_integer(dtype: str) -> bool:
    """Whether values of this type are whole numbers with a known range."""
    return dtype == "BIPOLAR" or _INTEGER.match(dtype) is not None


@cache
def bounds(dtype: str) -> tuple[int, int]:
    """Smallest and largest value of an integer type."""
    if dtype == "BIPOLAR":
        return -1, 1
    match = _INTEGER.match(dtype)
    assert match, f"{dtype} has no integer bounds"
    bits = int(match.group(2))
    return (0, 2**bits - 1) if match.group(1) else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def smallest(low: int, high: int) -> str:
    """The narrowest integer type that holds both values."""
    if low >= 0:
        return f"UINT{max(1, high.bit_length())}"
    return f"INT{max((-low - 1).bit_length(), high.bit_length()) + 1}"


def signed(dtype: str) -> bool:
    """Whether an integer type has negative values."""
    return bounds(dtype)[0] < 0


def weight_bound(bits: int) -> int:
    """Largest magnitude of a weight: 1 for BIPOLAR, 2^(bits-1) - 1 in narrow range otherwise."""
    return max(1, (1 << (bits - 1)) - 1)


def accumulator(inputs: str, weight_bits: int, terms: int) -> str:
    """The type that holds any dot product of `terms` inputs with weights of `weight_bits` bits."""
    if not is_integer(inputs):
        return FLOAT
    low, high = bounds(inputs)
    reach = weight_bound(weight_bits) * terms * max(-low, high)
    return smallest(-reach, reach)
