"""The ways through a network: which layers lie on all of them, whose latencies add up whatever the others take."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nashc.fold.tables import Floats, Ints

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


def stretches(after: After) -> list[list[int]]:
    """The tables in groups, one behind the other: one that all ways share, or all between two such."""
    found: list[list[int]] = []
    is_open = False
    for number, is_shared in enumerate(serial(after)):
        if is_open and not is_shared:
            found[-1].append(number)
        else:
            found.append([number])
        is_open = not is_shared
    return found


class Stretch:
    """The ways through a stretch, and what becomes of the longest when one or two of its tables take another time.

    around: [members], the longest way through each table without its own latency. past: [members], the longest past it;
    of these ways those are left out that one through it is never shorter than.
    """

    def __init__(self, after: After, members: Sequence[int], latency: Sequence[float]) -> None:
        """latency: of the members."""
        size = len(members)
        place = {number: index for index, number in enumerate(members)}
        before = [[place[t] for t in after[number] if t in place] for number in members]
        # By table; then by two tables that are left out, which on the diagonal are one.
        heads = np.zeros((size, size, size))
        ends = np.zeros((size, size, size))
        tails = np.zeros((size, size))  # by table, then by one that is left out
        between = np.full((size, size), -np.inf)  # from behind a table to in front of another
        whole = np.zeros(size)  # heads with nothing left out
        for own, found in enumerate(before):
            if found:
                heads[own] = ends[found].max(axis=0)
                whole[own] = max(whole[earlier] + latency[earlier] for earlier in found)
                between[:, own] = _max_plus(between[:, found], np.asarray(latency)[found])
                between[found, own] = np.maximum(between[found, own], 0.0)
            if len(found) < len(after[members[own]]):  # what is in front of the stretch is read too
                heads[own] = np.maximum(heads[own], 0.0)
            ends[own] = heads[own] + latency[own]
            ends[own, own, :] = ends[own, :, own] = -np.inf
        behind = np.zeros(size)  # tails with nothing left out
        for own in reversed(range(size)):
            past_own = tails[own] + latency[own]
            past_own[own] = 0.0
            for earlier in before[own]:
                tails[earlier] = np.maximum(tails[earlier], past_own)
                behind[earlier] = max(behind[earlier], behind[own] + latency[own])
        is_read = {earlier for found in before for earlier in found}
        last = [own for own in range(size) if own not in is_read]
        self._past_both = np.maximum(ends[last].max(axis=0), 0.0)
        self.around = whole + behind
        self.past = self._past_both.diagonal()
        self.longest = float((self.around + latency).max())
        alone = heads.diagonal(axis1=1, axis2=2) + tails
        self._around_without = np.maximum(alone, 0.0)  # by table, then by the one that is left out
        self._around_both = whole[:, None] + between + behind

    def with_two(self, one: Ints, its: Floats, other: Ints, others: Floats) -> Floats:
        """The longest way when two members take other times; one < other. Longer rather than shorter than it is."""
        both = self._around_both[one, other] + its + others
        one_alone = self._around_without[one, other] + its
        other_alone = self._around_without[other, one] + others
        neither = self._past_both[one, other]
        found: Floats = np.maximum(np.maximum(both, neither), np.maximum(one_alone, other_alone))
        return found


def _max_plus(matrix: Floats, vector: Floats) -> Floats:
    """Their product where sums are products and the largest is the sum. matrix: [n, m], vector: [m]."""
    found: Floats = (matrix + vector).max(axis=1)
    return found
