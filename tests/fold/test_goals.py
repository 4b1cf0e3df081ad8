"""The solver against trying everything, on small random tables; its proofs are added up by hand."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nashc.fold import exact, near
from nashc.fold.answer import Answer, Shortage
from nashc.fold.exact import STRETCH_GAP
from nashc.fold.goals import Question
from nashc.fold.highs import Undecided
from nashc.fold.programme import Limits
from nashc.fold.prune import front
from nashc.fold.quick import Prices, fit
from nashc.fold.tables import Floats, Ints, Link, Problem, Table
from nashc.fold.terms import LEEWAY, growth

RESOURCES = ("lut", "bram18")


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """Up to four layers of up to five rows, with converters between some and a skip connection."""
    numbers = st.integers(0, 9)
    tables = []
    for number in range(draw(st.integers(1, 4))):
        rows = draw(st.integers(1, 5))
        cycles = np.array(draw(st.lists(st.integers(1, 9), min_size=rows, max_size=rows)), float)
        use = [[draw(numbers), draw(numbers)] for _ in range(rows)]
        tables.append(Table(f"layer{number}", cycles, np.array(use, float), cycles, 10 - cycles))
    links = []
    for second in range(1, len(tables)):
        if draw(st.booleans()):
            first = draw(st.integers(0, second - 1))
            ports = [
                np.array([draw(st.integers(0, 1)) for _ in range(len(tables[t]))])
                for t in (first, second)
            ]
            cost = np.array([[[draw(numbers), 0] for _ in range(2)] for _ in range(2)], float)
            links.append(Link(first, second, *ports, cost))
    after: tuple[tuple[int, ...], ...] = tuple(
        () if t == 0 else (t - 1,) for t in range(len(tables))
    )
    if len(tables) > 2 and draw(st.booleans()):
        after = (*after[:-1], (len(tables) - 2, 0))
    return Problem(tuple(tables), RESOURCES, tuple(links), after)


budgets = st.tuples(
    st.one_of(st.integers(0, 60), st.just(np.inf)), st.one_of(st.integers(0, 40), st.just(np.inf))
).map(lambda pair: np.array(pair, float))
PREFER = (np.array([1.0, 3.0]), np.array([1.0, 0.0]))


def choices(problem: Problem) -> Iterator[Ints]:
    for rows in itertools.product(*(range(len(table)) for table in problem.tables)):
        yield np.array(rows)


def fitting(problem: Problem, budget: Floats) -> list[Ints]:
    return [choice for choice in choices(problem) if (problem.total(choice) <= budget).all()]


def liking(problem: Problem, choice: Ints) -> tuple[float, ...]:
    return tuple(float(problem.total(choice) @ weights) for weights in PREFER)


def likings_agree(problem: Problem, answer: Answer, best: Ints) -> None:
    assert answer.gap == 0
    assert liking(problem, answer.choice) == liking(problem, best)


def about(factor: float, smallest: float) -> None:
    assert smallest <= factor <= smallest * (1 + STRETCH_GAP)


@settings(max_examples=25, deadline=None)
@given(problems(), budgets)
def test_max_throughput_is_what_trying_everything_finds(problem: Problem, budget: Floats) -> None:
    found = Question(problem, budget, PREFER).max_throughput()
    fits = fitting(problem, budget)
    if not fits:
        assert isinstance(found, Shortage) and found.nearest is not None
        about(found.factor, min(growth(problem.total(c), budget) for c in choices(problem)))
        return
    best = min(fits, key=lambda choice: (problem.interval(choice), liking(problem, choice)))
    assert isinstance(found, Answer)
    assert found.interval == problem.interval(best) == problem.interval(found.choice)
    assert (found.use == problem.total(found.choice)).all() and (found.use <= budget).all()
    likings_agree(problem, found, best)
    check_step(problem, budget, found)


def test_of_rows_that_cost_the_same_the_narrowest_is_taken() -> None:
    free = np.zeros((3, 2))
    cycles, lanes = np.array([4.0, 2, 1]), np.array([1.0, 2, 4])
    costless = Table("costless", cycles, free, cycles, lanes)
    slow = Table("slow", np.array([3.0]), np.ones((1, 2)), np.ones(1), np.ones(1))
    problem = Problem((costless, slow), RESOURCES, (), ((), (0,)))
    found = Question(problem, np.full(2, 9.0), PREFER).max_throughput()
    assert isinstance(found, Answer)
    assert list(found.choice) == [1, 0] and found.interval == 3 and found.latency == 3


def check_step(problem: Problem, budget: Floats, found: Answer) -> None:
    """The next step is the next interval there is, and its factor the smallest that suffices."""
    assert found.step is not None
    faster = [c for c in choices(problem) if problem.interval(c) < found.interval]
    if found.step.interval is None:
        assert not faster and found.step.stuck
        return
    at_step = [c for c in faster if problem.interval(c) <= found.step.interval]
    assert at_step
    about(found.step.factor, min(max(1, growth(problem.total(c), budget)) for c in at_step))
    slow = [
        t.name
        for t, r in zip(problem.tables, found.choice, strict=True)
        if t.cycles[r] > found.step.interval
    ]
    assert list(found.step.waiting) == slow != []


@settings(max_examples=25, deadline=None)
@given(problems(), budgets, st.integers(1, 9))
def test_min_use_is_what_trying_everything_finds(
    problem: Problem, budget: Floats, interval: int
) -> None:
    found = Question(problem, budget, PREFER).min_use(interval)
    quick = [c for c in choices(problem) if problem.interval(c) <= interval]
    fits = [c for c in quick if (problem.total(c) <= budget).all()]
    if fits:
        assert isinstance(found, Answer) and found.interval <= interval
        likings_agree(problem, found, min(fits, key=lambda choice: liking(problem, choice)))
    elif quick:
        assert isinstance(found, Shortage) and found.nearest is not None and not found.stuck
        about(found.factor, min(growth(problem.total(c), budget) for c in quick))
    else:
        assert isinstance(found, Shortage)
        assert found.stuck == tuple(t.name for t in problem.tables if t.cycles.min() > interval)


@settings(max_examples=25, deadline=None)
@given(problems(), budgets)
def test_even_shares_come_first_when_asked_for(problem: Problem, budget: Floats) -> None:
    budget = np.maximum(budget, 1)
    found = Question(problem, budget, PREFER, is_even=True).min_use(9)
    fits = fitting(problem, budget)
    if not fits or not np.isfinite(budget).any():
        return
    assert isinstance(found, Answer)
    largest = min(growth(problem.total(choice), budget) for choice in fits)
    even = [c for c in fits if growth(problem.total(c), budget) <= largest * (1 + STRETCH_GAP)]
    assert growth(found.use, budget) <= largest * LEEWAY + 1e-9
    assert liking(problem, found.choice)[0] <= min(liking(problem, c)[0] for c in even)


@settings(max_examples=25, deadline=None)
@given(problems(), budgets)
def test_min_latency_is_what_trying_everything_finds(problem: Problem, budget: Floats) -> None:
    found = Question(problem, budget, PREFER).min_latency()
    fits = fitting(problem, budget)
    if not fits:
        assert isinstance(found, Shortage)
        return
    assert isinstance(found, Answer)
    best = min(fits, key=lambda choice: (problem.latency(choice), liking(problem, choice)))
    assert found.latency == problem.latency(best) == problem.latency(found.choice)
    likings_agree(problem, found, best)


@settings(max_examples=100, deadline=None)
@given(problems(), budgets)
def test_prices_prove_that_nothing_fits(problem: Problem, budget: Floats) -> None:
    """The certificate is checked as a reader would: every layer's cheapest row, added up, is above the budget."""
    rows = [np.arange(len(table)) for table in problem.tables]
    answer = fit(problem, rows, budget)
    if isinstance(answer, Prices):
        cheapest = sum(float((table.use @ answer.price).min()) for table in problem.tables)
        cheapest += sum(float((link.cost @ answer.price).min()) for link in problem.links)
        priced = answer.price > 0
        assert cheapest == pytest.approx(answer.least)
        assert cheapest > float(answer.price[priced] @ budget[priced])
        assert not fitting(problem, budget)
    elif answer is not None:
        assert (problem.total(answer) <= budget).all()


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(*[st.integers(0, 4)] * 3), min_size=1, max_size=12))
def test_the_front_is_the_rows_that_nothing_beats(rows: list[tuple[int, int, int]]) -> None:
    columns = np.array(rows, float)
    assert list(front(columns)) == _unbeaten(columns)


@settings(max_examples=30, deadline=None)
@given(st.integers(65, 300), st.integers(1, 6), st.integers(2, 40), st.integers(0, 2**32 - 1))
def test_so_is_the_front_of_many_rows(rows: int, width: int, values: int, seed: int) -> None:
    columns = np.random.default_rng(seed).integers(0, values, (rows, width)).astype(float)
    assert list(front(columns)) == _unbeaten(columns)


def _unbeaten(columns: Floats) -> list[int]:
    """By comparing all with all."""
    return [
        number
        for number, row in enumerate(columns)
        if not any(
            (other <= row).all() and ((other < row).any() or earlier < number)
            for earlier, other in enumerate(columns)
            if earlier != number
        )
    ]


def test_a_layer_that_cannot_be_faster_is_named() -> None:
    fast = Table("fast", np.array([1.0, 9.0]), np.array([[5.0, 0], [1, 0]]), *np.zeros((2, 2)))
    slow = replace(fast, name="slow", cycles=np.array([4.0, 8.0]))
    free = np.full(2, np.inf)
    found = Question(Problem((fast, slow), RESOURCES), free, PREFER).max_throughput()
    assert isinstance(found, Answer) and found.interval == 4
    assert found.step is not None and found.step.stuck == ("slow",)


def test_a_budget_of_nothing_grows_only_where_something_must_be_used() -> None:
    """No URAM on the board, and none that the nearest choice could not do without."""
    one = Table(
        "layer", np.ones(2), np.array([[9.0, 0.0], [0.0, 9.0]]), np.ones(2), np.array([1.0, 1.0])
    )
    other = Table("other", np.ones(1), np.array([[5.0, 0.0]]), np.ones(1), np.array([1.0]))
    problem = Problem((one, other), RESOURCES, (), ((), (0,)))
    found = Question(problem, np.array([0.0, 0.0]), PREFER).min_use(9.0)
    assert isinstance(found, Shortage) and found.nearest is not None
    assert list(found.nearest.use) == [14.0, 0.0]


def test_what_is_known_is_bounded_where_nothing_is_searched(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of the least use at the shortest latency too: its bound was that no bound is known, a gap without end."""
    monkeypatch.setattr(near, "_MANY_ROWS", 0)
    use = np.array([[6.0, 1.0], [4.0, 2.0]])
    table = Table("layer", np.ones(2), use, np.ones(2), np.ones(2))
    problem = Problem((table, table), RESOURCES, (), ((), (0,)))
    found = Question(problem, np.array([9.0, 9.0]), PREFER).min_latency()
    assert isinstance(found, Answer) and found.use_gap is not None
    assert 0 <= found.use_gap < 0.03  # what rows taken by halves would save


def test_a_known_choice_stands_where_the_search_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def gives_up(*_: object) -> None:
        raise Undecided

    monkeypatch.setattr(near, "_search", gives_up)
    table = Table("layer", np.ones(2), np.array([[6.0, 1.0], [4.0, 2.0]]), np.ones(2), np.ones(2))
    problem, rows = Problem((table,), RESOURCES), [np.arange(2)]
    known = np.array([0])
    found = exact.least_use(problem, rows, PREFER[1], Limits(), 1, known)
    assert found is not None and list(found.choice) == [0] and found.value == 6
    with pytest.raises(Undecided):
        exact.least_use(problem, rows, PREFER[1], Limits(), 1)
