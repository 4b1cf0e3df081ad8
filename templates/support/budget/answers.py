"""What a chooser within a hardware budget answers, whatever it chooses, and the nearest miss where it has no answer. Pure Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

EPSILON = 1e-9
"""Losses are sums of floats: what differs by less is equal."""

Tell = Callable[[int, int], None]
"""Is told from time to time how much was looked at, and of how much at most."""


@dataclass(frozen=True)
class Answer:
    """picks: the index of what each node or place keeps. bound: no network within the limits has a lower loss than that."""

    picks: tuple[int, ...]
    loss: float
    bound: float

    @property
    def is_best(self) -> bool:
        """Proven: the bound is the loss itself."""
        return self.loss <= self.bound + EPSILON


class Undecided(Exception):
    """The most that may be looked at were, none of them was within the limits, and what is left may hold one."""


def is_within(figures: Mapping[str, int], limits: Mapping[str, int]) -> bool:
    return all(figures[name] <= limit for name, limit in limits.items())


def nearest_by(
    best: Callable[[Mapping[str, int]], Answer | None],
    figures_of: Callable[[Sequence[int]], Mapping[str, int]],
    limits: Mapping[str, int],
) -> Answer | None:
    """Where nothing is within limits: the network for which the resources' limits must grow by the smallest factor, limits of 0 as
    those of 1.

    None if none keeps the limit of the cycles. best: any network within limits. figures_of: of the network with these picks.
    """
    cycles = {name: limit for name, limit in limits.items() if name == "cycles"}

    def excess(answer: Answer) -> float:
        figures = figures_of(answer.picks)
        return max(
            figures[name] / max(limit, 1) for name, limit in limits.items() if name not in cycles
        )

    found = best(cycles)
    low, high = 1.0, excess(found) if found and len(cycles) < len(limits) else 0.0
    while found and high - low > 1e-4 * high:
        middle = (low + high) / 2
        wider = {
            name: limit if name in cycles else int(max(limit, 1) * middle)
            for name, limit in limits.items()
        }
        try:
            smaller = best(wider)
        except Undecided:
            smaller = None
        if smaller:
            found, high = smaller, min(middle, excess(smaller))
        else:
            low = middle
    return found
