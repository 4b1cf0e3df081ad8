"""Terminals, pipes, full disks and folders that are gone: where nashc's words end up."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nashc.cli.common import (
    is_coloured,
)
from tests.paths import SPECS

BROKEN = 'nash 1\n\nnetwork x {\n  inptu = UINT8 1x8x8\n  classes = 10\n  backbone = "a"\n}\n'


def test_colour_only_on_a_terminal(nashc, monkeypatch, tmp_path: Path):
    (tmp_path / "a.nash").write_text(BROKEN)
    assert "\x1b" not in nashc("check", "a.nash").err
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    assert is_coloured(terminal)
    for name, value in (("TERM", "dumb"), ("NO_COLOR", "1")):
        with monkeypatch.context() as patch:
            patch.setenv(name, value)
            assert not is_coloured(terminal)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere names of files are text")
def test_a_file_whose_name_is_no_text(spec: Path):
    name = str(spec.parent).encode() + b"/caf\xe9.nash"
    spec.rename(os.fsdecode(name))

    def said(command: str) -> subprocess.CompletedProcess[bytes]:
        words = [sys.executable, "-m", "nashc", command, name, "--set", "bits=w2a2"]
        environment = {**os.environ, "PYTHONIOENCODING": "utf-8:strict"}  # of most languages
        return subprocess.run(words, capture_output=True, check=False, env=environment)

    assert said("check").stdout == name + b": fine, 48 layers\n"
    for command in ("compile", "plan", "run"):
        done = said(command)
        assert done.returncode == 1 and done.stderr.startswith(b"NASH001: the name of ")
        assert b"nashc explain NASH001" in done.stderr


def _in_a_shell(command: str) -> subprocess.CompletedProcess[str]:
    words = ["bash", "-o", "pipefail", "-c", command.replace("nashc", f"{sys.executable} -m nashc")]
    return subprocess.run(words, capture_output=True, text=True, check=False)


def test_a_reader_that_leaves_early_is_no_error(spec: Path):
    done = _in_a_shell(f"nashc show {spec} --as ir | head -n 1")
    assert (done.returncode, done.stdout, done.stderr) == (0, "nir 1\n", "")
    done = _in_a_shell("nashc fold --fps x 2>&1 | true")  # which shows its mistake to nobody
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("command", ["--help", "boards", "check SPEC", "show SPEC --as svg"])
def test_a_full_disk_behind_standard_output_is_told(spec: Path, command: str):
    done = _in_a_shell(f"nashc {command.replace('SPEC', str(spec))} > /dev/full")
    assert done.returncode == 3
    first = "NASH401: what nashc prints cannot be written: no space left on device"
    assert done.stderr.splitlines()[0] == first


def test_a_working_folder_that_is_gone(nashc, tmp_path: Path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    for words in (("check",), ("compile", str(SPECS / "own_backbone.nash"))):
        said = nashc(*words)
        assert said.code == 2
        assert said.err == "Error: the folder that you are in is gone; cd to another\n"


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "2>/dev/full", "<&-"])
def test_streams_that_take_nothing(spec: Path, closed: str):
    done = _in_a_shell(f"nashc check {spec} {closed}")
    assert (done.returncode, done.stderr) == (0, "")
    done = _in_a_shell(f"nashc fold {spec} {closed}")  # NASH451
    assert done.returncode == 3 and "Traceback" not in done.stderr
