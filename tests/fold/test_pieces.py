"""What a folding near the bound can be made of: held to trying everything."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from nashc.fold.blocks import blocks, latency_bound
from nashc.fold.pieces import rows_in_reach, with_single_layers
from nashc.fold.tables import Floats, Problem, Table
from tests.fold.test_blocks import all_rows, budgets, choices, prices, residual


@settings(max_examples=100, deadline=None)
@given(residual(), prices, budgets, st.integers(0, 20))
def test_rows_in_reach_are_those_of_the_choices_near_the_bound(
    problem: Problem, price: Floats, budget: Floats, spare: int
) -> None:
    row = blocks(problem.after)
    assert row is not None
    rows = all_rows(problem)
    bound = latency_bound(problem, rows, row, price, budget)
    near = [
        choice
        for choice in choices(problem)
        if problem.latency(choice) + price @ (problem.total(choice) - budget) <= bound + spare
    ]
    reach = rows_in_reach(problem, rows, row, price, spare)
    for number, kept in enumerate(reach):
        assert set(kept.tolist()) == {int(choice[number]) for choice in near}


@settings(max_examples=100, deadline=None)
@given(residual())
def test_single_layers_take_what_the_blocks_took(problem: Problem) -> None:
    row = blocks(problem.after)
    assert row is not None
    simple, parts = with_single_layers(problem, all_rows(problem), row)
    assert sorted(t for block in parts for way in block for t in way) == list(
        range(len(problem.tables))
    )
    for choice in choices(problem)[::7]:
        own = [float(t.latency[r]) for t, r in zip(simple.tables, choice, strict=True)]
        taken = [max(sum(own[t] for t in way) for way in block) for block in parts]
        assert sum(taken) == problem.latency(choice)


def test_a_way_that_can_be_longer_stays_beside_the_other() -> None:
    def table(*latency: float) -> Table:
        cycles = np.array(latency)
        return Table("layer", cycles, np.zeros((len(cycles), 1)), cycles, cycles)

    tables = (table(3.0, 9.0), table(2.0, 4.0))
    problem = Problem(tables, ("lut",), (), ((), ()))
    row = [((0,), (1,))]
    rows = [np.array([0, 1]), np.array([0])]
    simple, parts = with_single_layers(problem, rows, row)
    assert parts == [((0,),), ((1,),)] and not simple.tables[1].latency.any()
    assert with_single_layers(problem, all_rows(problem), row)[1] == row
