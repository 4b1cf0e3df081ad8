"""`nashc compile`: what it writes, and what it never overwrites."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.paths import SPECS

BROKEN = 'nash 1\n\nnetwork x {\n  inptu = UINT8 1x8x8\n  classes = 10\n  backbone = "a"\n}\n'


@pytest.mark.parametrize("command", ["compile", "run"])
def test_a_spec_is_no_folder_for_its_project(nashc, spec: Path, command: str):
    said = nashc(command, str(spec), "-o", str(spec))
    assert said.code == 3
    assert said.err.startswith(
        f"NASH401: the output folder {spec} cannot be written: not a directory"
    )


def test_compile_writes_and_tells(nashc, spec: Path, tmp_path: Path):
    said = nashc("compile")
    assert said.code == 0
    assert "wrote build/quickstart/supernet.py\n" in said.out
    assert said.out.endswith("`nashc run` searches it and writes the model\n")
    written = {line.removeprefix("wrote ") for line in said.out.splitlines() if "wrote" in line}
    on_disk = {str(p.relative_to(tmp_path)) for p in (tmp_path / "build").rglob("*") if p.is_file()}
    shared = {name for name in on_disk if name.startswith("build/quickstart/support/")}
    assert written == on_disk - shared | {f"build/quickstart/support/ ({len(shared)} files)"}
    assert "nothing changed" in nashc("compile").out


def test_compile_as_json(nashc):
    said = nashc("compile", str(SPECS / "resnet18_v3.nash"), "-o", "out", "--json")
    found = json.loads(said.out)
    assert found["ok"] and found["folder"] == "out" and "model.py" in found["written"]
    assert not found["lacks_genotype"]


def test_compile_does_not_overwrite_an_edited_file(nashc, spec: Path, tmp_path: Path):
    nashc("compile")
    edited = tmp_path / "build" / "quickstart" / "supernet.py"
    edited.write_text("mine\n")
    said = nashc("compile")
    assert said.code == 3 and "NASH402" in said.err and edited.read_text() == "mine\n"
    said = nashc("compile", "--force")
    assert said.code == 0 and "kept your supernet.py as" in said.out


def test_an_output_folder_that_cannot_be_written(nashc, spec: Path, tmp_path: Path):
    (tmp_path / "file").write_text("")
    for command in ("compile", "run"):
        said = nashc(command, "-o", "file/below")
        assert said.code == 3 and "NASH401" in said.err


def test_a_spec_with_mistakes_leaves_nothing_behind(nashc, tmp_path: Path):
    (tmp_path / "a.nash").write_text(BROKEN)
    for command in ("compile", "plan", "run"):
        assert nashc(command, "a.nash").code == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a.nash"]
