"""Bounds of a budget: `lut < 200k`, `bram18 <= 80 %`, `fps >= 1000`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Any

from pydantic import BeforeValidator

from nashc.schema.fields import refuse
from nashc.schema.values import Compared, Quantity, describe


@dataclass(frozen=True)
class Bound:
    """`< 200k` or `<= 80 %`: a number that something stays below or reaches."""

    sign: str
    amount: int | float
    is_percent: bool = False

    def __str__(self) -> str:
        return f"{self.sign} {self.amount}{' %' if self.is_percent else ''}"


class Most(Bound):
    """Written with `<` or `<=`."""

    def count(self, whole: int | None) -> int:
        """The largest whole number that is allowed; whole: what per cent are of."""
        amount = Fraction(repr(self.amount))  # as it is written: 2.3 is no sum of powers of two
        if self.is_percent:
            assert whole is not None, self
            amount *= Fraction(whole, 100)
        return math.ceil(amount) - 1 if self.sign == "<" else math.floor(amount)


class Least(Bound):
    """Written with `>` or `>=`."""

    def is_met(self, value: float) -> bool:
        return value > self.amount if self.sign == ">" else value >= self.amount


def _most(value: Any) -> Any:
    return _bound(value, Most, ("<", "<="), "lut < 200k, or lut < 80 % of the board")


def _cycles(value: Any) -> Any:
    return _bound(value, Most, ("<", "<="), "cycles < 20k", is_share=False)


def _least(value: Any) -> Any:
    return _bound(value, Least, (">", ">="), "fps >= 1000", is_share=False)


def _bound(
    value: Any, kind: type[Bound], signs: tuple[str, str], example: str, is_share: bool = True
) -> Any:
    if isinstance(value, Bound):
        return value
    if not isinstance(value, Compared):
        refuse("NASH104", f"a budget compares, and this is {describe(value)}", example)
    if value.sign not in signs:
        refuse("NASH107", f"`{value.sign}` makes no budget here: write `{signs[0]}`", example)
    amount, is_percent = value.value, False
    if is_share and isinstance(amount, Quantity) and amount.unit == "%":
        amount, is_percent = amount.value, True
    if isinstance(amount, bool) or not isinstance(amount, int | float):
        refuse("NASH104", f"a number is needed here, and this is {describe(amount)}", example)
    is_none_at_all = amount == 0 and is_share and value.sign == "<="  # dsp <= 0
    if not (amount > 0 or is_none_at_all):
        refuse("NASH105", "a budget is greater than 0", example)
    if is_percent and amount > 100:
        refuse("NASH105", f"{amount} % is more than the whole board", example)
    return kind(value.sign, amount, is_percent)


AtMost = Annotated[Most | None, BeforeValidator(_most)]
AtMostCycles = Annotated[Most | None, BeforeValidator(_cycles)]
AtLeast = Annotated[Least | None, BeforeValidator(_least)]
