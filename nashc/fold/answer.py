"""What the solver says: a choice of rows with what is proven of it, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass

from nashc.fold.quick import Prices
from nashc.fold.tables import Floats, Ints


@dataclass(frozen=True, eq=False)
class Step:
    """The next shorter interval, and what stands in its way.

    interval: None when no layer list has a shorter one. waiting: layers that would have to become faster.
    stuck: layers that have no row that fast. factor: by which the budget would have to grow, at the choice
    that needs the least growth that was found; use: of that choice. proof: prices that show that the budget does not do.
    """

    interval: float | None
    waiting: tuple[str, ...]
    stuck: tuple[str, ...] = ()
    factor: float = 1.0
    use: Floats | None = None
    proof: Prices | None = None


@dataclass(frozen=True, eq=False)
class Answer:
    """A choice of rows, one per table.

    gap: how far from optimal in what was asked for it can be at most, 0 when proven optimal. use_gap: how far from the least
    use among those that are as good in that; None where nothing is proven.
    """

    choice: Ints
    interval: float
    latency: float
    use: Floats
    gap: float
    step: Step | None = None
    use_gap: float | None = 0.0


@dataclass(frozen=True, eq=False)
class Shortage:
    """No choice does what was asked.

    stuck: layers without a row as fast as `interval`; then the budget was not looked at. Otherwise nearest: the
    choice that needs the smallest factor on the budget.
    """

    interval: float
    stuck: tuple[str, ...] = ()
    factor: float = 1.0
    nearest: Answer | None = None
