"""The shortest latency from coarse to fine: held to trying everything."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nashc.fold import exact, refine
from nashc.fold.blocks import blocks
from nashc.fold.programme import Found, Limits
from nashc.fold.refine import NONE_KNOWN, GivenUp, shortest
from nashc.fold.tables import Floats, Ints, Problem, Table
from tests.fold.test_blocks import all_rows, choices, residual

RESOURCES = ("lut", "bram18", "dsp")


@st.composite
def rows_of_blocks(draw: st.DrawFn) -> Problem:
    """One or two residual blocks behind each other, in three resources of which some have no price."""
    tables: list[Table] = []
    after: list[tuple[int, ...]] = []
    for _ in range(draw(st.integers(1, 2))):
        part = draw(residual())
        first = len(tables)
        for table, before in zip(part.tables, part.after, strict=True):
            more = np.array([[draw(st.integers(0, 3))] for _ in range(len(table))], float)
            use = np.hstack([table.use, more])
            tables.append(Table(f"{len(tables)}", table.cycles, use, table.latency, table.lanes))
            after.append(tuple(first + t for t in before) or ((first - 1,) if first else ()))
    return Problem(tuple(tables), RESOURCES, (), tuple(after))


prices = st.tuples(*[st.integers(0, 4)] * 3).map(lambda found: np.array(found) / 4)
budgets = st.tuples(st.integers(0, 50), st.integers(0, 40), st.integers(0, 12))


def _asked(problem: Problem, budget: Floats) -> tuple[Found | None, float]:
    """The worst choice that fits, to begin with, and the latency of the best."""
    fits = [c for c in choices(problem) if (problem.total(c) <= budget).all()]
    if not fits:
        return None, np.inf
    worst = max(fits, key=problem.latency)
    value = problem.latency(worst)
    return Found(worst, value, -np.inf), min(map(problem.latency, fits))


def _shortest(
    problem: Problem, price: Floats, budget: Floats, known: Found, work: float = np.inf
) -> Found:
    def spend(_: Found, more: int) -> None:
        nonlocal work
        work -= more
        if work < 0:
            raise GivenUp

    row = blocks(problem.after)
    assert row is not None
    return shortest(problem, all_rows(problem), row, price, budget, known, spend)


def _keeps_to(problem: Problem, found: Found, budget: Floats) -> bool:
    choice: Ints = found.choice
    is_told = problem.latency(choice) == found.value
    return is_told and bool((problem.total(choice) <= budget).all())


@settings(max_examples=150, deadline=None)
@given(rows_of_blocks(), prices, budgets, st.booleans())
def test_the_shortest_is_found_and_proven(
    problem: Problem, price: Floats, limits: tuple[int, int, int], has_all_limits: bool
) -> None:
    budget = np.array(limits, float)
    if not has_all_limits:
        budget[1], price[1] = np.inf, 0.0
    known, best = _asked(problem, budget)
    if known is not None:
        found = _shortest(problem, price, budget, known)
        assert found.value == best == found.bound
        assert _keeps_to(problem, found, budget)


@settings(max_examples=100, deadline=None)
@given(rows_of_blocks(), prices, budgets, st.integers(0, 60), st.integers(1, 3))
def test_what_is_told_of_unfinished_work_holds(
    problem: Problem, price: Floats, limits: tuple[int, int, int], work: int, widest: int
) -> None:
    budget = np.array(limits, float)
    known, best = _asked(problem, budget)
    if known is not None:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(refine, "_FEW", widest)
            found = _shortest(problem, price, budget, known, work)
        assert found.bound <= best <= found.value <= known.value
        assert _keeps_to(problem, found, budget)


@settings(max_examples=150, deadline=None)
@given(rows_of_blocks(), prices, budgets, st.sampled_from([1e-3, 0.02, 0.5]), st.integers(1, 3))
def test_no_folding_need_be_known(
    problem: Problem, price: Floats, limits: tuple[int, int, int], near: float, widest: int
) -> None:
    """However far from the bound is looked at first: what is out of reach then is not taken for proven."""
    budget = np.array(limits, float)
    known, best = _asked(problem, budget)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(refine, "_NEAR", near)
        patched.setattr(refine, "_FEW", widest)
        found = _shortest(problem, price, budget, NONE_KNOWN)
    if known is None:
        assert found.value == np.inf
    else:
        assert found.value == best == found.bound
        assert _keeps_to(problem, found, budget)


@settings(max_examples=50, deadline=None)
@given(rows_of_blocks(), prices, budgets, st.integers(0, 60))
def test_without_a_folding_what_is_told_of_unfinished_work_holds(
    problem: Problem, price: Floats, limits: tuple[int, int, int], work: int
) -> None:
    budget = np.array(limits, float)
    _, best = _asked(problem, budget)
    found = _shortest(problem, price, budget, NONE_KNOWN, work)
    assert found.bound <= best <= found.value
    assert found.value == np.inf or _keeps_to(problem, found, budget)


@settings(max_examples=50, deadline=None)
@given(rows_of_blocks(), budgets)
def test_the_quick_answer_is_proven(problem: Problem, limits: tuple[int, int, int]) -> None:
    budget = np.array(limits, float)
    known, best = _asked(problem, budget)
    found = exact.least_latency(problem, all_rows(problem), Limits(budget), 10)
    assert (found is None) == (known is None)
    if found is not None:
        assert found.value == best == found.bound
        assert _keeps_to(problem, found, budget)


def test_where_the_quick_proof_gives_up_highs_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exact, "_QUICK", 0)
    cycles, use = np.array([9.0, 5.0, 2.0]), np.array([[1.0], [2.0], [5.0]])
    tables = tuple(Table(f"{n}", cycles, use, cycles, cycles) for n in range(3))
    problem = Problem(tables, ("lut",), (), ((), (0,), (1,)))
    found = exact.least_latency(problem, all_rows(problem), Limits(np.array([9.0])), 10)
    assert found is not None and found.bound <= found.value == 12.0


def test_between_two_blocks_it_listens() -> None:
    """A block alone can have much to choose from; Ctrl-C is not to wait for all of them."""
    cycles = np.array([9.0, 5.0, 2.0])
    tables = tuple(
        Table(f"{n}", cycles, np.array([[1.0], [2.0], [5.0 + n]]), cycles, cycles) for n in range(3)
    )
    problem = Problem(tables, ("lut",), (), ((), (0,), (1,)))
    looks = 0

    def spend(_: Found, more: int) -> None:
        nonlocal looks
        looks += 1
        assert not more, "no beginning was to be looked at"
        if looks == 2:
            raise GivenUp

    row = blocks(problem.after)
    assert row is not None
    every, price, budget = all_rows(problem), np.array([1.0]), np.array([9.0])
    found = shortest(problem, every, row, price, budget, NONE_KNOWN, spend)
    assert looks == 2 and found.value == np.inf
