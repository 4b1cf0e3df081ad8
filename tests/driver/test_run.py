"""Runs with stand-ins for the stages: what is executed, kept, resumed and said."""

from __future__ import annotations

import errno
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from nashc.cli import cli
from nashc.diagnostics import SpecError
from nashc.driver import project as projects
from nashc.driver.compile import compile_spec
from nashc.driver.desk import desk_of
from nashc.driver.display import display
from nashc.driver.estimate import Question, answer
from nashc.driver.execute import StageFailed, command_of
from nashc.driver.store import Store
from nashc.stages import BY_NAME
from nashc.tools import vivado
from tests.driver.lab import QUICKSTART, Lab, without_compare
from tests.paths import ROOT

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


def test_the_found_architecture_is_a_spec(lab: Lab):
    outcome = lab.run()
    key = outcome.results["search"].key
    text = (lab.out / "found.nash").read_text()
    assert text.splitlines()[2].startswith(f"# search {key}: 15 epochs on digits, batch 64, seed 2")
    assert 'extends "../../quickstart.nash"\n\ngenotype {\n' in text
    # It says what was searched, so it gives the same network as the run.
    from nashc.schema import load

    assert not load(lab.out / "found.nash").is_searched


def test_estimate_points_at_what_the_search_found(lab: Lab, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(lab.folder)
    question = Question(Path("quickstart.nash"), {}, "finn-plus-1.6")

    def help_text() -> str:
        with pytest.raises(SpecError) as refused:
            answer(question)
        return refused.value.diagnostics[0].help

    assert help_text().startswith("`nashc run quickstart.nash --to search` finds it and writes")
    lab.run(last="search")
    assert help_text() == (
        "a search has written build/quickstart/found.nash: estimate that, or write a genotype"
    )
    shutil.copy("quickstart.nash", "other.nash")  # a spec whose network is called the same
    question = replace(question, spec=Path("other.nash"))
    assert help_text().startswith("`nashc run other.nash --to search` finds it")


def test_a_changed_clock_changes_nothing_of_what_was_found(lab: Lab):
    lab.run()
    text = (lab.out / "found.nash").read_text()
    lab.edit("clock = 100 MHz", "clock = 200 MHz")
    lab.run()
    assert (lab.out / "found.nash").read_text() == text


def test_overrides_become_part_of_the_found_spec(lab: Lab):
    lab.run(overrides={"bits": "w2a2"})
    text = (lab.out / "found.nash").read_text()
    assert 'extends "../../quickstart.nash" with { bits = w2a2 }' in text


def test_compile_takes_up_what_the_search_found(lab: Lab):
    before = compile_spec(lab.request())
    assert before.project.lacks_genotype and not (lab.out / "model.py").exists()
    key = lab.run(last="search").results["search"].key
    after = compile_spec(lab.request())
    assert after.search == key and (lab.out / "model.py").exists()


def test_compile_takes_up_a_found_file_without_its_result(lab: Lab):
    key = lab.run(last="search").results["search"].key
    (lab.out / "results").rename(lab.folder / "gone")
    assert compile_spec(lab.request()).search == key
    lab.edit("epochs = 15", "epochs = 16")
    assert compile_spec(lab.request()).search is None


def test_the_found_spec_in_its_own_folder_survives_a_run(lab: Lab):
    lab.run()
    found = lab.out / "found.nash"
    text = found.read_text()
    from dataclasses import replace

    from nashc.driver.display import display
    from nashc.driver.run import run

    lab.calls()
    with (lab.folder / "screen").open("a") as stream:
        run(replace(lab.request(), spec=found), display(stream))
    assert found.read_text() == text
    assert lab.called() == []


def test_a_variant_is_trained_beside_and_reported(lab: Lab):
    lab.spec.write_text(QUICKSTART.read_text())
    outcome = lab.run()
    # Its stand-in weights are the same, so their estimate is the one that is there.
    assert lab.called() == [*ALL, "train", "export", "verify"]
    [variant] = outcome.compare
    assert variant.params == {"bits": "w2a2"}
    assert (lab.out / "compare" / "bits-w2a2" / "model.py").exists()
    report = json.loads((lab.out / "report.json").read_text())
    assert report["compare"][0]["params"] == {"bits": "w2a2"}
    assert "quickstart bits=w2a2" in lab.screen()


def test_the_report(lab: Lab):
    lab.run()
    report = json.loads((lab.out / "report.json").read_text())
    assert report["versions"]["brevitas"] == "0.13.0"
    assert [stage["stage"] for stage in report["stages"]] == ALL
    assert report["stages"][1]["result"]["top1"] == 0.9
    [not_run] = report["not_run"]
    assert not_run["why"] == "Vivado not found (needs 2022.2 or later)"
    figures = report["stages"][-1]["figures"]
    [layer] = figures["layers"]
    assert (layer["layer"], layer["cycles"], layer["lut"]) == ("stem.conv", 100, 50)
    assert figures["fits"] is True
    assert figures["share_of_board"]["dsp"] == 2 / 220
    assert "fits Pynq-Z1: at most DSP 0.9 % (2 of 220)" in lab.screen()
    page = (lab.out / "report.html").read_text()
    assert "fits Pynq-Z1" in page and str(lab.folder) not in page
    assert str(lab.folder) not in json.dumps({**report, "stages": None, "not_run": None})


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


def test_a_report_is_printed_though_its_page_is_lost(lab: Lab, capsys):
    lab.run()

    def report(*more: str) -> tuple[int, str, str]:
        words = ["report", str(lab.spec), "-o", str(lab.out), *more]
        return cli.main(words, standalone_mode=False), *capsys.readouterr()

    code, good, _ = report()
    assert code == 0
    code, out, err = report("--html", "/dev/full")
    assert (code, out) == (1, good.partition("\nThe page is")[0])
    assert err.startswith("\nNASH401: /dev/full cannot be written: no space left on device")
    code, out, _ = report("--html", "/dev/full", "--json")
    assert code == 1 and not json.loads(out)["ok"] and json.loads(out)["page"] is None


@pytest.mark.parametrize("name", ["report.html", "report.json"])
def test_a_summary_is_printed_though_a_report_is_lost(lab: Lab, name: str):
    (lab.out / name).mkdir(parents=True)
    with pytest.raises(SpecError, match=rf"NASH401 .*{re.escape(name)} cannot be written"):
        lab.run()
    assert "fits Pynq-Z1" in lab.screen() and "Everything is in" not in lab.screen()


@pytest.mark.parametrize(("terminal", "is_plain"), [("dumb", True), ("xterm", False)])
def test_a_dumb_terminal_gets_plain_lines(monkeypatch, terminal: str, is_plain: bool):
    """rich leaves two empty lines there for each bar that it does not draw."""
    screen = io.StringIO()
    monkeypatch.setattr(screen, "isatty", lambda: True)
    monkeypatch.setenv("TERM", terminal)
    with display(screen).stage("train"):
        pass
    assert (screen.getvalue() == "") is is_plain


@pytest.mark.parametrize("terminal", ["dumb", "xterm"])
def test_notes_of_a_stage_are_shown(monkeypatch, terminal: str):
    screen = io.StringIO()
    monkeypatch.setattr(screen, "isatty", lambda: True)
    monkeypatch.setenv("TERM", terminal)
    with display(screen).stage("train") as shown:
        shown.event({"event": "log", "text": "epoch 1"})
        shown.event({"event": "note", "text": "1 file is passed over in [a]"})
    assert "train       1 file is passed over in [a]\n" in screen.getvalue()
    assert "epoch 1" not in screen.getvalue()


# ---- failures ---------------------------------------------------------------------------------------


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


def test_several_processes_share_what_can_be_shared(lab: Lab):
    one, two = desk_of(lab.request()), desk_of(lab.request(processes=2))
    for name in ("search", "train"):
        command = command_of(two, BY_NAME[name], lab.folder)
        launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
        assert command[1:6] == [*launcher, str(lab.out / f"{name}.py")]
    assert two.key(BY_NAME["search"]) == one.key(BY_NAME["search"])


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
