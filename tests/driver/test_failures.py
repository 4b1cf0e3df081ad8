"""Stages that fail, and disks, files and folders that are in the way: told, with the way out."""

from __future__ import annotations

import errno
import os
import re

import pytest

from nashc.diagnostics import SpecError
from nashc.driver.execute import StageFailed
from nashc.driver.store import Store
from tests.driver.lab import Lab


def test_a_failing_stage_tells_its_reason_and_how_to_repeat_it(lab: Lab):
    lab.environment["FAKE_FAIL"] = "export"
    with pytest.raises(StageFailed) as caught:
        lab.run()
    [problem] = caught.value.diagnostics
    assert problem.code == "NASH501"
    assert problem.message == "export failed: the weights are on strike"
    assert problem.help.startswith("pay them; the whole output is in ")
    assert f"{lab.out / 'export.py'} --weights " in problem.help
    assert lab.called() == ["search", "train", "export"]
    del lab.environment["FAKE_FAIL"]
    lab.run()
    assert lab.called() == ["export", "verify", "estimate"]


def test_a_crashing_stage_shows_its_last_lines(lab: Lab):
    lab.environment["FAKE_CRASH"] = "train"
    with pytest.raises(StageFailed) as caught:
        lab.run()
    assert "train.py ended with exit code 1" in caught.value.diagnostics[0].message
    assert caught.value.output[-1] == "    RuntimeError: an unforeseen thing"


def test_a_stage_that_the_system_kills(lab: Lab):
    lab.environment["FAKE_KILL"] = "train"
    with pytest.raises(
        StageFailed, match=r"train\.py was ended by SIGKILL, as the system does when"
    ):
        lab.run()


def test_a_file_edited_by_a_person_stops_the_run(lab: Lab):
    lab.run()
    (lab.out / "model.py").write_text("mine\n")
    with pytest.raises(SpecError, match=r"NASH402 model\.py in .* was edited"):
        lab.edit("epochs    = 40", "epochs    = 41")
        lab.run()
    lab.run(overwrite=True)
    assert (lab.out / "model.py.orig").read_text() == "mine\n"


@pytest.mark.parametrize("step", ["begin", "finish"])
def test_a_disk_that_is_full_behind_the_programs(lab: Lab, monkeypatch, step: str):
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Store, step, full)
    with pytest.raises(SpecError) as caught:
        lab.run()
    [problem] = caught.value.diagnostics
    text = f"the output folder {lab.out} cannot be written: no space left on device"
    assert (problem.code, problem.message) == ("NASH401", text)


def test_a_kept_result_that_was_changed_stops_the_run(lab: Lab):
    """Else the next stages take it, or end in an internal error if they cannot."""
    lab.run()
    [found] = lab.out.glob("results/search/*/found.nash")
    wrote = found.read_bytes()
    found.write_text("")
    for look in (lab.run, lab.plan):
        with pytest.raises(SpecError, match=r"NASH508 .*found\.nash is not what search wrote"):
            look()
    lab.run(force=frozenset({"search"}))
    assert found.read_bytes() == wrote
    assert lab.run().is_all_kept


@pytest.mark.parametrize("name", ["results", "results/train", "results/.partial", "report.json"])
def test_a_file_or_folder_in_the_way_is_told(lab: Lab, name: str):
    way = lab.out / name
    way.parent.mkdir(parents=True)
    if name == "report.json":
        (way / "of mine").mkdir(parents=True)
    else:
        way.touch()
    told = rf"NASH401 (?=.*cannot be written).*{re.escape(name)}"
    with pytest.raises(SpecError, match=told):
        lab.run(last="train")


def test_two_runs_do_not_share_a_folder(lab: Lab):
    import fcntl

    (lab.out / "results").mkdir(parents=True)
    with (lab.out / "results" / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(
            SpecError, match="NASH401 another nashc run, or a stage that it left, works in"
        ):
            lab.run()
