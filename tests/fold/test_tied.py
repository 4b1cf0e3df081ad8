"""Layers tied together by converters: the elimination and the bounds against trying everything."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nashc.fold import tied, tied_latency
from nashc.fold.answer import Answer, Shortage
from nashc.fold.goals import Question
from nashc.fold.highs import Undecided
from nashc.fold.pinned import colours, pinned
from nashc.fold.programme import Limits
from nashc.fold.quick import Prices
from nashc.fold.streams import Streams
from nashc.fold.tables import Floats, Ints, Problem
from nashc.fold.terms import growth
from tests.fold.test_goals import PREFER, budgets, choices, fitting, problems

prices = st.lists(st.tuples(*[st.floats(0, 5)] * 2), min_size=1, max_size=3).map(np.array)


def all_rows(problem: Problem) -> list[Ints]:
    return [np.arange(len(table)) for table in problem.tables]


@pytest.fixture
def no_problem_is_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """HiGHS is not asked about all rows, however few there are."""
    monkeypatch.setattr(tied, "_FEW_ROWS", 0)


bounded = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@settings(max_examples=60, deadline=None)
@given(problems(), prices)
def test_the_cheapest_choice_at_any_prices_is_found(problem: Problem, asked: Floats) -> None:
    found, values = Streams(problem, all_rows(problem)).cheapest(asked)
    for price, choice, value in zip(asked, found, values, strict=True):
        least = min(float(problem.total(one) @ price) for one in choices(problem))
        assert value == pytest.approx(least)
        assert float(problem.total(choice) @ price) == pytest.approx(least)


@settings(max_examples=30, deadline=None)
@given(problems(), st.lists(st.floats(0, 5), min_size=4, max_size=4))
def test_the_cheapest_choice_is_found_where_cycles_cost_too(
    problem: Problem, weights: list[float]
) -> None:
    price, weight = np.array([[1.0, 2.0]]), np.array([weights[: len(problem.tables)]])

    def cost(choice: Ints) -> float:
        pairs = zip(problem.tables, choice, strict=True)
        cycles = [table.latency[row] for table, row in pairs]
        return float(problem.total(choice) @ price[0] + weight[0] @ cycles)

    (found,), (value,) = Streams(problem, all_rows(problem)).cheapest(price, weight)
    assert value == pytest.approx(cost(found)) == pytest.approx(min(map(cost, choices(problem))))


@bounded
@given(problems(), budgets)
@pytest.mark.usefixtures("no_problem_is_small")
def test_no_latency_is_below_its_bound(problem: Problem, budget: Floats) -> None:
    fits = fitting(problem, budget)
    try:
        found = tied_latency.least_latency(problem, all_rows(problem), Limits(budget), 100)
    except Undecided:
        return
    if found is None:
        assert not fits
        return
    shortest = min(problem.latency(choice) for choice in fits)
    assert (problem.total(found.choice) <= budget).all()
    assert found.bound <= shortest * (1 + 1e-6)
    assert shortest <= found.value + 1e-6


@bounded
@given(problems(), budgets)
@pytest.mark.usefixtures("no_problem_is_small")
def test_what_fits_is_found_or_refuted(problem: Problem, budget: Floats) -> None:
    fits = fitting(problem, budget)
    try:
        found = tied.any_fit(problem, all_rows(problem), budget, 100)
    except Undecided:
        return
    if isinstance(found, np.ndarray):
        assert (problem.total(found) <= budget).all()
        return
    assert not fits
    if isinstance(found, Prices):
        assert found.least > found.worth
        assert found.least <= min(problem.total(c) @ found.price for c in choices(problem)) + 1e-9


@bounded
@given(problems(), budgets)
@pytest.mark.usefixtures("no_problem_is_small")
def test_no_stretch_is_below_its_bound(problem: Problem, budget: Floats) -> None:
    found = tied.least_stretch(problem, all_rows(problem), budget, 100, least=0.0)
    smallest = min(growth(problem.total(c), budget) for c in choices(problem))
    if found is None:
        assert smallest == np.inf
        return
    assert found.bound <= smallest * (1 + 1e-6) + 1e-9
    assert smallest <= growth(problem.total(found.choice), budget) + 1e-9
    assert found.value >= smallest - 1e-6


@bounded
@given(problems(), budgets, st.integers(0, 30))
@pytest.mark.usefixtures("no_problem_is_small")
def test_no_use_is_below_its_bound(problem: Problem, budget: Floats, most: int) -> None:
    limits = Limits(budget, ((PREFER[1], float(most)),))
    fits = [c for c in fitting(problem, budget) if problem.total(c) @ PREFER[1] <= most]
    try:
        found = tied.least_use(problem, all_rows(problem), PREFER[0], limits, 100)
    except Undecided:
        return
    if found is None:
        assert not fits
        return
    least = min(float(problem.total(c) @ PREFER[0]) for c in fits)
    assert any((found.choice == c).all() for c in fits)
    assert found.bound <= least + 1e-6 * max(1.0, least)
    assert found.value == pytest.approx(float(problem.total(found.choice) @ PREFER[0]))


@bounded
@given(problems(), budgets)
@pytest.mark.usefixtures("no_problem_is_small")
def test_a_choice_that_is_known_is_never_lost(problem: Problem, budget: Floats) -> None:
    for known in fitting(problem, budget)[:1]:
        found = tied.least_use(problem, all_rows(problem), PREFER[0], Limits(budget), 100, known)
        assert found is not None
        assert found.value <= float(problem.total(known) @ PREFER[0])


@bounded
@given(problems(), budgets)
@pytest.mark.usefixtures("no_problem_is_small")
def test_parts_close_the_gap(problem: Problem, budget: Floats) -> None:
    for known in fitting(problem, budget)[:1]:
        found = tied.least_use(problem, all_rows(problem), PREFER[0], Limits(budget), 300, known)
        least = min(float(problem.total(c) @ PREFER[0]) for c in fitting(problem, budget))
        assert found is not None
        assert found.bound <= least + 1e-6 * max(1.0, least)
        assert least <= found.value <= found.bound * (1 + tied.USE_GAP) + 1e-6


@settings(max_examples=60, deadline=None)
@given(problems(), st.tuples(*[st.floats(0, 5)] * 2), st.floats(0, 1))
def test_rows_are_within_what_the_best_choice_with_them_costs(
    problem: Problem, asked: tuple[float, float], part: float
) -> None:
    price = np.array(asked)
    costs = {tuple(map(int, c)): float(problem.total(c) @ price) for c in choices(problem)}
    least, dearest = min(costs.values()), max(costs.values())
    most = least + part * (dearest - least) + 1e-6
    found = Streams(problem, all_rows(problem)).rows_within(price, most)
    for table, rows in enumerate(found):
        within = {choice[table] for choice, cost in costs.items() if cost <= most}
        assert set(map(int, rows)) == within


@settings(max_examples=60, deadline=None)
@given(problems(), st.randoms(use_true_random=False))
def test_pinned_links_cost_what_they_cost(problem: Problem, random: Random) -> None:
    rows = all_rows(problem)
    around = np.array([random.randrange(len(table)) for table in problem.tables])
    groups = colours(problem, rows)
    assert sorted(t for group in groups for t in group) == list(range(len(rows)))
    for free in groups:
        assert not any({link.first, link.second} <= set(free) for link in problem.links)
        unlinked, kept = pinned(problem, rows, around, free)
        choice = np.array([random.choice(list(found)) for found in kept])
        assert (unlinked.total(choice) == problem.total(choice[:-1])).all()
        assert not unlinked.links


@bounded
@given(problems(), budgets, st.booleans())
@pytest.mark.usefixtures("no_problem_is_small")
def test_a_budget_that_does_not_do_is_told_with_the_nearest(
    problem: Problem, budget: Floats, is_even: bool
) -> None:
    fits = fitting(problem, budget)
    try:
        found = Question(problem, budget, PREFER, is_even=is_even).max_throughput()
    except Undecided:
        assert fits, "what does not fit is always answered"
        return
    if not fits:
        assert isinstance(found, Shortage) and found.nearest is not None
        assert found.factor > 1
        return
    assert isinstance(found, Answer)
    assert (found.use <= budget).all()
    assert found.gap > 0 or found.interval == min(problem.interval(choice) for choice in fits)
