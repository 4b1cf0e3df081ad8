"""The commands as a user meets them: what they print, what they leave, how they end."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from nashc.cli.common import (
    FAILED,
    INCOMPLETE,
    INTERRUPTED,
    OUR_BUG,
    SPEC_ERROR,
    USAGE,
)

COMMANDS = (
    "boards",
    "check",
    "compile",
    "completion",
    "doctor",
    "estimate",
    "explain",
    "fmt",
    "fold",
    "new",
    "pareto",
    "plan",
    "report",
    "run",
    "show",
    "why",
)
BROKEN = 'nash 1\n\nnetwork x {\n  inptu = UINT8 1x8x8\n  classes = 10\n  backbone = "a"\n}\n'


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(nashc, command: str):
    said = nashc(command, "--help")
    assert said.code == 0
    assert f"Usage: nashc {command}" in said.out
    assert "Example" in said.out and f"nashc {command}" in said.out.split("Example")[1]


def test_the_commands_are_these(nashc):
    listed = nashc("--help").out.split("Commands:\n")[1].split("\n\n")[0].splitlines()
    assert tuple(line.split()[0] for line in listed) == COMMANDS


def test_the_exit_codes_are_told(nashc):
    told = " ".join(nashc("--help").out.split("Exit codes:")[1].split())
    codes = [int(word) for word in re.findall(r"\b[0-9]+\b", told)]
    assert codes == [0, SPEC_ERROR, USAGE, FAILED, OUR_BUG, INTERRUPTED]
    assert SPEC_ERROR == INCOMPLETE  # told as one


def test_version(nashc):
    assert nashc("--version").out == "nashc, version 0.1.0\n"


@pytest.mark.parametrize(
    "words",
    [
        ("check", ""),
        ("fmt", ""),
        ("new", ""),
        ("compile", "-o", ""),
        ("run", "-o", ""),
        ("run", "--data", ""),
        ("report", "--html", ""),
        ("estimate", "--html", ""),
        ("estimate", "--folding", ""),
        ("fold", "-o", ""),
        ("fold", "--weights", ""),
        ("pareto", "-o", ""),
    ],
)
def test_an_empty_path_is_wrong_usage(nashc, spec: Path, tmp_path: Path, words: tuple[str, ...]):
    said = nashc(*words)
    assert said.code == 2 and said.err.endswith(": an empty text names no file and no folder\n")
    assert list(tmp_path.iterdir()) == [spec]


@pytest.mark.parametrize("words", [("fold", "-o"), ("estimate", "--html")], ids=lambda w: w[0])
@pytest.mark.parametrize("name", ["SPEC", "link.nash"])
def test_an_answer_is_not_written_over_the_spec(
    nashc, spec: Path, tmp_path: Path, words: tuple[str, str], name: str
):
    before = spec.read_text(encoding="utf-8")
    (tmp_path / "link.nash").symlink_to(spec)
    place = spec if name == "SPEC" else tmp_path / name
    said = nashc(words[0], str(spec), words[1], str(place))
    assert said.code == 3
    assert said.err.startswith(f"NASH401: {place} cannot be written: it is what this command reads")
    assert spec.read_text(encoding="utf-8") == before


def test_the_only_spec_of_the_folder_is_meant(nashc, spec: Path):
    assert nashc("check").out == "quickstart.nash: fine, 48 layers\n"


def test_several_specs_are_listed(nashc, spec: Path, tmp_path: Path):
    (tmp_path / "other.nash").write_text(BROKEN)
    said = nashc("run")
    assert said.code == 2
    assert "NASH504" in said.err and "other.nash, quickstart.nash" in said.err


def test_an_empty_folder_says_how_to_begin(nashc):
    said = nashc("plan")
    assert said.code == 2 and "nashc new mynet.nash" in said.err


def test_commands_that_are_told_can_be_pasted(nashc, spec: Path, tmp_path: Path):
    said = nashc("new", "a b.nash")
    assert said.out == (
        "wrote a b.nash\nnext: nashc check 'a b.nash', nashc plan 'a b.nash', nashc run 'a b.nash'\n"
    )
    assert "name one, for example 'a b.nash'\n" in nashc("check").err
    assert "help: nashc run 'a b.nash' --to estimate\n" in nashc("report", "a b.nash").err
    assert "`nashc run 'a b.nash' --to search`" in nashc("estimate", "a b.nash").err
    spec.rename(tmp_path / "-q.nash")
    assert "`nashc run ./-q.nash --to search`" in nashc("estimate", "--", "-q.nash").err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("show", "--as", "svg", "--json"),
            "--json goes with --as spec and --as plan, not with svg",
        ),
        (("show", "--locations"), "--locations goes with --as ir"),
        (
            ("show", "--as", "ast", "--set", "bits=w2a2"),
            "--as ast shows the text as it is, without",
        ),
        (("boards", "U250", "--json", "--toml"), "--json and --toml are two forms; leave one out"),
        (
            ("pareto", "--plan", "--kept"),
            "--plan tells what would run, and with --kept nothing does",
        ),
    ],
)
def test_no_option_is_passed_over(nashc, spec: Path, words: tuple[str, ...], message: str):
    said = nashc(*words)
    assert (said.code, said.out) == (2, "") and message in said.err


@pytest.mark.parametrize("template", ["digits", "resnet18", "backbone"])
def test_new_writes_a_spec_that_is_fine(nashc, tmp_path: Path, template: str):
    said = nashc("new", "my-net", "--template", template)
    assert said.code == 0 and said.out.startswith("wrote my-net.nash\n")
    assert "network my_net {" in (tmp_path / "my-net.nash").read_text()
    assert nashc("check", "my-net.nash").code == 0
    assert nashc("fmt", "--check", "my-net.nash").code == 0


def test_new_overwrites_nothing(nashc, spec: Path):
    before = spec.read_text()
    said = nashc("new", "quickstart.nash")
    assert said.code == 2 and "is there already" in said.err
    assert spec.read_text() == before


@pytest.mark.parametrize(
    ("form", "begins"),
    [("spec", "param.bits"), ("ir", "nir 1\ngraph quickstart\n"), ("dot", "digraph"), ("svg", "<")],
)
def test_show(nashc, spec: Path, form: str, begins: str):
    said = nashc("show", "--as", form)
    assert said.code == 0 and said.out.startswith(begins)


def test_show_the_tree(nashc, spec: Path):
    said = nashc("show", "--as", "ast")
    assert said.code == 0 and "quickstart" in said.out


def test_doctor_as_json(nashc):
    found = json.loads(nashc("doctor", "--json").out)
    assert found["nashc"] == "0.1.0"
    assert set(found["stages"]) == {
        "search",
        "derive",
        "train",
        "export",
        "verify",
        "estimate",
        "synthesise",
    }
    assert found["commands"]["fold"] == {"can_run": True, "lacks": []}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(nashc, shell: str):
    said = nashc("completion", shell)
    assert said.code == 0 and "_NASHC_COMPLETE" in said.out


def test_stages_are_completed():
    words = {
        "_NASHC_COMPLETE": "bash_complete",
        "COMP_WORDS": "nashc run --to e",
        "COMP_CWORD": "3",
    }
    completed = subprocess.run(
        [sys.executable, "-m", "nashc"],
        env={**os.environ, **words},
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed.stdout.splitlines() == ["plain,export", "plain,estimate"]


def test_our_own_mistake_is_no_traceback(nashc, monkeypatch, tmp_path: Path):
    def broken(*_: object) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setattr("nashc.driver.check.check", broken)
    (tmp_path / "a.nash").write_text(BROKEN)
    said = nashc("check", "a.nash")
    assert said.code == 4
    assert said.err.startswith("NASH900: internal error: ZeroDivisionError: division by zero\n")
    assert "Traceback" not in said.err
    [crash] = tmp_path.glob("nashc-crash-*.txt")
    assert "Traceback" in crash.read_text()


def test_our_own_mistake_where_nothing_can_be_written(nashc, monkeypatch, tmp_path: Path):
    def broken(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", "/tmp/crash")

    monkeypatch.setattr("nashc.driver.check.check", lambda *_: 1 / 0)
    monkeypatch.setattr("tempfile.NamedTemporaryFile", broken)
    (tmp_path / "a.nash").write_text(BROKEN)
    said = nashc("check", "a.nash")
    assert said.code == 4
    assert said.err == (
        "NASH900: internal error: ZeroDivisionError: division by zero\n"
        "This is a bug in nashc, not in your spec. Please report it with the command that you gave\n"
    )


@pytest.mark.parametrize("command", ["check", "compile", "plan", "show"])
def test_the_core_loads_neither_torch_nor_finn(command: str, spec: Path, tmp_path: Path):
    """A machine without them must still check, compile, plan and show."""
    program = (
        "import sys\n"
        "for name in ('torch', 'brevitas', 'finn', 'qonnx', 'onnx', 'numpy', 'sklearn'):\n"
        "    sys.modules[name] = None\n"
        "from nashc.cli import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, command, str(spec)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_ctrl_c_among_the_imports_shows_no_traceback(tmp_path: Path):
    slow = "import time\nprint('importing', flush=True)\ntime.sleep(60)\n"
    (tmp_path / "click.py").write_text(slow)
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{root}"}
    with subprocess.Popen(
        [sys.executable, "-m", "nashc", "boards"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout and process.stdout.readline() == "importing\n"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (130, "")
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    assert project["scripts"]["nashc"] == "nashc.__main__:main"
