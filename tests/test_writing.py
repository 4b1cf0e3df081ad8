"""Files at the places that users name: links, devices, pipes, full disks, and what is in the way."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nashc.diagnostics import SpecError
from nashc.writing import check_place, write_file


def test_folders_are_made_and_permissions_stay(tmp_path: Path):
    path = tmp_path / "new" / "sub" / "it.json"
    write_file(path, "one")
    path.chmod(0o640)
    write_file(path, "two é")
    assert path.read_text(encoding="utf-8") == "two é" and path.stat().st_mode & 0o777 == 0o640
    assert [it.name for it in path.parent.iterdir()] == ["it.json"]


def test_links_are_followed_to_what_is_there_and_to_what_is_not(tmp_path: Path):
    (tmp_path / "real").mkdir()
    for name in ("old", "new"):
        (tmp_path / name).symlink_to(Path("real", name))
    (tmp_path / "real" / "old").write_text("before")
    for name in ("old", "new"):
        write_file(tmp_path / name, name)
        assert (tmp_path / name).is_symlink() and (tmp_path / "real" / name).read_text() == name


def test_a_device_is_written_and_stays_one():
    write_file(Path(os.devnull), "text")
    check_place(Path(os.devnull))
    assert Path(os.devnull).is_char_device()


def test_a_pipe_is_written(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    with subprocess.Popen(["cat", tmp_path / "pipe"], stdout=subprocess.PIPE) as reader:
        write_file(tmp_path / "pipe", "text")
        assert reader.communicate(timeout=10)[0] == b"text"
    assert (tmp_path / "pipe").is_fifo()


@pytest.mark.parametrize("goes_to", ["a file", "a pipe"])
def test_standard_output_by_its_name_keeps_its_place(tmp_path: Path, goes_to: str):
    program = (
        "import pathlib, nashc.writing as w\n"
        "print('before')\n"
        "w.write_file(pathlib.Path('/dev/stdout'), 'file\\n')\n"
        "print('behind')"
    )
    command = [sys.executable, "-c", program]
    if goes_to == "a pipe":
        said = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    else:
        with (tmp_path / "out").open("w") as out:
            subprocess.run(command, stdout=out, check=True)
        said = (tmp_path / "out").read_text()
    assert said == "before\nfile\nbehind\n"


@pytest.mark.parametrize(
    ("place", "why"),
    [
        ("file/it", "not a directory"),
        ("file/below/it", "not a directory"),
        ("folder", "is a directory"),
        ("loop", "too many levels of symbolic links"),
        ("/proc/it", "no such file or directory"),
    ],
)
def test_what_is_in_the_way_is_told_before_and_when_written(tmp_path: Path, place: str, why: str):
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    path = tmp_path / place
    for attempt in (check_place, lambda path: write_file(path, "text")):
        with pytest.raises(SpecError) as caught:
            attempt(path)
        [problem] = caught.value.diagnostics
        assert (problem.code, problem.message) == ("NASH401", f"{path} cannot be written: {why}")


def test_a_place_that_is_checked_stays_as_it_is(tmp_path: Path):
    check_place(tmp_path / "new" / "it")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch):
    path = tmp_path / "it"
    path.write_text("before")

    def full(self: Path, _data: bytes) -> int:
        self.touch()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(SpecError, match="cannot be written: no space left on device"):
        write_file(path, "behind")
    assert path.read_text() == "before" and list(tmp_path.iterdir()) == [path]
