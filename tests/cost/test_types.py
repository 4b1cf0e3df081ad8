"""Data types from ranges: each holds its range, and no narrower one of FINN's kind does."""

from __future__ import annotations

import pytest

from nashc.cost import types
from nashc.cost.nodes import width
from nashc.vocab.datatypes import bounds


def test_a_type_of_constants_holds_them() -> None:
    for low in range(-9, 10):
        for high in range(max(low, 0), 10):
            for signed in (False, True):
                first, last = bounds(types.of_range((low, high), signed))
                assert first <= low <= high <= last
                assert (first < 0) == (low < 0 or signed)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((-1, 1), "INT2"),  # why ±1 weights take two bits
        ((-7, 7), "INT4"),
        ((-8, 7), "INT4"),
        ((0, 3), "UINT2"),
        ((-1, -1), "BIPOLAR"),
    ],
)
def test_weights(values: types.Range, expected: str) -> None:
    assert types.of_range(values) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [((0, 255), "UINT8"), ((0, 256), "UINT9"), ((-128, 127), "INT8"), ((-128, 128), "INT9")],
)
def test_sums(values: types.Range, expected: str) -> None:
    assert types.accumulator(values) == expected


def test_worst_sums_take_the_whole_type() -> None:
    """FINN counts -2 among 2-bit weights, which narrow ones never are."""
    assert types.worst_sums("INT2", "UINT2", 9) == (-54, 27)


def test_thresholds_reach_one_beyond_the_input() -> None:
    assert types.thresholds("INT9", None, is_rtl=True) == "INT10"
    assert types.thresholds("UINT2", None, is_rtl=True) == "UINT3"
    assert types.thresholds("UINT8", (1, 2), is_rtl=True) == "UINT2"
    assert types.thresholds("INT9", (0, 0), is_rtl=True) == "INT2"
    # The RTL saturates at the first threshold - 1, which a signed type of three bits does not hold.
    assert types.thresholds("INT9", (-4, 3), is_rtl=True) == "INT4"


def test_thresholds_in_hls_are_no_narrower_than_what_they_are_compared_with() -> None:
    assert types.thresholds("UINT8", (1, 2), is_rtl=False) == "UINT8"
    assert types.thresholds("INT9", (0, 0), is_rtl=False) == "INT9"
    assert types.thresholds("INT9", None, is_rtl=False) == "INT10"


def test_a_sum_is_one_bit_wider_two_where_signs_differ() -> None:
    assert types.sum_of("INT8", "INT8") == "INT9"
    assert types.sum_of("UINT2", "UINT4") == "UINT5"
    assert types.sum_of("INT4", "UINT8") == "INT10"
    assert types.sum_of("INT8", "UINT4") == "INT9"


def test_width() -> None:
    assert [width(t) for t in ("BIPOLAR", "UINT1", "INT12")] == [1, 1, 12]
