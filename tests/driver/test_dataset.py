"""A data set that changed is noticed, one that only lies elsewhere is not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nashc.diagnostics import SpecError
from nashc.driver.dataset import fingerprint
from tests.driver.lab import Lab


def pictures(folder: Path) -> Path:
    for name in ("train/cat/1.png", "train/dog/1.png", "test/cat/1.png", "test/dog/1.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"the picture {name}")
    return folder


def test_a_folder_is_its_names_and_sizes(tmp_path: Path):
    first, second = (fingerprint(pictures(tmp_path / name)) for name in ("first", "second"))
    assert first and first == second and first["files"] == 4
    (tmp_path / "first/test/cat/1.png").rename(tmp_path / "first/test/cat/2.png")
    (tmp_path / "second/test/cat/1.png").write_text("another")
    changed = [fingerprint(tmp_path / name) for name in ("first", "second")]
    assert first not in changed and changed[0] != changed[1]
    assert fingerprint(tmp_path / "third") is None


def test_a_file_is_its_size_and_its_content_here_and_there(tmp_path: Path):
    path = tmp_path / "data.tar"
    path.write_bytes(bytes(1 << 20))
    before = fingerprint(path)
    for place in (0, 1 << 19, (1 << 20) - 1):
        content = bytearray(1 << 20)
        content[place : place + 20_000] = bytes([1]) * min(20_000, (1 << 20) - place)
        path.write_bytes(content)
        assert fingerprint(path) != before


def test_changed_data_trains_again(lab: Lab):
    pictures(lab.folder / "pets")
    text = lab.spec.read_text()
    lab.spec.write_text(text.replace("= digits", '= folder("pets")'))
    lab.run()
    lab.calls()
    lab.run(data=pictures(lab.folder / "elsewhere"))
    assert lab.called() == []
    (lab.folder / "pets/train/cat/2.png").touch()
    [row] = [row for row in lab.plan().rows if row.stage == "search"]
    assert row.action == "run"
    assert row.why.startswith("data: bytes ") or row.why.startswith("data: digest ")
    (lab.folder / "pets").rename(lab.folder / "gone")
    assert lab.run().is_all_kept


def test_a_search_is_told_of_the_images_of_the_training_behind_it(lab: Lab):
    """It looks at them before it begins; one that ends the run has no need of them."""
    pets = pictures(lab.folder / "pets")
    lab.edit("= digits", '= folder("pets")')
    lab.run(last="search")
    assert "--training-data" not in lab.calls()[0]["argv"]
    lab.run(force=frozenset({"search"}))
    search, train = lab.calls()[:2]
    place = search["argv"].index("--training-data")
    assert search["argv"][place + 1] == str(pets)
    assert "--training-data" not in train["argv"]


def test_data_that_cannot_be_read_are_told(lab: Lab):
    pictures(lab.folder / "pets")
    lab.spec.write_text(lab.spec.read_text().replace("= digits", '= folder("pets")'))
    loop = lab.folder / "pets" / "train" / "bird"
    loop.symlink_to("bird")
    with pytest.raises(SpecError) as told:
        lab.run()
    [diagnostic] = told.value.diagnostics
    assert diagnostic.code == "NASH502"
    assert diagnostic.message == (
        f"{lab.folder / 'pets'} cannot be read: too many levels of symbolic links ({loop})"
    )


def test_a_data_folder_whose_name_is_no_text(lab: Lab):
    """Named before Unicode: the command in the log is one that can be repeated."""
    root = os.fsencode(lab.folder) + b"/caf\xe9"
    lab.environment["NASHC_DATA"] = os.fsdecode(root)
    pictures(Path(os.fsdecode(root)) / "pets")
    lab.edit("= digits", '= folder("pets")')
    lab.run()
    [log] = lab.out.glob("results/train/*/log.txt")
    assert b"$ NASHC_DATA='%s' " % root in log.read_bytes()


def test_changed_weights_to_start_from_train_again(lab: Lab):
    lab.edit("train {", 'train {\n  start = "first.safetensors"')
    assert any("no weights to start from" in problem.message for problem in lab.plan().fatal)
    weights = lab.folder / "first.safetensors"
    weights.write_bytes(b"some weights")
    lab.run()
    assert lab.run().is_all_kept
    weights.write_bytes(b"others")
    [row] = [row for row in lab.plan().rows if row.stage == "train"]
    assert (row.action, row.why[:18]) == ("run", "data: start.bytes ")
    weights.unlink()
    assert lab.run().is_all_kept
