"""The Pareto front: what nothing else beats in one thing without losing in the other."""

from __future__ import annotations

from collections.abc import Sequence


def front(costs: Sequence[float], values: Sequence[float]) -> tuple[int, ...]:
    """Positions of the points that no other point beats, the cheapest first. Less cost and more value are better.

    A point is beaten by one that is no worse in both and better in one; twins stay together.
    """
    order = sorted(range(len(costs)), key=lambda i: (costs[i], -values[i], i))
    found: list[int] = []
    for i in order:
        last = found[-1] if found else None
        is_twin = last is not None and (costs[i], values[i]) == (costs[last], values[last])
        if last is None or is_twin or values[i] > values[last]:
            found.append(i)
    return tuple(found)
