"""Networks as rows of blocks, and the bound that prices prove: held to trying everything."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from nashc.fold.blocks import blocks, latency_bound
from nashc.fold.tables import Floats, Ints, Problem, Table

RESOURCES = ("lut", "bram18")
numbers = st.integers(0, 9)


@st.composite
def residual(draw: st.DrawFn) -> Problem:
    """A table, two ways side by side of which one may be empty, and a table where they meet."""
    after: list[tuple[int, ...]] = [()]
    ends = []
    for length in (draw(st.integers(0, 2)), draw(st.integers(1, 2))):
        end = 0
        for _ in range(length):
            after.append((end,))
            end = len(after) - 1
        ends.append(end)
    after.append(tuple(sorted(set(ends))))
    tables = []
    for number in range(len(after)):
        rows = draw(st.integers(1, 3))
        cycles = np.array(draw(st.lists(st.integers(1, 9), min_size=rows, max_size=rows)), float)
        use = np.array([[draw(numbers), draw(numbers)] for _ in range(rows)], float)
        tables.append(Table(f"layer{number}", cycles, use, cycles, cycles))
    return Problem(tuple(tables), RESOURCES, (), tuple(after))


budgets = st.tuples(st.integers(0, 40), st.integers(0, 30)).map(lambda pair: np.array(pair, float))
prices = st.tuples(st.integers(0, 5), st.integers(0, 5)).map(lambda pair: np.array(pair) / 4)


def all_rows(problem: Problem) -> list[Ints]:
    return [np.arange(len(table)) for table in problem.tables]


def choices(problem: Problem) -> list[Ints]:
    every = itertools.product(*(range(len(table)) for table in problem.tables))
    return [np.array(rows) for rows in every]


def test_ways_that_fork_or_meet_inside_are_no_blocks() -> None:
    assert blocks(((), (0,), (0,), (1, 2))) == [((0,),), ((1,), (2,)), ((3,),)]
    assert blocks(((), (0,), (0,), (1, 2), (2,), (3, 4))) is None
    assert blocks(((), (0,), (0,), (1,), (1,), (2, 3, 4))) is None


@settings(max_examples=60, deadline=None)
@given(residual())
def test_blocks_hold_every_table_once_and_their_latencies_add_up(problem: Problem) -> None:
    row = blocks(problem.after)
    assert row is not None
    held = sorted(number for block in row for way in block for number in way)
    assert held == list(range(len(problem.tables)))
    for choice in choices(problem)[:20]:
        own = [float(t.latency[r]) for t, r in zip(problem.tables, choice, strict=True)]
        longest = [max(sum(own[t] for t in way) for way in block) for block in row]
        assert sum(longest) == problem.latency(choice)


@settings(max_examples=60, deadline=None)
@given(residual(), prices, budgets)
def test_the_bound_is_the_least_latency_with_use_that_is_paid_for(
    problem: Problem, price: Floats, budget: Floats
) -> None:
    row = blocks(problem.after)
    assert row is not None
    bound = latency_bound(problem, all_rows(problem), row, price, budget)
    every = choices(problem)
    paid = min(problem.latency(c) + price @ (problem.total(c) - budget) for c in every)
    assert np.isclose(bound, paid)
    fits = [problem.latency(c) for c in every if (problem.total(c) <= budget).all()]
    assert bound <= min(fits, default=np.inf) + 1e-6


def test_a_short_way_beside_a_long_one_is_not_taken_in_parts() -> None:
    """Half of each row of the short way would take 6 cycles, as the long one does, and fit; whole, 10 is the shortest."""

    def table(name: str, *rows: tuple[float, float]) -> Table:
        cycles, use = (np.array(column, float) for column in zip(*rows, strict=True))
        return Table(name, cycles, use[:, None], cycles, cycles)

    tables = (table("short", (2, 8), (10, 0)), table("long", (6, 0)))
    problem = Problem(tables, ("lut",), (), ((), ()))
    row = blocks(problem.after)
    assert row == [((0,), (1,))]
    bound = latency_bound(problem, all_rows(problem), row, np.array([0.5]), np.array([4.0]))
    assert bound == 8
