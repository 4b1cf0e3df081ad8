"""Which tables all ways share, and how long each may take: held to all ways written out."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from nashc.fold.paths import Stretch, serial, slack, stretches

# What each of up to seven tables reads: any of those before it.
graphs = st.lists(st.integers(0, 127), min_size=1, max_size=7).map(
    lambda bits: [[t for t in range(n) if mask >> t & 1] for n, mask in enumerate(bits)]
)


def ways(after: list[list[int]]) -> list[tuple[int, ...]]:
    """From each table that nobody reads back to one that reads nothing."""
    read = {earlier for before in after for earlier in before}
    found = [(number,) for number in range(len(after)) if number not in read]
    whole = []
    while found:
        way = found.pop()
        before = after[way[-1]]
        found += [(*way, earlier) for earlier in before]
        whole += [] if before else [way]
    return whole


@given(graphs)
def test_serial_tables_lie_on_all_ways(after: list[list[int]]) -> None:
    every = ways(after)
    assert serial(after) == [all(n in way for way in every) for n in range(len(after))]


@given(graphs, st.lists(st.integers(0, 9), min_size=7, max_size=7))
def test_slack_is_what_the_longest_way_through_leaves(
    after: list[list[int]], own: list[int]
) -> None:
    latency = [float(value) for value in own[: len(after)]]
    every = ways(after)
    length = {way: sum(latency[n] for n in way) for way in every}
    longest = max(length.values())
    expected = [longest - max(length[w] for w in every if n in w) for n in range(len(after))]
    assert np.array_equal(slack(after, latency, longest), expected)


@given(graphs)
def test_stretches_hold_all_tables_and_lie_one_after_the_other(after: list[list[int]]) -> None:
    found = stretches(after)
    assert [number for members in found for number in members] == list(range(len(after)))
    for members in found:
        assert len(members) == 1 or not any(serial(after)[number] for number in members)
    for earlier, later in pairwise(found):
        assert (
            len(earlier) == 1 or len(later) == 1
        )  # two stretches have a shared table between them


times = st.lists(st.integers(0, 9), min_size=7, max_size=7)


def longest_within(after: list[list[int]], members: list[int], own: list[int]) -> int:
    """Of a stretch, by all ways written out."""
    return max(sum(own[n] for n in way if n in members) for way in ways(after))


@given(graphs, times, times)
def test_a_stretch_tells_what_another_time_of_one_table_does(
    after: list[list[int]], own: list[int], other: list[int]
) -> None:
    for members in stretches(after):
        found = Stretch(after, members, [own[n] for n in members])
        assert found.longest == longest_within(after, members, own)
        for at, number in enumerate(members):
            changed = [*own[:number], other[number], *own[number + 1 :]]
            longest = longest_within(after, members, changed)
            assert max(found.around[at] + other[number], found.past[at]) == longest


@given(graphs, times, times)
def test_a_stretch_is_never_longer_than_told_when_two_tables_take_another_time(
    after: list[list[int]], own: list[int], other: list[int]
) -> None:
    for members in stretches(after):
        found = Stretch(after, members, [own[n] for n in members])
        for one, later in combinations(range(len(members)), 2):
            changed = own.copy()
            for at in (one, later):
                changed[members[at]] = other[members[at]]
            told = found.with_two(
                np.array([one]),
                np.array([changed[members[one]]]),
                np.array([later]),
                np.array([changed[members[later]]]),
            )
            longest = longest_within(after, members, changed)
            assert told[0] >= longest
            if len(members) == 2:
                assert told[0] == longest
