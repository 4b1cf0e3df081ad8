"""Class folders in a tar, whose index is kept where it is large."""

import contextlib
import os
import tarfile
import time

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("PIL")

from support import cache
from support.data import datasets, tars
from support.progress import StageError
from tests.support.image_sets import FOLDER, picture, refusal

pytestmark = pytest.mark.torch


def test_folders_in_a_tar(folders, tmp_path):
    wanted = datasets.load(FOLDER, "train", tmp_path)
    for packing in ("", "gz", "bz2", "xz"):
        path = tmp_path / f"images.tar.{packing}"
        with tarfile.open(path, f"w:{packing}") as archive:
            archive.add(folders, "images")
        found = datasets.load(FOLDER | {"path": path.name}, "train", tmp_path)
        assert np.array_equal(found[0], wanted[0]) and np.array_equal(found[1], wanted[1])


def test_links_in_a_tar_are_named(folders, tmp_path):
    picture = folders / "train" / "red" / "1.png"
    for link in (os.symlink, os.link):
        picture.unlink()
        link(picture.with_name("0.png"), picture)
        with tarfile.open(tmp_path / "images.tar.gz", "w:gz") as archive:
            archive.add(folders, "images")
        assert refusal(FOLDER | {"path": "images.tar.gz"}, "train", tmp_path) in {
            f"ROOT/images.tar.gz holds images/train/red/{number}.png as a link, without its content"
            for number in (0, 1)  # of two hard links the second one
        }


def test_a_picture_that_a_tar_has_twice_is_the_later_one(folders, tmp_path):
    path = tmp_path / "images.tar"
    with tarfile.open(path, "w") as archive:
        archive.add(folders, "images")
    (folders / "train" / "red" / "1.png").write_bytes(picture((0, 250, 0)))
    with tarfile.open(path, "a") as archive:
        archive.add(folders / "train" / "red" / "1.png", "images/train/red/1.png")
    images, labels = datasets.load(FOLDER | {"path": path.name}, "train", tmp_path)
    assert labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert images[4, :, 8, 8].tolist() == [0, 250, 0]


def test_a_tar_that_was_cut_off_anywhere(folders, tmp_path):
    path = tmp_path / "images.tar"
    with tarfile.open(path, "w") as archive:
        archive.add(folders, "images")
        end = archive.offset
    whole = path.read_bytes()
    settings = FOLDER | {"path": path.name}
    for size in range(0, end + 1, 256):
        path.write_bytes(whole[:size])
        assert refusal(settings, "train", tmp_path).startswith(
            "ROOT/images.tar is cut off or no tar"
        )
    path.write_bytes(whole[: end + 1024])
    assert datasets.load(settings, "train", tmp_path)[1].tolist() == [0, 0, 0, 1, 1, 1]


@pytest.fixture
def large(folders, tmp_path, monkeypatch):
    """A tar as if it were so large that its index is kept, and last changed a minute ago."""
    monkeypatch.setattr(tars, "INDEX_KEPT_FROM", 1)
    monkeypatch.setattr(cache, "REMEMBERED_FROM_BYTES", 1)
    monkeypatch.setenv("NASHC_CACHE", str(tmp_path / "cache"))
    return packed(folders, tmp_path / "images.tar", 60)


def packed(folders, path, seconds_ago):
    with tarfile.open(path, "w") as archive:
        archive.add(folders, "images")
    changed_s = time.time() - seconds_ago
    os.utime(path, (changed_s, changed_s))
    return path


def scans(monkeypatch):
    """How often a tar was read through."""
    found, scan = [], tars._scan
    monkeypatch.setattr(tars, "_scan", lambda *it: (found.append(it[0]), scan(*it))[1])
    return found


def test_the_index_of_a_large_tar_is_kept(large, folders, tmp_path, monkeypatch):
    settings, read = FOLDER | {"path": large.name}, scans(monkeypatch)
    wanted = datasets.load(settings, "train", tmp_path)
    for _ in range(2):
        found = datasets.load(settings, "train", tmp_path)
        assert np.array_equal(found[0], wanted[0]) and np.array_equal(found[1], wanted[1])
    assert len(read) == 1
    (folders / "train" / "red" / "3.png").write_bytes(picture((0, 250, 0)))
    packed(folders, large, 30)  # another tar at the same place
    assert len(datasets.load(settings, "train", tmp_path)[1]) == 7 and len(read) == 2
    packed(
        folders, large, 0
    )  # changed so lately that it may change again within one tick of the clock
    for _ in range(2):
        datasets.load(settings, "train", tmp_path)
    assert len(read) == 4


@pytest.mark.parametrize("damage", ["half", "bit", "empty"])
def test_a_broken_index_is_made_again(large, tmp_path, monkeypatch, damage):
    settings, read = FOLDER | {"path": large.name}, scans(monkeypatch)
    wanted = datasets.load(settings, "train", tmp_path)
    [index] = (tmp_path / "cache").glob("*.tar-index")
    content = bytearray(index.read_bytes())
    content[100] ^= 1
    index.write_bytes({"half": content[:200], "bit": content, "empty": b""}[damage])
    found = datasets.load(settings, "train", tmp_path)
    assert np.array_equal(found[0], wanted[0]) and len(read) == 2
    datasets.load(settings, "train", tmp_path)
    assert len(read) == 2


def test_another_tar_under_the_same_time_and_size_is_noticed(large, tmp_path, monkeypatch):
    settings, read = FOLDER | {"path": large.name}, scans(monkeypatch)
    datasets.load(settings, "train", tmp_path)
    about = large.stat()
    large.write_bytes(large.read_bytes()[:-20_480].ljust(about.st_size, b"\0"))
    os.utime(large, ns=(about.st_atime_ns, about.st_mtime_ns))
    with contextlib.suppress(StageError):
        datasets.load(settings, "train", tmp_path)
    assert len(read) == 2


def test_without_a_cache_a_large_tar_is_read_through(large, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("NASHC_CACHE", str(tmp_path / "file" / "cache"))
    settings, read = FOLDER | {"path": large.name}, scans(monkeypatch)
    for _ in range(2):
        assert len(datasets.load(settings, "train", tmp_path)[1]) == 6
    assert len(read) == 2


def test_the_digest_of_a_large_file_is_remembered(large, tmp_path, monkeypatch):
    wanted = cache.sha256(large)
    assert cache.remembered_sha256(large) == wanted
    with monkeypatch.context() as patch:
        patch.setattr(cache, "sha256", None)
        assert cache.remembered_sha256(large) == wanted
    [kept] = (tmp_path / "cache").glob("*.sha256")
    kept.write_text("half of i")
    assert cache.remembered_sha256(large) == wanted


def test_what_a_killed_process_left_in_the_cache_goes(folders, tmp_path, monkeypatch):
    monkeypatch.setenv("NASHC_CACHE", str(tmp_path / "cache"))
    with tarfile.open(tmp_path / "images.tar.gz", "w:gz") as archive:
        archive.add(folders, "images")
    digest = cache.sha256(tmp_path / "images.tar.gz")
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / f".{digest}.nashc-abcdefgh.tar").write_bytes(b"half of it")
    datasets.load(FOLDER | {"path": "images.tar.gz"}, "train", tmp_path)
    assert [it.name for it in (tmp_path / "cache").glob("*.tar")] == [f"{digest}.tar"]
    assert not [*(tmp_path / "cache").glob(".*.tar")]


def test_a_cache_that_cannot_be_written(folders, tmp_path, monkeypatch):
    with tarfile.open(tmp_path / "images.tar.gz", "w:gz") as archive:
        archive.add(folders, "images")
    (tmp_path / "file").touch()
    monkeypatch.setenv("NASHC_CACHE", str(tmp_path / "file" / "cache"))
    settings = FOLDER | {"path": "images.tar.gz"}
    assert refusal(settings, "train", tmp_path) == "the cache ROOT/file/cache cannot be written"
