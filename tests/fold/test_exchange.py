"""Exchanges of rows: never out of the budget, never slower, and found where two are needed at once."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings

from nashc.fold.exchange import quickened
from nashc.fold.tables import Floats, Problem, Table
from tests.fold.test_goals import budgets, fitting, problems


@settings(max_examples=60, deadline=None)
@given(problems(), budgets)
def test_a_choice_stays_within_the_budget_and_becomes_no_slower(
    problem: Problem, budget: Floats
) -> None:
    rows = [np.arange(len(table)) for table in problem.tables]
    adds = np.zeros(sum(map(len, rows)))
    for choice in fitting(problem, budget)[:3]:
        found = quickened(problem, rows, adds, np.ones(2), budget, choice)
        assert (problem.total(found) <= budget).all()
        assert problem.latency(found) <= problem.latency(choice)


def test_what_one_layer_gives_back_makes_another_quicker() -> None:
    def table(name: str, quick: float) -> Table:
        cycles = np.array([10.0, quick])
        return Table(name, cycles, np.array([[1.0], [4.0]]), cycles, np.ones(2))

    problem = Problem((table("first", 9), table("second", 2)), ("lut",), (), ((), (0,)))
    rows = [np.arange(2)] * 2
    found = quickened(problem, rows, np.zeros(4), np.ones(1), np.array([5.0]), np.array([1, 0]))
    assert list(found) == [0, 1]  # the budget is for one of them


def test_ways_side_by_side_become_quicker_together_for_a_row_elsewhere() -> None:
    """No one of the three exchanges alone is of any use, nor are two of them."""

    def table(name: str, cycles: list[float], use: list[float]) -> Table:
        return Table(name, np.array(cycles), np.array(use)[:, None], np.array(cycles), np.ones(2))

    first = table("first", [1, 2], [3, 1])
    beside = table("beside", [9, 5], [1, 2])
    problem = Problem((first, beside, beside), ("lut",), (), ((), (0,), (0,)))
    rows = [np.arange(2)] * 3
    found = quickened(problem, rows, np.zeros(6), np.ones(1), np.array([5.0]), np.zeros(3, int))
    assert list(found) == [1, 1, 1]
