"""Few networks that show every part with every choice of the places that it meets."""

from __future__ import annotations

import math
from itertools import product
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nashc.diagnostics import SpecError
from nashc.space.covering import choices, choices_to_see

SECONDS = [(i, i + 2) for i in range(14)]


def places(*counts: int) -> list[Any]:
    return [
        SimpleNamespace(alternatives=range(count), is_of_channels=False, span=None)
        for count in counts
    ]


@st.composite
def spaces(draw: Any) -> tuple[list[int], list[tuple[int, ...]]]:
    counts = draw(st.lists(st.integers(1, 4), min_size=1, max_size=7))
    one = st.sets(st.integers(0, len(counts) - 1), max_size=3)
    return counts, [tuple(sorted(meets)) for meets in draw(st.lists(one, max_size=6))]


@given(spaces(), st.integers(0, 5))
def test_every_part_is_seen_with_every_choice(space, known):
    counts, meets = space
    seen = list(product(*map(range, counts)))[::3][:known]
    rows = choices_to_see(places(*counts), meets, None, seen)
    assert not set(rows) & set(seen)
    for part in meets:
        shown = {tuple(row[place] for place in part) for row in (*rows, *seen)}
        assert shown == set(choices(part, counts))
    assert len(rows) <= math.prod(counts)
    # Nothing is left once all of them are seen.
    assert choices_to_see(places(*counts), meets, None, [*seen, *rows]) == []


def test_a_row_of_neighbours_takes_about_as_many_as_two_have_choices():
    """Not three to the number of colours, nor of places."""
    row = [(i, i + 1) for i in range(15)]
    assert len(choices_to_see(places(*[3] * 16), row)) == 9
    assert 9 < len(choices_to_see(places(*[3] * 16), [*row, *SECONDS])) <= 15


def test_too_many_networks_are_refused_before_they_are_listed():
    with pytest.raises(SpecError, match="meet in one layer to price them all: 16,777,216 networks"):
        choices_to_see(places(*[8] * 20), [tuple(range(8))])
    with pytest.raises(SpecError, match="them with all ops of cells: 1,800 networks"):
        choices_to_see(places(3, 3), [(0, 1)], 200)
    all_of_them = "widths meet to price them with all ops of cells: more than 1,500 networks"
    with pytest.raises(SpecError, match=all_of_them):  # no two take as many
        choices_to_see(places(*[3] * 16), [*((i, i + 1) for i in range(15)), *SECONDS], 160)
