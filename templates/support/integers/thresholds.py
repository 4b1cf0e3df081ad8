"""Integer thresholds of a quantised activation, exact.

The activation of an integer accumulator a is q(a) = clip(round_half_even((gain * a + bias) / step), lowest, highest).
Hardware counts how many integer thresholds a has reached instead. All numbers are taken as the rationals that their
float64 values are; float64 arithmetic decides wherever its error bound allows it, exact rationals decide the rest.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

# Rounding of three float64 operations, with a margin: nearer than this to an integer, rationals decide.
RELATIVE_ERROR = 16 * np.finfo(np.float64).eps


def thresholds(
    gain: np.ndarray,
    bias: np.ndarray,
    step: float,
    lowest: int,
    highest: int,
    accumulator_min: int | np.ndarray,
    accumulator_max: int | np.ndarray,
) -> np.ndarray:
    """int64 [channels, highest - lowest]: entry k is the smallest accumulator whose activation is >= lowest + 1 + k.

    gain, bias: float64 [channels], gain >= 0 (the caller turns negative channels round). Entries lie in
    [accumulator_min, accumulator_max + 1], int or int64 [channels]; the last means "never".
    """
    assert (gain >= 0).all(), "negative gains need crossings() and a complement"
    return crossings(gain, bias, step, lowest, highest, accumulator_min, accumulator_max)


def complemented_thresholds(
    gain: np.ndarray,
    bias: np.ndarray,
    step: float,
    highest: int,
    accumulator_min: int | np.ndarray,
    accumulator_max: int | np.ndarray,
) -> np.ndarray:
    """int64 [channels, highest]: like `thresholds` for lowest = 0, but channels of negative gain count highest - q(a).

    That rises with a, so that a maximum over a can be taken after it.
    """
    table = crossings(gain, bias, step, 0, highest, accumulator_min, accumulator_max)
    falling = gain < 0
    # highest - q(a) >= j means q(a) < highest - j + 1: the crossings in the opposite order.
    table[falling] = table[falling, ::-1]
    return table


def thresholds_of_grid(
    gain: float, step: float, lowest: int, highest: int, smallest: int, largest: int
) -> np.ndarray:
    """int64 [highest - lowest]: thresholds of a value that is gain > 0 times one of few integers, as float64 computes it.

    Two scales of quantisers may meet in a tie, such as 5.0 / 31 and 10.0 / 127 before they are trained, on which side of
    which their float64 values lie by chance. The network takes the even neighbour there, so do these.
    """
    integers = np.arange(smallest, largest + 1)
    found = np.clip(np.rint(gain * integers / step), lowest, highest)
    return smallest + np.searchsorted(found, np.arange(lowest + 1, highest + 1))


def crossings(
    gain: np.ndarray,
    bias: np.ndarray,
    step: float,
    lowest: int,
    highest: int,
    accumulator_min: int | np.ndarray,
    accumulator_max: int | np.ndarray,
) -> np.ndarray:
    """int64 [channels, levels]: for level k the smallest accumulator at which q >= k starts (gain >= 0) or ends (gain < 0)."""
    assert step > 0 and lowest < highest and np.all(accumulator_min <= accumulator_max)
    gain = np.asarray(gain, np.float64)
    bias = np.asarray(bias, np.float64)
    # Channels with equal parameters (most quantisers of sums) share one row.
    pairs, row_of_channel = np.unique(np.stack([gain, bias]), axis=1, return_inverse=True)
    rows = _crossings(pairs[0], pairs[1], step, np.arange(lowest + 1, highest + 1))
    smallest, never = np.reshape(accumulator_min, (-1, 1)), np.reshape(accumulator_max, (-1, 1)) + 1
    return np.clip(rows[row_of_channel.reshape(-1)], smallest, never)


def _crossings(gain: np.ndarray, bias: np.ndarray, step: float, levels: np.ndarray) -> np.ndarray:
    never, always = np.iinfo(np.int64).max, np.iinfo(np.int64).min
    halves = (levels - 0.5) * step
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        crossing = (halves[None, :] - bias[:, None]) / gain[:, None]
        error = (np.abs(halves)[None, :] + np.abs(bias)[:, None]) / np.abs(gain)[:, None]
        error *= RELATIVE_ERROR
        rounded = np.where(gain[:, None] > 0, np.ceil(crossing), np.floor(crossing) + 1)
        is_near = np.abs(crossing - np.rint(crossing)) <= error
    # Beyond any accumulator (they are below 2**62) only the sign of the crossing matters.
    is_beyond = ~(np.abs(crossing) < 2.0**62)
    result = np.where(crossing > 0, never, always)
    result[~is_beyond] = rounded[~is_beyond].astype(np.int64)
    exact_step = Fraction(step)
    for channel, level in np.argwhere(is_near & ~is_beyond):
        result[channel, level] = _exact_crossing(
            Fraction(gain[channel]), Fraction(bias[channel]), exact_step, int(levels[level])
        )
    for channel in np.flatnonzero(gain == 0):
        level = round(Fraction(bias[channel]) / exact_step)  # round() of a Fraction is half to even
        result[channel] = np.where(levels <= level, always, never)
    return result


def _exact_crossing(gain: Fraction, bias: Fraction, step: Fraction, level: int) -> int:
    crossing = ((level - Fraction(1, 2)) * step - bias) / gain
    is_tie = crossing.denominator == 1
    # On an exact tie half-to-even gives the even one of level - 1 and level.
    tie_reaches_level = level % 2 == 0
    if gain > 0:
        return -(-crossing.numerator // crossing.denominator) + (is_tie and not tie_reaches_level)
    return crossing.numerator // crossing.denominator + (not is_tie or tie_reaches_level)
