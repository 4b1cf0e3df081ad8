"""Rows of integers as the hexadecimal words of FINN's memory files.

FINN packs number by number, each a bit string of its own: nine tenths of code generation for a large network. Here a
million numbers are packed at once, to the same words (tests/support/test_finn_packing.py holds both side by side).
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

NAME = "pack_innermost_dim_as_hex_string"
_AT_ONCE = 1_000_000  # numbers: some ten bytes each while they are packed


@contextlib.contextmanager
def packed_at_once() -> Iterator[None]:
    """FINN's layers pack their memories by `pack` in here."""
    import finn.custom_op.fpgadataflow.hls
    import finn.custom_op.fpgadataflow.rtl  # noqa: F401
    from finn.util import data_packing

    theirs = getattr(data_packing, NAME)
    users = [
        module
        for module in list(sys.modules.values())
        if getattr(module, "__dict__", {}).get(NAME) is theirs
    ]
    for module in users:
        setattr(module, NAME, pack)
    try:
        yield
    finally:
        for module in users:
            setattr(module, NAME, theirs)


def pack(
    ndarray: Any, dtype: Any, pad_to_nbits: int, reverse_inner: bool = False, prefix: str = "0x"
) -> np.ndarray:
    """FINN's pack_innermost_dim_as_hex_string for integers: [..., n] numbers become [...] words, the first number highest.

    Errors: AssertionError, as FINN raises, if the type does not hold a number or the word is too short.
    """
    values = np.asarray(ndarray, np.float32)
    if dtype.name == "BIPOLAR":
        values, low, high = (values + 1) / 2, 0, 1
    else:
        assert dtype.is_integer(), f"{dtype.name} is no integer type"
        low, high = int(dtype.min()), int(dtype.max())
    if reverse_inner:
        values = np.flip(values, -1)
    *outer, count = values.shape
    width = int(dtype.bitwidth())
    word = max(4, pad_to_nbits)
    assert count * width <= word, "Number of bits is greater than pad_to_nbits"
    assert word % 4 == 0, f"{word} bits are no whole number of hexadecimal digits"
    rows = values.reshape(-1, count)
    words: list[str] = []
    step = max(1, _AT_ONCE // max(1, count))
    for start in range(0, len(rows), step):
        numbers = rows[start : start + step].astype(np.int64)
        is_held = (numbers >= low) & (numbers <= high) & (numbers == rows[start : start + step])
        assert is_held.all(), "This value is not permitted by chosen dtype."
        words += _words(numbers, width, word, prefix)
    return np.array(words).reshape(outer)


def _words(numbers: np.ndarray, width: int, word: int, prefix: str) -> list[str]:
    """numbers: int64 [rows, n] of `width` bits; each row as a word of `word` bits with leading zeros."""
    rows, count = numbers.shape
    whole = -(-word // 8) * 8
    bits = np.zeros((rows, whole), np.uint8)
    for place in range(width):
        # Bit `place` of each number, counted from its highest.
        bits[:, whole - count * width + place :: width] = (numbers >> (width - 1 - place)) & 1
    digits = np.packbits(bits, axis=1).tobytes().hex()
    length = whole // 4
    skip = length - word // 4
    return [prefix + digits[n * length + skip : (n + 1) * length] for n in range(rows)]
