"""What a stage prints for people and for machines, and how it ends."""

import io
import json
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from support import progress
from support.progress import Progress, StageError, duration
from support.stage import main
from tests.paths import ROOT


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def events(text):
    return [json.loads(line) for line in text.splitlines()]


def test_a_path_that_is_no_text(tmp_path):
    """As of a folder that was named before Unicode."""
    path = tmp_path / "told"
    with path.open("w", encoding="utf-8") as stream:
        Progress("train", "text", stream).log("reading folder from /data/caf\udce9")
    assert path.read_text(encoding="utf-8") == "reading folder from /data/caf\\udce9\n"


def test_json_lines(clock):
    stream = io.StringIO()
    report = Progress("train", "jsonl", stream)
    report.update(0, 10, unit="epochs", text="loss 2.3", metrics={"loss": 2.3})
    clock[0] = 4.0
    report.update(2, 10, unit="epochs", metrics={"loss": float("nan")})
    report.log("half done")
    report.note("1 file is passed over")
    report.result({"top1": 0.9})
    assert events(stream.getvalue()) == [
        {
            "event": "progress",
            "stage": "train",
            "done": 0,
            "total": 10,
            "unit": "epochs",
            "text": "loss 2.3",
            "metrics": {"loss": 2.3},
            "elapsed_s": 0.0,
            "eta_s": None,
        },
        {
            "event": "progress",
            "stage": "train",
            "done": 2,
            "total": 10,
            "unit": "epochs",
            "text": "",
            "metrics": {"loss": None},
            "elapsed_s": 4.0,
            "eta_s": 16.0,
        },
        {"event": "log", "text": "half done"},
        {"event": "note", "text": "1 file is passed over"},
        {"event": "result", "stage": "train", "top1": 0.9},
    ]


def test_a_resumed_stage_estimates_from_its_own_rate(clock):
    stream = io.StringIO()
    report = Progress("train", "jsonl", stream)
    report.update(90, 100)
    clock[0] = 10.0
    report.update(95, 100)
    assert events(stream.getvalue())[-1]["eta_s"] == 10.0


def test_reports_that_come_too_quickly_are_dropped_but_never_the_last(clock):
    stream = io.StringIO()
    report = Progress("train", "jsonl", stream)
    for done in range(101):
        report.update(done, 100)
    assert [event["done"] for event in events(stream.getvalue())] == [0, 100]


def test_plain_lines(clock):
    stream = io.StringIO()
    report = Progress("build", "text", stream)
    report.update(0, 4, unit="steps", text="tidy")
    clock[0] = 65.0
    report.update(2, 4, unit="steps", text="lower")
    report.update(4, 4, unit="steps", text="reports")
    assert stream.getvalue().splitlines() == [
        "build  0/4 steps  tidy",
        "build  2/4 steps  lower  1:05 min left",
        "build  4/4 steps  reports",
    ]


def test_a_terminal_gets_one_line_redrawn(clock):
    stream = Terminal()
    report = Progress("build", "text", stream)
    report.update(1, 4, unit="steps")
    clock[0] = 1.0
    report.update(2, 4, unit="steps")
    report.log("a line worth keeping")
    assert stream.getvalue() == (
        "\r\x1b[2Kbuild  [=====               ]  1/4 steps"
        "\r\x1b[2Kbuild  [==========          ]  2/4 steps  2 s left"
        "\na line worth keeping\n"
    )


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (59, "59 s"), (65, "1:05 min"), (7500, "2:05 h")]
)
def test_durations(seconds, text):
    assert duration(seconds) == text


@main("try", arguments=lambda parser: parser.add_argument("--fail", action="store_true"))
def run(args, report):
    print("a library prints this")
    if args.fail:
        raise StageError("no data in ./x", "pass --data")
    return {"answer": 42, "summary": "all is well"}


def test_result_as_text(capsys):
    assert run([]) == 0
    assert capsys.readouterr().out == "a library prints this\ntry: all is well\n"


def test_result_as_json_lines_is_alone_on_standard_output(capsys):
    assert run(["--progress", "jsonl"]) == 0
    captured = capsys.readouterr()
    [event] = events(captured.out)
    assert event == {"event": "result", "stage": "try", "answer": 42, "summary": "all is well"}
    assert captured.err == "a library prints this\n"


def test_a_mistake_of_the_user_as_text(capsys):
    assert run(["--fail"]) == 1
    assert capsys.readouterr().err == "try: error: no data in ./x\n  help: pass --data\n"


def test_a_mistake_of_the_user_as_json(capsys):
    assert run(["--fail", "--progress", "jsonl"]) == 1
    [event] = events(capsys.readouterr().out)
    assert event == {"event": "error", "message": "no data in ./x", "help": "pass --data"}


def test_broken_settings_are_a_mistake_too(capsys):
    def arguments(parser):
        raise StageError("settings/train.json is not valid JSON")

    assert main("train", arguments=arguments)(lambda args, report: {})([]) == 1
    assert capsys.readouterr().err == "train: error: settings/train.json is not valid JSON\n"


def test_a_crash_of_ours_keeps_its_traceback_and_is_told_to_machines(capsys):
    @main("try")
    def crash(args, report):
        raise ZeroDivisionError("by zero")

    with pytest.raises(ZeroDivisionError):
        crash(["--progress", "jsonl"])
    [event] = events(capsys.readouterr().out)
    assert event["message"] == "internal error: ZeroDivisionError: by zero"


PROGRAM = """
import os, subprocess, sys, time
sys.path.insert(0, {templates!r})
from support.progress import Stopped
from support.stage import main

@main("wait")
def run(args, report):
    subprocess.run(["echo", "from a child process"])
    if {holds}:
        with report.holding_signals():
            report.log("ready")
            while report.stop_signal is None:
                time.sleep(0.01)
            report.log("state saved")
            raise Stopped(report.stop_signal)
    report.log("ready")
    time.sleep(60)

sys.exit(run())
"""


@pytest.mark.parametrize("holds", [False, True])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals(number, code, holds):
    text = textwrap.dedent(PROGRAM).format(templates=str(ROOT / "templates"), holds=holds)
    with subprocess.Popen(
        [sys.executable, "-c", text, "--progress", "jsonl"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert json.loads(process.stdout.readline()) == {"event": "log", "text": "ready"}
        process.send_signal(number)
        output, errors = process.communicate(timeout=20)
    assert process.returncode == code
    said = [event["text"] for event in events(output)]
    assert said == (["state saved"] if holds else []) + [f"wait: stopped by {number.name}"]
    assert errors == "from a child process\n"


IMPORTING = """
import sys, time
sys.path.insert(0, {templates!r})
from support.beginning import end_at_once
end_at_once()
print("importing", flush=True)
time.sleep(60)
"""


def test_ctrl_c_among_the_imports_shows_no_traceback():
    text = IMPORTING.format(templates=str(ROOT / "templates"))
    with subprocess.Popen(
        [sys.executable, "-c", text], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "importing\n"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
    assert process.returncode == -signal.SIGINT
    assert errors == ""


@pytest.mark.parametrize(
    ("loop", "told"),
    [
        (None, "is gone"),
        ("", "is damaged: cannot import name 'Loop' from 'support.training.loop'"),
        ("class Loop(", "is damaged: '(' was never closed (loop.py, line 1)"),
    ],
)
def test_a_generated_file_that_is_gone_or_cut_off_is_named(tmp_path, loop, told):
    (tmp_path / "support" / "training").mkdir(parents=True)
    for name in ("beginning.py", "progress.py"):
        shutil.copy(ROOT / "templates" / "support" / name, tmp_path / "support")
    file = tmp_path / "support" / "training" / "loop.py"
    if loop is not None:
        file.write_text(loop)
    program = tmp_path / "train.py"
    head = "from support.beginning import end_at_once\nend_at_once()\n"
    program.write_text(head + "from support.training.loop import Loop\n")
    ended = subprocess.run([sys.executable, program], capture_output=True, text=True)
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"train: error: {file} {told}")
    assert ended.stderr.splitlines()[1].startswith("  help: nashc compile writes it again")
    program.write_text(head + "import no_such_library\n")
    ended = subprocess.run([sys.executable, program], capture_output=True, text=True)
    assert ended.stderr.startswith("Traceback") and "no_such_library" in ended.stderr


@pytest.mark.parametrize("damaged", ["heap.py", "progress.py", "stage.py"])
def test_a_program_names_the_file_that_tells_errors(tmp_path, damaged):
    shutil.copytree(ROOT / "templates" / "support", tmp_path / "support")
    program = Path(shutil.copy(ROOT / "templates" / "programs" / "train.py", tmp_path))
    # Of what it imports from elsewhere nothing is reached: the damage comes first.
    text = program.read_text().split("import torch\n")[0]
    program.write_text(text + "from support.stage import main\n")
    file = tmp_path / "support" / damaged
    file.write_text("class Loop(")
    ended = subprocess.run([sys.executable, program], capture_output=True, text=True)
    told = f"{file} is damaged: '(' was never closed ({damaged}, line 1)"
    help = "nashc compile writes it again, with --overwrite if it was edited"
    assert (ended.returncode, ended.stderr) == (1, f"train: error: {told}\n  help: {help}\n")
    words = [sys.executable, program, "--progress", "jsonl"]
    ended = subprocess.run(words, capture_output=True, text=True)
    assert events(ended.stdout) == [{"event": "error", "message": told, "help": help}]
    assert ended.stderr == ""


@pytest.mark.parametrize("program", sorted((ROOT / "templates" / "programs").glob("*.py")))
def test_programs_are_ready_for_ctrl_c_before_they_import_what_is_slow(program):
    text = program.read_text()
    assert 0 < text.find("    end_at_once()\n") < text.index("import argparse")
