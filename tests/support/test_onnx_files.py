"""Models are written behind the back of the next step, and nothing of it is lost."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

onnx = pytest.importorskip("onnx")

from support.export import onnx_files  # noqa: E402
from support.progress import StageError  # noqa: E402


def model(name: str) -> onnx.ModelProto:
    return onnx.helper.make_model(onnx.helper.make_graph([], name, [], []))


def test_a_model_is_written_as_it_was_when_it_was_given(tmp_path: Path):
    paths, digests = [tmp_path / "new" / "a.onnx", tmp_path / "b.onnx"], []
    one = model("before")
    with onnx_files.writing() as writer:
        writer.save(one, *paths, then=digests.append)
        one.graph.name = "after"
        writer.save(one, tmp_path / "c.onnx", then=digests.append)
    assert [onnx.load(path).graph.name for path in paths] == ["before", "before"]
    assert onnx.load(tmp_path / "c.onnx").graph.name == "after"
    files = (paths[1], tmp_path / "c.onnx")
    assert digests == [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]


def test_what_was_given_is_written_when_the_next_step_fails(tmp_path: Path):
    done = []
    with pytest.raises(ZeroDivisionError), onnx_files.writing() as writer:
        writer.save(model("kept"), tmp_path / "kept.onnx", then=done.append)
        raise ZeroDivisionError
    assert onnx.load(tmp_path / "kept.onnx").graph.name == "kept"
    assert len(done) == 1


def test_what_a_killed_build_left_half_written_is_removed(tmp_path: Path):
    (tmp_path / ".step.nashc-x1y2.onnx").write_bytes(b"half")
    with onnx_files.writing() as writer:
        writer.save(model("whole"), tmp_path / "step.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["step.onnx"]


def test_an_error_of_writing_is_told_and_nothing_is_done_with_the_digest(tmp_path: Path):
    (tmp_path / "folder.onnx").mkdir()
    done = []
    with pytest.raises(OSError, match="directory"), onnx_files.writing() as writer:
        writer.save(model("lost"), tmp_path / "folder.onnx", then=done.append)
    assert done == []


def test_a_full_disk_is_told_by_the_next_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(path: Path, content: bytes) -> None:
        raise StageError(f"cannot write {path}: no space left on device")

    monkeypatch.setattr(onnx_files, "write_bytes", full)
    with onnx_files.writing() as writer:
        writer.save(model("first"), tmp_path / "first.onnx")
        with pytest.raises(StageError, match=r"first\.onnx: no space left"):
            writer.save(model("second"), tmp_path / "second.onnx")
