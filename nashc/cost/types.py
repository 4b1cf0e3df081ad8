"""The data types that FINN's bit-width minimisation chooses, from ranges of values.

Source: finn-plus 1.6.1, custom_op/fpgadataflow/matrixvectoractivation.py (minimize_accumulator_width,
minimize_weight_bit_width), thresholding.py and rtl/thresholding_rtl.py (minimize_weight_bit_width),
hls/thresholding_hls.py (the same), transformation/streamline/round_thresholds.py, transformation/fpgadataflow/convert_to_hw/elementwise_binary_operation.py.
"""

from __future__ import annotations

from nashc.cost.nodes import width
from nashc.vocab.datatypes import bounds

Range = tuple[int, int]  # smallest and largest value, both included


def smallest_for(value: int) -> str:
    """The narrowest type that holds one value, as qonnx's DataType.get_smallest_possible."""
    if value >= 0:
        return f"UINT{max(1, value.bit_length())}"
    return "BIPOLAR" if value == -1 else f"INT{(-value - 1).bit_length() + 1}"


def of_range(values: Range, signed: bool = False) -> str:
    """FINN's type for constants in this range; `signed` makes it signed though no value is negative."""
    low, high = values
    if low < 0 and -low > high:
        return smallest_for(low)
    return smallest_for(-high - 1) if low < 0 or signed else smallest_for(high)


def of_constant(values: Range) -> str:
    """FINN's type for the constant of an element-wise operation: signed as soon as one value is not positive."""
    low, high = values
    return smallest_for(high) if low > 0 else of_range((min(low, -1), high))


def accumulator(values: Range) -> str:
    """FINN's accumulator type for sums in this range."""
    low, high = values
    if low >= 0:
        return f"UINT{high.bit_length()}"
    return f"INT{(max(-low, 1 + high) - 1).bit_length() + 1}"


def worst_sums(weights: str, inputs: str, terms: int) -> Range:
    """Sums of `terms` products when all weights have the largest or all have the smallest value of their type.

    What FINN takes without looking at values (`datatype_only`): the whole range, though narrow weights do not use it.
    """
    ends = [w * x * terms for w in bounds(weights) for x in bounds(inputs)]
    return min(ends), max(ends)


def clipped(values: Range, inputs: str) -> Range:
    """Thresholds as RoundAndClipThresholds leaves them on values of type `inputs`."""
    low, high = bounds(inputs)
    return min(max(values[0], low), high + 1), min(max(values[1], low), high + 1)


def thresholds(inputs: str, values: Range | None, *, is_rtl: bool) -> str:
    """The type of the thresholds of a Thresholding on values of type `inputs`.

    values: smallest and largest threshold, None if not known: then all that rounding and clipping leaves, one bit more
    than the input has.
    """
    low, high = bounds(inputs)
    signed = low < 0
    if values is None:
        return smallest_for(-high - 2) if signed else smallest_for(high + 1)
    first, last = clipped(values, inputs)
    if first == last == 0:
        chosen = "INT2" if signed else "UINT1"
    else:
        chosen = of_range((first, last), signed)
    if width(chosen) < width(inputs) and not is_rtl:
        return inputs  # HLS compares in the type of the thresholds
    if width(chosen) < width(inputs):
        # The RTL saturates its input to the thresholds' type, so that must reach one below the first.
        reaching = of_range((first - 1, last), signed)
        chosen = max(chosen, reaching, key=width)
    return chosen


def sum_of(left: str, right: str) -> str:
    """ElementwiseAdd's result (elementwise_binary.py, _derive_out_dtype)."""
    wider, narrower = sorted((left, right), key=width, reverse=True)
    bits = width(wider) + 1
    is_signed = [bounds(wider)[0] < 0, bounds(narrower)[0] < 0]
    if not any(is_signed):
        return f"UINT{bits}"
    return f"INT{bits + 1}" if is_signed == [False, True] else f"INT{bits}"
