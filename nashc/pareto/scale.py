"""From figures to places on an axis, with round numbers to write beside it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

# From here on, largest over smallest, an axis counts in powers.
LOG_FROM = 40
ROOM = 0.06
TICKS = 8
# From how much on an axis counts in which unit.
UNITS = ((1.5e6, 1e6, "M"), (2e4, 1e3, "k"))


@dataclass(frozen=True)
class Scale:
    """An axis from `low` to `high`. is_whole: it counts things, of which there is no half."""

    low: float
    high: float
    is_log: bool
    is_whole: bool = False

    def part(self, value: float) -> float:
        """0 at the low end, 1 at the high end."""
        if self.is_log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def ticks(self) -> tuple[float, ...]:
        """Round numbers within the axis, rising."""
        if self.is_log:
            powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            steps = (1, 2, 5) if self.high / self.low < 1000 else (1,)
            return tuple(
                tick
                for power in powers
                for step in steps
                if self.low <= (tick := step * 10.0**power) <= self.high
            )
        step = _step(max((self.high - self.low) / TICKS, 1.0 if self.is_whole else 0.0))
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return tuple(round(i * step, 12) for i in range(first, last + 1))


def scale_of(values: Sequence[float], *, is_whole: bool = False, is_share: bool = False) -> Scale:
    """An axis with room for all values, at least one, none below 0. is_share: of a whole, which is not counted in powers."""
    low, high = min(values), max(values)
    if low > 0 and high / low >= LOG_FROM and not is_share:
        room = (high / low) ** ROOM
        return Scale(low / room, high * room, True, is_whole)
    # Where the values are far apart, 0 belongs to the picture.
    low = 0.0 if low < high / 2 else low
    room = (high - low or high or 1.0) * ROOM
    return Scale(max(0.0, low - room), high + room, False, is_whole)


def words(ticks: Sequence[float]) -> tuple[str, ...]:
    """What is written beside them, in one unit: 500k, 1,000k; 0, 2M; 57.5."""
    most = max(map(abs, ticks), default=0)
    size, unit = next(((each, unit) for least, each, unit in UNITS if most >= least), (1.0, ""))
    return tuple(f"{tick / size:,.6g}{unit if tick else ''}" for tick in ticks)


def _step(least: float) -> float:
    """The next of 1, 2, 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= least * (1 - 1e-9))
