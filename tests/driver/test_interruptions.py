"""Runs that are interrupted or killed: what goes on, and from where."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nashc.diagnostics import SpecError
from tests.driver.lab import QUICKSTART, Lab, without_compare
from tests.paths import ROOT


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_stage_goes_on_where_it_stopped(lab: Lab, number: signal.Signals):
    process = _start(lab, {"FAKE_HANG": "train"})
    _wait_for(lab.folder / "hanging")
    process.send_signal(number)
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 130, said
    assert "train was interrupted" in said
    assert "help: its state is saved, the same nashc run goes on from there" in said
    assert lab.called() == ["search", "train"]
    [row] = [row for row in lab.plan().rows if row.stage == "train"]
    assert row.why == "goes on where it was stopped"
    lab.run()
    calls = lab.calls()
    assert [call["stage"] for call in calls] == ["train", "export", "verify", "estimate"]
    assert "--resume" in calls[0]["argv"]


def test_what_waits_for_another_state_of_the_spec_is_told(lab: Lab):
    state = lab.out / "results" / ".partial" / "train" / "of another spec" / "checkpoint"
    state.parent.mkdir(parents=True)
    state.write_text("half way")
    lab.run()
    assert (
        f"1 interrupted stage of other states of the spec waits in {lab.out}/results/.partial; "
        "delete it if no such state comes back\n"
    ) in lab.screen()
    assert state.is_file()


def test_a_run_whose_reader_leaves_ends_as_by_ctrl_c(lab: Lab):
    command = f"{sys.executable} -m tests.driver.lab {lab.folder} | head -n 1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=ROOT,
        env={**os.environ, **lab.environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 130 and "Traceback" not in done.stderr, done.stderr
    lab.run()


def test_a_stage_that_had_saved_nothing_is_not_said_to_have(lab: Lab):
    process = _start(lab, {"FAKE_HANG": "train", "FAKE_LOSE": "1"})
    _wait_for(lab.folder / "hanging")
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=30)
    assert "help: what was finished before is kept, the same nashc run goes on from there" in said
    [row] = [row for row in lab.plan().rows if row.stage == "train"]
    assert row.why == "no result yet"


def test_a_run_that_was_killed_goes_on_from_the_last_checkpoint(lab: Lab):
    process = _start(lab, {"FAKE_HANG": "train"})
    _wait_for(lab.folder / "hanging")
    process.kill()
    process.communicate(timeout=30)
    if sys.platform == "linux":
        _wait_for(lab.folder / "ended")  # the stage does not go on without the run
    lab.calls()
    lab.run()
    assert "goes on where it was stopped" in lab.screen()
    [first, *_] = lab.calls()
    assert first["stage"] == "train" and "--resume" in first["argv"]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a stage outlives its run")
def test_a_stage_that_still_saves_after_its_run_was_killed_is_waited_for(lab: Lab):
    process = _start(lab, {"FAKE_HANG": "train"})
    _wait_for(lab.folder / "hanging")
    (lab.folder / "saving").touch()
    process.kill()
    process.wait(timeout=30)
    _wait_for(lab.folder / "ended")
    with pytest.raises(SpecError, match="NASH401 another nashc run, or a stage that it left"):
        lab.run()
    (lab.folder / "saving").unlink()
    process.communicate(timeout=30)  # the stage has closed its output, too
    lab.run()


def _start(lab: Lab, environment: dict[str, str]) -> subprocess.Popen[str]:
    lab.spec.write_text(without_compare(QUICKSTART.read_text()))
    return subprocess.Popen(
        [sys.executable, "-m", "tests.driver.lab", str(lab.folder)],
        cwd=Path(__file__).parents[2],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _wait_for(path: Path) -> None:
    for _ in range(300):
        if path.exists():
            return
        time.sleep(0.1)
    raise AssertionError(f"{path} never appeared")
