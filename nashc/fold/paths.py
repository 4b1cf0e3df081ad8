"""The ways through a network: which layers lie on all of them, whose latencies add up whatever the others take."""

from __future__ import annotations

from collections.abc import Sequence

After = Sequence[Sequence[int]]


def serial(after: After) -> list[bool]:
    """Whether each table lies on every way from a first to a last one. after: what each table reads, as in `Problem`."""
    numbers = range(len(after))
    readers: list[list[int]] = [[] for _ in after]
    for number, before in enumerate(after):
        for earlier in before:
            readers[earlier].append(number)
    ways_to: list[int] = []
    for number in numbers:
        ways_to.append(sum(ways_to[earlier] for earlier in after[number]) or 1)
    ways_from = [1] * len(after)
    for number in reversed(numbers):
        ways_from[number] = sum(ways_from[later] for later in readers[number]) or 1
    all_ways = sum(ways_from[number] for number in numbers if not after[number])
    return [to * on == all_ways for to, on in zip(ways_to, ways_from, strict=True)]


def slack(after: After, latency: Sequence[float], longest: float) -> list[float]:
    """How much longer each table may take alone without any way becoming longer than `longest`."""
    heads, tails = [0.0] * len(after), [0.0] * len(after)
    for number, before in enumerate(after):
        heads[number] = max((heads[t] + latency[t] for t in before), default=0.0)
    for number in reversed(range(len(after))):
        for earlier in after[number]:
            tails[earlier] = max(tails[earlier], tails[number] + latency[number])
    return [
        longest - head - own - tail for head, own, tail in zip(heads, latency, tails, strict=True)
    ]
