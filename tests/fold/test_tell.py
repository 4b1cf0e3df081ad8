"""What `nashc fold` says of converters, and of what is proven."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nashc.driver.folding import fold_spec
from nashc.fold.answer import Step
from nashc.fold.ask import Folded, fps_of, interval_of
from nashc.fold.tell import as_json, lines
from nashc.fold.wish import wish
from nashc.vocab.boards import BOARDS
from tests.fold.test_of_target import spec_with


@pytest.fixture(scope="module")
def without(tmp_path_factory: pytest.TempPathFactory) -> Folded:
    return fold_spec(*question(tmp_path_factory.mktemp("without")))


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Folded:
    return fold_spec(*question(tmp_path_factory.mktemp("counted")), with_converters=True)


def question(folder: Path) -> tuple:
    path = spec_with(folder, "optimal")
    return (path, {}, "min-resources", 20000.0, "lut=9000,dsp=400", None, None)


def told(folded: Folded, word: str) -> str:
    (line,) = (line for line in lines(folded) if line.startswith(word))
    return line


def test_converters_that_are_counted_are_in_the_table(counted: Folded) -> None:
    used = counted.estimate.total("lut") + counted.converter_lut
    assert f"{used:,}" in told(counted, "LUT").split()
    assert told(counted, "converters").endswith(f"{counted.converter_lut:,} LUT of those above")


def test_converters_that_are_not_are_told_beside_it(without: Folded) -> None:
    assert f"{without.estimate.total('lut'):,}" in told(without, "LUT").split()
    assert told(without, "converters").endswith(f"{without.converter_lut:,} LUT more")
    dearest = max(without.converters, key=lambda one: one.lut)
    line = f"from {dearest.given} to {dearest.taken} bits, {dearest.first} to {dearest.second}"
    assert f"            {dearest.lut:,} LUT {line}" in lines(without)
    assert as_json(without)["converters"]["fit"]


def test_converters_that_do_not_fit_are_told_with_the_way_out(without: Folded) -> None:
    used = without.estimate.total("lut") + without.converter_lut
    tight = {**without.wish.budget, "lut": used - 1.0}
    folded = replace(without, wish=replace(without.wish, budget=tight))
    assert told(folded, "converters").endswith(
        f"LUT more, {used:,} of {used - 1:,}: they do not fit, `--converters` counts them"
    )
    assert not as_json(folded)["converters"]["fit"]


def test_json_has_each_converter(counted: Folded) -> None:
    found = as_json(counted)["converters"]
    assert found["are_counted"] and found["count"] == len(found["between"]) == len(
        counted.converters
    )
    assert found["lut"] == sum(one["lut"] for one in found["between"])
    assert all(one["bits_from"] != one["bits_to"] for one in found["between"])


@pytest.mark.parametrize(
    ("goal", "gap", "use_gap", "words"),
    [
        ("max-fps", 0.0, 0.0, "best under finn-plus-1.6, proven"),
        ("max-fps", 0.0, 0.004, "the most frames under finn-plus-1.6, proven; within 0.4 % of the least resources for that"),
        ("max-fps", 0.02, 0.0, "within 2 % of the most frames under finn-plus-1.6, proven; no more resources than that needs"),
        ("min-resources", 0.001, 0.001, "within 0.1 % of the least resources under finn-plus-1.6, proven"),
        ("min-latency", 0.0, None, "the shortest latency under finn-plus-1.6, proven; not proven to use least"),
    ],
)  # fmt: skip
def test_what_is_proven_of_which_is_said_apart(
    without: Folded, goal: str, gap: float, use_gap: float | None, words: str
) -> None:
    answer = replace(without.answer, gap=gap, use_gap=use_gap)
    folded = replace(without, wish=replace(without.wish, goal=goal), answer=answer)
    assert told(folded, "optimality") == f"optimality  {words}"
    said = as_json(folded)
    assert (said["is_optimal"], said["gap"], said["use_gap"]) == (gap == 0, gap, use_gap)


def test_a_budget_of_nothing_does_not_grow(without: Folded) -> None:
    use = np.array([8000.0, 10, 0, 3])
    step = Step(100.0, ("stem.conv",), factor=np.inf, use=use)
    wanted = replace(without.wish, budget={**without.wish.budget, "dsp": 0.0})
    folded = replace(without, wish=wanted, answer=replace(without.answer, step=step))
    assert told(folded, "binds") == "binds       that needs 3 DSP of 0"
    said = json.loads(json.dumps(as_json(folded), allow_nan=False))
    assert said["next"]["budget_factor"] is None and said["binding"]["resources"] == ["dsp"]


@pytest.mark.parametrize(
    ("budget", "factor", "words"),
    [
        ({"lut": 4000.0}, 2.0, "8,000 LUT of 4,000, 2 times the budget"),
        ({"lut": 4000.0, "dsp": 2.0}, 2.0, "8,000 LUT of 4,000 and 3 DSP of 2, 2 times the budget at most"),
        ({"lut": 7999.0}, 8000 / 7999, "8,000 LUT of 7,999"),
    ],
)  # fmt: skip
def test_a_step_beyond_the_budget_says_what_it_needs(
    without: Folded, budget: dict[str, float], factor: float, words: str
) -> None:
    step = Step(100.0, ("stem.conv",), factor=factor, use=np.array([8000.0, 10, 0, 3]))
    wanted = replace(without.wish, budget={**without.wish.budget, **budget})
    folded = replace(without, wish=wanted, answer=replace(without.answer, step=step))
    assert told(folded, "binds") == f"binds       that needs {words}"


def test_a_rate_that_was_told_asks_for_its_own_interval() -> None:
    """1e9 / 5 / (2e8 / 1155) is a little less than 1155: cut off, it would ask for a rate that is out of reach."""
    for clock_ns in (5.0, 3.33, 1000 / 300):
        told = [fps_of(cycles, clock_ns) for cycles in range(1, 3000)]
        assert [interval_of(fps, clock_ns) for fps in told] == list(range(1, 3000))
    assert interval_of(1e12, 5.0) == 0
    assert fps_of(interval_of(996.0, 5.0), 5.0) >= 996 > fps_of(interval_of(996.0, 5.0) + 1, 5.0)


def test_a_budget_is_as_it_is_written() -> None:
    """2.3 % of a million and a half are 34,499.99... and 1.001k are 1,000.99... in floating point."""
    given = wish(BOARDS["U250"], "max-fps", budget="lut=2.3%,dsp=1.001k,bram18=1_000")
    assert BOARDS["U250"].resources.lut == 1_500_000
    assert [given.budget[name] for name in ("lut", "dsp", "bram18")] == [34_500, 1_001, 1_000]
