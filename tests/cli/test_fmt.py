"""`nashc fmt`: files, and text between pipes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_fmt_checks_shows_and_changes(nashc, spec: Path):
    nashc("fmt", str(spec))
    neat = spec.read_text()
    assert nashc("fmt", "--check", str(spec)).code == 0
    spec.write_text(neat.replace("  classes  = 10", "     classes=10"))
    said = nashc("fmt", "--check", "--diff", str(spec))
    assert said.code == 1 and "-     classes=10" in said.out and "would reformat" in said.err
    assert nashc("fmt", str(spec)).out == f"reformatted {spec}\n"
    assert spec.read_text() == neat


def test_fmt_goes_on_behind_a_broken_file(nashc, spec: Path, tmp_path: Path):
    (tmp_path / "broken.nash").write_text("nash 1\nnetwork {{\n")
    nashc("fmt", str(spec))
    spec.write_text(spec.read_text().replace("  classes  = 10", "     classes=10"))
    said = nashc("fmt", "broken.nash", str(spec))
    assert said.code == 1 and "broken.nash:2" in said.err
    assert said.out == f"reformatted {spec}\n"


def _fmt_of(stdin: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = f"{sys.executable} -m nashc fmt - {stdin}"
    return subprocess.run(command, shell=True, input=given, capture_output=True, check=False)


def test_fmt_of_standard_input(spec: Path):
    done = _fmt_of("", spec.read_bytes())
    assert done.returncode == 0 and done.stdout.startswith(b"# A small NASH net")
    done = _fmt_of("", "nash 1\n# é\n".encode("latin-1"))
    assert done.returncode == 1 and done.stderr.startswith(b"NASH002: the file is not UTF-8")
    done = _fmt_of("<&-")
    assert done.returncode == 1
    assert done.stderr.startswith(b"NASH001: cannot read <stdin>: it is closed\n")
