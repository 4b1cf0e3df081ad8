"""The proof that goes on: held to trying everything, to the distance asked for, and to Ctrl-C."""

from __future__ import annotations

import os
import signal

import numpy as np
import pytest
from hypothesis import given, settings

from nashc.cli.watch import watched
from nashc.fold import exact
from nashc.fold.answer import Answer
from nashc.fold.goals import Question
from nashc.fold.programme import Found, Limits
from nashc.fold.proof import Further
from nashc.fold.tables import Floats, Ints, Problem, Table
from tests.fold.test_goals import PREFER, budgets, choices, fitting, likings_agree, problems

EXACT = Further(0.0, lambda *_: True)


def all_rows(problem: Problem) -> list[Ints]:
    return [np.arange(len(table)) for table in problem.tables]


def dearest(fits: list[Ints], problem: Problem) -> Ints:
    """The worst choice, for a proof to begin with."""
    return max(fits, key=lambda choice: (problem.latency(choice), float(problem.total(choice)[0])))


@settings(max_examples=40, deadline=None)
@given(problems(), budgets)
def test_from_the_worst_choice_a_proof_comes_to_the_best(problem: Problem, budget: Floats) -> None:
    fits = fitting(problem, budget)
    if not fits:
        return
    first, limits = dearest(fits, problem), Limits(budget)
    latency = Found(first, problem.latency(first), 0.0)
    found = exact.prove_latency(problem, all_rows(problem), limits, latency, EXACT)
    assert found.value == pytest.approx(min(problem.latency(c) for c in fits))
    assert problem.latency(found.choice) == pytest.approx(found.value)
    use = Found(first, float(problem.total(first) @ PREFER[0]), 0.0)
    found = exact.prove_use(problem, all_rows(problem), PREFER[0], limits, use, EXACT)
    assert found.value == pytest.approx(min(float(problem.total(c) @ PREFER[0]) for c in fits))
    assert found.bound == pytest.approx(found.value, rel=1e-6, abs=1e-6)


@settings(max_examples=20, deadline=None)
@given(problems(), budgets)
def test_every_goal_goes_on_to_the_best(problem: Problem, budget: Floats) -> None:
    fits = fitting(problem, budget)
    if not fits:
        return
    question = Question(problem, budget, PREFER, further=EXACT)
    fastest, quickest = question.max_throughput(), question.min_latency()
    least = question.min_use(max(problem.interval(c) for c in choices(problem)))
    assert (
        isinstance(fastest, Answer) and isinstance(quickest, Answer) and isinstance(least, Answer)
    )
    assert fastest.interval == min(problem.interval(c) for c in fits) and fastest.gap == 0
    assert quickest.latency == min(problem.latency(c) for c in fits) and quickest.gap == 0
    likings_agree(problem, least, min(fits, key=lambda c: [problem.total(c) @ w for w in PREFER]))


def many_layers(count: int = 12) -> Problem:
    """Two rows of layers side by side whose numbers do not add up evenly: HiGHS needs a search tree."""
    numbers = np.random.default_rng(7)
    tables = []
    for number in range(count):
        cycles = np.sort(numbers.integers(20, 9000, 9))[::-1].astype(float)
        use = np.sort(numbers.integers(20, 9000, (9, 2)), axis=0).astype(float)
        tables.append(Table(f"layer{number}", cycles, use, cycles, cycles))
    after = tuple(() if t < 2 else (t - 2,) for t in range(count))
    return Problem(tuple(tables), ("lut", "bram18"), (), after)


def proof(problem: Problem, further: Further) -> Found:
    quick = np.zeros(len(problem.tables), dtype=np.int64)
    budget = problem.total(quick) * 2.1
    best = Found(quick, problem.latency(quick), 0.0)
    return exact.prove_latency(problem, all_rows(problem), Limits(budget), best, further)


def test_it_ends_within_the_distance_asked_for_or_when_told() -> None:
    problem, bounds = many_layers(), []

    def seen(value: float, bound: float) -> bool:
        bounds.append((value, bound))
        return True

    whole = proof(problem, Further(0.0, seen))
    assert whole.bound == pytest.approx(whole.value, rel=1e-6) and bounds
    assert all(
        bound <= whole.value * (1 + 1e-6) and whole.value <= value for value, bound in bounds
    )
    near = proof(problem, Further(0.05, lambda *_: True))
    assert near.value <= whole.value / 0.95 and near.bound >= near.value * 0.95 - 1e-6
    assert near.bound <= whole.value
    ended = proof(problem, Further(0.0, lambda *_: False))
    assert ended.bound <= whole.value <= ended.value
    again = proof(problem, Further(0.0, lambda *_: True))
    assert again.value == whole.value and (again.choice == whole.choice).all()


def test_ctrl_c_ends_the_search_and_not_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    before = signal.getsignal(signal.SIGINT)
    with watched() as go_on:
        assert go_on(10.0, 9.0)
        os.kill(os.getpid(), signal.SIGINT)
        assert not go_on(10.0, 9.0)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before
    assert capsys.readouterr().err == "ends with the best so far; Ctrl-C again: without\n"


def test_progress_is_told_when_it_lasts(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([0.0, 1.0, 3.0, 4.0])
    monkeypatch.setattr("nashc.cli.watch.time.monotonic", lambda: next(clock))
    with watched() as go_on:
        assert all(go_on(2000.0, bound) for bound in (1900.0, 1980.0, 1990.0))
    assert capsys.readouterr().err == "best 2,000, bound 1,980, gap 1 %, 3 s\n"


@pytest.mark.parametrize("seed", [15, 20, 25])
def test_a_row_that_is_very_dear_makes_no_proof_easy(seed: int) -> None:
    """HiGHS ends at an absolute gap of 1e-6: with the dearest row as the unit, 911 was proven where 887 does."""
    draw = np.random.default_rng(seed)
    nothing = np.ones(5)
    tables = []
    for number in range(4):
        use = [[draw.integers(1, 1000), draw.integers(0, 9)] for _ in range(4)]
        use = np.array([*use, [3e8, 0]], float)
        tables.append(Table(f"layer{number}", nothing, use, nothing, nothing))
    budget = np.array([np.inf, float(np.random.default_rng(seed).integers(6, 20))])
    problem, limits, lut = Problem(tuple(tables), ("lut", "bram18")), Limits(budget), np.eye(2)[0]
    fits = fitting(problem, budget)
    least = min(float(problem.total(c)[0]) for c in fits)
    found = exact.least_use(problem, all_rows(problem), lut, limits, 2000)
    assert found is not None and problem.total(found.choice)[0] == least
    first = dearest(fits, problem)
    begin = Found(first, float(problem.total(first)[0]), 0.0)
    found = exact.prove_use(problem, all_rows(problem), lut, limits, begin, EXACT)
    assert problem.total(found.choice)[0] == least
