"""Runs with stand-ins for the stages: what is executed, kept, resumed and said."""

from __future__ import annotations

import json

import pytest

from nashc.cli import cli
from nashc.diagnostics import SpecError
from nashc.driver import project as projects
from nashc.driver.desk import desk_of
from nashc.driver.execute import command_of
from nashc.stages import BY_NAME
from nashc.tools import vivado
from tests.driver.lab import Lab

ALL = ["search", "train", "export", "verify", "estimate"]


def test_a_run_does_every_stage_once(lab: Lab):
    outcome = lab.run()
    assert lab.called() == ALL
    assert list(outcome.results) == ALL
    assert [row.stage for row in outcome.not_run] == ["synthesise"]
    assert "build.py --to bitfile --model results/export/" in outcome.not_run[0].command


def test_a_second_run_does_nothing_and_says_so(lab: Lab):
    lab.run()
    lab.calls()
    outcome = lab.run()
    assert lab.called() == []
    assert outcome.is_all_kept
    assert "Nothing to do: every result is kept from an earlier run." in lab.screen()
    assert lab.plan().is_done


def test_a_run_reads_its_spec_once(lab: Lab, monkeypatch: pytest.MonkeyPatch):
    """Its plan and what it does go from the same project."""
    lab.run()
    real, read = projects.read, []
    monkeypatch.setattr(projects, "read", lambda *given: read.append(given) or real(*given))
    assert lab.run().is_all_kept
    assert len(read) == 1


def test_results_are_handed_on_and_kept_under_their_keys(lab: Lab):
    outcome = lab.run()
    export = next(call for call in lab.calls() if call["stage"] == "export")
    train = outcome.results["train"]
    assert export["argv"][:2] == ["--weights", str(train.folder / "weights.safetensors")]
    assert train.folder == lab.out / "results" / "train" / train.key
    record = json.loads((train.folder / "stage.json").read_text())
    assert record["result"]["out"] == train.folder.as_posix()
    assert record["versions"]["torch"] == "2.12.1"
    assert "a library says hello" in (train.folder / "log.txt").read_text()


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("clock = 100 MHz", "clock = 200 MHz", ["estimate"]),
        ("fps   = 10000", "fps   = 20000", ["estimate"]),
        ("epochs = 15", "epochs = 16", ["search"]),  # the stand-in finds the same again
        ("epochs    = 40", "epochs    = 41", ["train", "export", "verify", "estimate"]),
        ("bits    = w4a4", "bits    = w4a4", []),
        ("# A small NASH network", "# A tiny NASH network", []),
        ("classes  = 10", "\n\n\n  classes  = 10", []),
    ],
)
def test_what_a_change_costs(lab: Lab, old: str, new: str, expected: list[str]):
    if old.startswith("bits "):
        old = new = "param bits: bits = w4a4"
    lab.run()
    lab.calls()
    lab.edit(old, new)
    lab.run()
    assert lab.called() == expected


def test_a_changed_clock_says_why(lab: Lab):
    lab.run()
    lab.edit("clock = 100 MHz", "clock = 200 MHz")
    [row] = [row for row in lab.plan().rows if row.stage == "estimate"]
    assert (row.action, row.why) == ("run", "build.clock_ns: 10.0 -> 5.0")


def test_going_back_finds_the_old_results(lab: Lab):
    lab.run()
    lab.edit("clock = 100 MHz", "clock = 200 MHz")
    lab.run()
    lab.calls()
    lab.edit("clock = 200 MHz", "clock = 100 MHz")
    assert lab.run().is_all_kept
    assert lab.called() == []


def test_another_torch_trains_again(lab: Lab):
    lab.run()
    lab.versions["torch"] = "2.13.0"
    [row] = [row for row in lab.plan().rows if row.stage == "search"]
    assert row.why == "torch: 2.12.1 -> 2.13.0"


def test_force_runs_again_what_is_kept(lab: Lab):
    lab.run()
    lab.calls()
    lab.run(force=frozenset({"train"}))
    assert lab.called() == ["train"]


def test_to_ends_early(lab: Lab):
    lab.run(last="train")
    assert lab.called() == ["search", "train"]
    header, row, empty, last = lab.screen().splitlines()[-4:]
    assert header.split() == ["accuracy"] and row.startswith("quickstart bits=w4a4 ")
    assert empty == "" and last.startswith("Everything is in ")
    assert "\n\n\n" not in lab.screen()


def test_synthesis_asked_for_by_name_must_be_possible(lab: Lab):
    with pytest.raises(SpecError, match="Vivado not found") as told:
        lab.run(last="synthesise")
    assert told.value.diagnostics[0].help.startswith(
        "nashc run, not asked for synthesise, prints the command for a machine that has it; "
    )
    assert lab.called() == []


def test_with_vivado_it_goes_on_to_the_bitstream(lab: Lab, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(vivado, "missing", lambda _: None)
    outcome = lab.run()
    assert list(outcome.results) == [*ALL, "synthesise"] and outcome.not_run == []
    assert lab.calls()[-1]["argv"][:2] == ["--to", "bitfile"]


def test_the_page_of_an_earlier_estimate_says_so(lab: Lab):
    lab.run()
    path = lab.out / "report.html"
    current = path.read_text()
    assert "coloured by cost" in current and "has changed" not in current
    words = ["report", str(lab.spec), "-o", str(lab.out)]
    assert cli.main([*words, "--set", "bits=w1a1"], standalone_mode=False) == 0
    earlier = path.read_text()
    assert "quickstart.nash, which has changed since this estimate was made" in earlier
    assert "bits = w1a1" not in earlier and "coloured by cost" not in earlier
    assert cli.main(words, standalone_mode=False) == 0
    assert path.read_text() == current


def test_several_processes_share_what_can_be_shared(lab: Lab):
    one, two = desk_of(lab.request()), desk_of(lab.request(processes=2))
    for name in ("search", "train"):
        command = command_of(two, BY_NAME[name], lab.folder)
        launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
        assert command[1:6] == [*launcher, str(lab.out / f"{name}.py")]
    assert two.key(BY_NAME["search"]) == one.key(BY_NAME["search"])
