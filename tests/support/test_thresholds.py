"""Integer thresholds against the rule they replace, evaluated with rationals."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from support.integers.thresholds import (
    complemented_thresholds,
    crossings,
    thresholds,
    thresholds_of_grid,
)

ACCUMULATORS = range(-40, 41)
gains = st.one_of(
    st.floats(1e-3, 20.0),
    st.sampled_from([0.25, 0.5, 1.0, 1.5, 3.0]),  # exact ties
)
biases = st.one_of(st.floats(-20.0, 20.0), st.integers(-40, 40).map(lambda n: n / 4))
steps = st.one_of(st.floats(1e-2, 10.0), st.sampled_from([0.25, 0.5, 1.0, 2.0]))


def activation(
    accumulator: int, gain: float, bias: float, step: float, lowest: int, highest: int
) -> int:
    exact = (Fraction(gain) * accumulator + Fraction(bias)) / Fraction(step)
    return min(max(round(exact), lowest), highest)  # round() of a Fraction is half to even


def count(table: np.ndarray, accumulator: int) -> int:
    return int((accumulator >= table).sum())


@given(gains, biases, steps, st.sampled_from([(0, 3), (0, 15), (-7, 7), (-3, 3), (-8, 7)]))
@example(1.0, 0.5, 1.0, (0, 3))
@example(0.5, -0.25, 0.5, (-7, 7))
def test_counting_reached_thresholds_gives_the_activation(gain, bias, step, levels):
    lowest, highest = levels
    table = thresholds(np.array([gain]), np.array([bias]), step, lowest, highest, -40, 40)[0]
    assert (np.diff(table) >= 0).all()
    assert table.min() >= -40
    assert table.max() <= 41
    for accumulator in ACCUMULATORS:
        expected = activation(accumulator, gain, bias, step, lowest, highest)
        assert lowest + count(table, accumulator) == expected


@given(gains, biases, steps, st.sampled_from([3, 15]))
@example(1.0, 0.5, 1.0, 3)
@example(0.5, 1.0, 1.0, 3)
def test_channels_of_negative_gain_count_the_complement(gain, bias, step, highest):
    table = complemented_thresholds(
        np.array([-gain, gain]), np.array([bias, bias]), step, highest, -40, 40
    )
    assert (np.diff(table, axis=1) >= 0).all()
    for accumulator in ACCUMULATORS:
        falling = activation(accumulator, -gain, bias, step, 0, highest)
        rising = activation(accumulator, gain, bias, step, 0, highest)
        assert highest - count(table[0], accumulator) == falling
        assert count(table[1], accumulator) == rising


@given(biases, steps)
def test_a_channel_of_gain_zero_is_constant(bias, step):
    table = thresholds(np.array([0.0]), np.array([bias]), step, 0, 3, -40, 40)[0]
    for accumulator in ACCUMULATORS:
        assert count(table, accumulator) == activation(0, 0.0, bias, step, 0, 3)


def test_values_beyond_float64_integers_are_exact():
    # 2**53 + 1 is no float64: rounding in float64 alone would land beside it.
    gain, bias, step = 1.0, -(2.0**53), 1.0
    top = 2**54
    table = crossings(np.array([gain]), np.array([bias]), step, 0, 3, -top, top)[0]
    for level, threshold in enumerate(table.tolist(), start=1):
        assert activation(threshold, gain, bias, step, 0, 3) >= level
        assert activation(threshold - 1, gain, bias, step, 0, 3) < level


def test_a_negative_gain_is_refused_where_it_would_count_backwards():
    with pytest.raises(AssertionError, match="negative gains"):
        thresholds(np.array([-1.0]), np.array([0.0]), 1.0, 0, 3, -40, 40)


def test_many_channels_give_what_each_gives_alone():
    draws = np.random.default_rng(0)
    gain, bias = draws.uniform(0.01, 2, 50), draws.normal(size=50)
    together = thresholds(gain, bias, 0.37, -127, 127, -5000, 5000)
    for channel in range(50):
        alone = thresholds(
            gain[channel : channel + 1], bias[channel : channel + 1], 0.37, -127, 127, -5000, 5000
        )
        assert np.array_equal(alone[0], together[channel])


@given(st.floats(1e-3, 20.0), steps, st.sampled_from([(0, 3), (0, 15), (-7, 7)]))
@example(5.0 / 31, 10.0 / 127, (-127, 127))  # a tie in float64, and 63.5 less a hair as rationals
def test_of_a_grid_each_integer_gets_what_float64_gives_it(gain, step, levels):
    lowest, highest = levels
    table = thresholds_of_grid(gain, step, lowest, highest, -40, 40)
    assert (np.diff(table) >= 0).all()
    for accumulator in ACCUMULATORS:
        expected = min(max(round(gain * accumulator / step), lowest), highest)
        assert lowest + count(table, accumulator) == expected
    exact = thresholds(np.array([gain]), np.array([0.0]), step, lowest, highest, -40, 40)[0]
    # Elsewhere than on ties both are the same.
    for one, other in zip(table, exact, strict=True):
        at = gain * min(one, other) / step
        assert one == other or abs(at - np.floor(at) - 0.5) < 1e-12
