"""Numbers as specs and the command line spell them: `3`, `-0.5`, `1e-3`, `200k`, `1.5M`."""

from __future__ import annotations

import math
import re
from fractions import Fraction

THOUSANDS = {"k": 1_000, "M": 1_000_000}
_NUMBER = re.compile(r"(?P<sign>-?)(?P<amount>[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?)(?P<unit>[kM]?)")
_MOST_CHARACTERS = 400


def in_thousands(amount: str, unit: str) -> int | float:
    """`200` and `k`: whole if it is whole. amount: of a finite number."""
    exact = Fraction(amount) * THOUSANDS[unit]
    return int(exact) if exact.denominator == 1 else float(exact)


def read_number(text: str) -> int | float | None:
    """The value of a number without a unit of measure; None if the text is none, or out of all measure."""
    found = _NUMBER.fullmatch(text) if len(text) <= _MOST_CHARACTERS else None
    if found is None or not math.isfinite(float(found["amount"])):
        return None
    if found["unit"]:
        value = in_thousands(found["amount"], found["unit"])
    else:
        value = int(found["amount"]) if found["amount"].isdigit() else float(found["amount"])
    return -value if found["sign"] else value
