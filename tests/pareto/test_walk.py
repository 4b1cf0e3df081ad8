"""Points on their way through stages that are stand-ins: what runs, is kept, fails and is told."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from nashc.diagnostics import Diagnostic, SpecError
from nashc.driver.display import display
from nashc.driver.request import Request
from nashc.pareto import walk as walks
from nashc.pareto.look import Durations, Job
from nashc.pareto.measure import MEASURES
from nashc.pareto.plan import plan_json, plan_lines
from nashc.pareto.sweep import Question, points
from nashc.pareto.walk import Walk
from tests.driver.lab import Lab, set_up
from tests.pareto.networks import write


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    found = set_up(tmp_path / "lab", monkeypatch)
    write(found.folder)
    return found


def walk(lab: Lab, names: str, measure: str = "train", **sweeps: str) -> Walk:
    paths = tuple(lab.folder / f"{name}.nash" for name in names.split())
    values = {name: tuple(text.split(",")) for name, text in sweeps.items()}
    request = Request(paths[0], sys.executable, lab.environment)
    job = Job(request, lab.folder / "out", MEASURES[measure], "finn-plus-1.6")
    stream = (lab.folder / "screen").open("a", encoding="utf-8")
    made = Walk(points(Question(paths, values, {})), job, display(stream))
    made.prepare()
    return made


def test_every_trial_runs_once_and_a_second_walk_has_nothing_to_do(lab: Lab):
    first = walk(lab, "plain v3", bits="w1a2,w2a2", seed="1,2")
    assert len(first.waiting) == 8
    first.run()
    assert lab.called() == ["train"] * 8
    assert [row.state for row in first.rows()] == ["finished"] * 4
    assert [len(row.values) for row in first.rows()] == [2] * 4
    again = walk(lab, "plain v3", bits="w1a2,w2a2", seed="1,2")
    assert not again.waiting
    assert [row.to_json() for row in again.rows()] == [row.to_json() for row in first.rows()]
    again.run()
    assert lab.called() == []


def test_the_first_seed_of_every_point_runs_before_the_second_of_any(lab: Lab):
    found = walk(lab, "plain v3", bits="w1a2,w2a2", seed="1,2")
    assert [each.label for each in found.waiting[:5]] == [
        "plain w1a2 seed=1",
        "plain w2a2 seed=1",
        "v3 w1a2 seed=1",
        "v3 w2a2 seed=1",
        "plain w1a2 seed=2",
    ]


def test_what_was_searched_is_costed_as_found(lab: Lab):
    found = walk(lab, "searched", seed="1,2")
    found.run()
    assert lab.called() == ["search", "train", "train"]
    [row] = found.rows()
    assert row.cost is not None and row.cost.spec.genotype is not None
    assert row.values[0].folder.startswith("searched/results/train/")
    lines = (lab.folder / "screen").read_text()
    assert "[1/2] searched seed=1\n" in lines and "[2/2] searched seed=2  about " in lines


def test_budgets_share_a_search_and_seeds_a_derivation(lab: Lab):
    found = walk(lab, "budget", most_lut="20k,30k", seed="1,2")
    assert plan_lines(found)[:3] == [
        "point                seeds  kept  to run    stages",
        "budget most_lut=20k      2     0       2    1 search, 1 derive, 2 train",
        "budget most_lut=30k      2     0       2    1 derive, 2 train",
    ]
    found.run()
    assert lab.called() == [
        "search",
        "derive",
        "train",
        "derive",
        "train",
    ]  # both find the same network
    assert [row.state for row in found.rows()] == ["finished"] * 2


def test_the_plan_of_a_point_whose_stages_all_run_for_another(lab: Lab):
    walk(lab, "budget", most_lut="20k,30k").run()
    assert plan_lines(walk(lab, "budget", most_lut="20k,30k", seed="1,2"))[1:3] == [
        "budget most_lut=20k      2     1       1    1 train",
        "budget most_lut=30k      2     1       1    those of a point above",
    ]


def test_the_proxy_ends_with_the_search(lab: Lab):
    found = walk(lab, "searched", "supernet", seed="1,2")
    found.run()
    assert lab.called() == ["search"]
    [row] = found.rows()
    assert row.accuracy == 0.75


def test_a_network_without_a_search_has_no_proxy(lab: Lab):
    found = walk(lab, "plain searched", "supernet")
    found.run()
    plain, searched = found.rows()
    assert [problem.code for problem in plain.problems] == ["NASH471"]
    assert (plain.state, searched.state) == ("failed", "finished")


def test_costs_alone_run_nothing(lab: Lab):
    found = walk(lab, "plain v3", "fps", bits="w1a2,w2a2", seed="1,2")
    assert not found.waiting
    assert [row.state for row in found.rows()] == ["finished"] * 4
    assert not (lab.folder / "out").exists()


def test_what_fails_is_told_and_the_rest_goes_on(lab: Lab):
    lab.environment["FAKE_FAIL"] = "search"
    found = walk(lab, "searched plain", seed="1,2")
    found.check()
    found.run()
    # The second seed would begin with the same search.
    assert lab.called() == ["search", "train", "train"]
    searched, plain = found.rows()
    assert [each.message for each in searched.problems] == [
        "search failed: the weights are on strike"
    ]
    assert (searched.state, plain.state) == ("failed", "finished")


def test_an_interrupted_walk_keeps_what_is_finished(lab: Lab, monkeypatch):
    real, calls = walks.carry, []

    def carry(request, screen):
        calls.append(request)
        if len(calls) == 2:
            raise SpecError([Diagnostic("NASH506", "train was interrupted")])
        return real(request, screen)

    monkeypatch.setattr(walks, "carry", carry)
    first = walk(lab, "plain", bits="w1a2,w2a2,w4a4")
    with pytest.raises(SpecError):
        first.run()
    assert [row.state for row in first.rows()] == ["finished", "not run", "not run"]
    assert [each.label for each in walk(lab, "plain", bits="w1a2,w2a2,w4a4").waiting] == [
        "plain w2a2",
        "plain w4a4",
    ]


def test_variants_of_compare_are_no_points(lab: Lab):
    with (lab.folder / "plain.nash").open("a") as spec:
        spec.write("compare {\n  bits = w4a4\n}\n")
    walk(lab, "plain").run()
    assert lab.called() == ["train"]


def test_where_nothing_can_run_the_reason_is_told_once(lab: Lab):
    del lab.versions["torch"]
    found = walk(lab, "plain v3", bits="w1a2,w2a2")
    with pytest.raises(SpecError) as caught:
        found.check()
    [problem] = caught.value.diagnostics
    assert problem.code == "NASH503" and "torch is missing" in problem.message


def test_the_plan(lab: Lab):
    walk(lab, "plain", bits="w1a2").run()
    found = walk(lab, "plain searched", bits="w1a2,w2a2", seed="1,2")
    assert plan_lines(found)[:5] == [
        "point          seeds  kept  to run    stages",
        "plain w1a2         2     1       1    1 train",
        "plain w2a2         2     0       2    2 train",
        "searched w1a2      2     0       2    1 search, 2 train",
        "searched w2a2      2     0       2    2 train",  # of the same search
    ]
    assert plan_lines(found)[-1] == "7 runs to do, which takes a time unknown yet"
    told = plan_json(found)
    assert told["to_run"] == 7 and told["seconds"] is None
    assert told["points"][2]["stages"] == {"search": 1, "train": 2}
    json.dumps(told)


def test_the_time_left_is_foretold_from_what_stages_took():
    known = Durations({"train": {"a": [10.0, 20.0], "b": [60.0]}, "search": {"a": [100.0]}})
    a, b = ("search", "k1"), ("train", "")
    assert known.left([("a", (b,))]) == 15
    assert known.left([("c", (b,))]) == 30
    assert known.left([("a", (a, b)), ("a", (a, b))]) == 130
    assert known.left([("a", (("export", ""),))]) is None
