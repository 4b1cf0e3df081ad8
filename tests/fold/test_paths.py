"""Which tables all ways share, and how long each may take: held to all ways written out."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from nashc.fold.paths import serial, slack

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
