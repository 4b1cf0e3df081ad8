"""Generated files: whole or not at all, nothing stale, nothing of a person's lost."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nashc.diagnostics import SpecError
from nashc.emit.write import WriteResult, outdated, write

FILES = {"model.py": "x = 1\n", "support/data.py": "y = 2\n"}


def put(out: Path, files: dict[str, str] = FILES, **options: bool) -> WriteResult:
    return write(files, out, "d1", name="net", **options)


def present(out: Path) -> list[str]:
    return sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())


def test_files_and_manifest_are_written(tmp_path: Path):
    result = put(tmp_path / "out")
    assert result.written == ("manifest.json", "model.py", "support/data.py")
    assert present(tmp_path / "out") == ["manifest.json", "model.py", "support/data.py"]
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["spec"] == "d1" and manifest["name"] == "net"
    assert manifest["files"]["model.py"] == hashlib.sha256(b"x = 1\n").hexdigest()


def test_the_second_time_nothing_is_touched(tmp_path: Path):
    put(tmp_path)
    before = (tmp_path / "model.py").stat().st_mtime_ns
    assert put(tmp_path).is_unchanged
    assert (tmp_path / "model.py").stat().st_mtime_ns == before


def test_stale_files_go_and_so_do_their_folders(tmp_path: Path):
    put(tmp_path)
    (tmp_path / "support" / "__pycache__").mkdir()
    (tmp_path / "support" / "__pycache__" / "data.pyc").touch()
    result = put(tmp_path, {"model.py": "x = 1\n"})
    assert result.removed == ("support/data.py",)
    assert present(tmp_path) == ["manifest.json", "model.py"]
    assert not (tmp_path / "support").exists()


def test_files_of_others_stay(tmp_path: Path):
    put(tmp_path)
    (tmp_path / "support" / "notes.txt").write_text("mine")
    put(tmp_path, {"model.py": "x = 1\n"})
    assert present(tmp_path) == ["manifest.json", "model.py", "support/notes.txt"]


@pytest.mark.parametrize("new", [{"model.py": "x = 3\n"}, {"other.py": ""}])
def test_an_edited_file_is_neither_overwritten_nor_removed(tmp_path: Path, new: dict[str, str]):
    put(tmp_path)
    (tmp_path / "model.py").write_text("mine\n")
    with pytest.raises(SpecError) as caught:
        put(tmp_path, new)
    [problem] = caught.value.diagnostics
    assert problem.code == "NASH402"
    assert problem.message == f"model.py in {tmp_path} was edited since nashc wrote it"
    assert (tmp_path / "model.py").read_text() == "mine\n"
    assert (tmp_path / "support" / "data.py").exists()
    result = put(tmp_path, new, force=True)
    assert result.kept == ("model.py",)
    assert (tmp_path / "model.py.orig").read_text() == "mine\n"


def test_a_file_that_was_never_ours_counts_as_edited(tmp_path: Path):
    (tmp_path / "model.py").write_text("a person's own\n")
    with pytest.raises(SpecError, match="NASH402"):
        put(tmp_path)
    assert present(tmp_path) == ["model.py"]


def test_an_edit_that_says_the_same_is_fine(tmp_path: Path):
    (tmp_path / "model.py").write_text("x = 1\n")
    assert put(tmp_path).written == ("manifest.json", "support/data.py")


def test_a_removed_file_is_written_again(tmp_path: Path):
    put(tmp_path)
    (tmp_path / "model.py").unlink()
    assert put(tmp_path).written == ("model.py",)


@pytest.mark.parametrize("manifest", ["", "{", "[]", '{"files": 3}', '{"files": {"../x": "1"}}'])
def test_a_damaged_manifest_protects_everything(tmp_path: Path, manifest: str):
    put(tmp_path)
    (tmp_path / "manifest.json").write_text(manifest)
    with pytest.raises(SpecError, match="NASH402"):
        put(tmp_path, {"model.py": "x = 3\n"})


def test_a_run_cut_short_between_two_files_is_no_edit(tmp_path: Path, monkeypatch):
    put(tmp_path)
    new = {"model.py": "x = 3\n", "support/data.py": "y = 4\n"}
    replace = Path.replace

    def cut_short(self: Path, target: Path) -> Path:
        if self.name == "data.py":
            raise KeyboardInterrupt
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", cut_short)
    with pytest.raises(KeyboardInterrupt):
        put(tmp_path, new)
    monkeypatch.undo()
    assert (tmp_path / "model.py").read_text() == "x = 3\n"
    put(tmp_path, FILES)
    assert present(tmp_path) == ["manifest.json", "model.py", "support/data.py"]


KILLED = """
import os, sys
from pathlib import Path
from nashc.emit.write import write
Path.replace = lambda *_: os.kill(os.getpid(), 9)
write({"model.py": "x = 3"}, Path(sys.argv[1]), "d1")
"""


@pytest.mark.skipif(os.name != "posix", reason="elsewhere nobody can be asked for without harm")
def test_what_a_killed_compile_left_goes_with_the_next_one(tmp_path: Path):
    put(tmp_path)
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
    [left] = tmp_path.glob(".nashc-*")
    others = tmp_path / f".nashc-{os.getpid()}-running", tmp_path / ".nashc-notes"
    for folder in others:
        folder.mkdir()
    put(tmp_path)
    assert not left.exists()
    assert all(folder.exists() for folder in others)


def test_a_folder_that_cannot_be_written(tmp_path: Path):
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(SpecError) as caught:
            put(out)
        [problem] = caught.value.diagnostics
        assert problem.code == "NASH401"
        assert problem.message.startswith(f"the output folder {out} cannot be written: ")


def test_a_full_disk_leaves_the_old_state(tmp_path: Path, monkeypatch):
    put(tmp_path)
    write_bytes = Path.write_bytes

    def full(self: Path, content: bytes) -> int:
        if self.name == "data.py":
            raise OSError(28, "No space left on device")
        return write_bytes(self, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(SpecError, match="no space left on device"):
        put(tmp_path, {"model.py": "x = 3\n", "support/data.py": "y = 4\n"})
    monkeypatch.undo()
    assert (tmp_path / "model.py").read_text() == "x = 1\n"
    assert present(tmp_path) == ["manifest.json", "model.py", "support/data.py"]


def test_no_path_leads_out_of_the_folder(tmp_path: Path):
    for path in ("../x", "/x", "a/../../x", "", "a\\b"):
        with pytest.raises(ValueError, match="not a path inside"):
            put(tmp_path, {path: ""})


def test_what_would_change_can_be_asked(tmp_path: Path):
    assert outdated(FILES, tmp_path, "d1", name="net") is None
    put(tmp_path)
    assert outdated(FILES, tmp_path, "d1", name="net") == ()
    assert outdated({"model.py": "z\n"}, tmp_path, "d1", name="net") == (
        "manifest.json",
        "model.py",
        "support/data.py",
    )
