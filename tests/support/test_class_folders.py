"""Class folders: whole, in order, decoded at any size; and a clear word where they are broken."""

import shutil
import tarfile

import numpy as np
import pytest

pytest.importorskip("torch")
Image = pytest.importorskip("PIL.Image")

from support.data import datasets as data  # noqa: E402
from tests.support.image_sets import FOLDER, refusal  # noqa: E402

pytestmark = pytest.mark.torch


def test_folders(folders, tmp_path):
    images, labels = data.load(FOLDER, "train", tmp_path)
    assert images.shape == (6, 3, 16, 24) and labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert images[0, :, 8, 8].tolist() == [0, 0, 250] and images[5, :, 8, 8].tolist() == [250, 0, 0]
    assert data.load(FOLDER, "test", tmp_path)[1].tolist() == [0, 0, 1, 1]


def test_grey_pictures_from_colour_files(folders, tmp_path):
    assert data.load(FOLDER | {"channels": 1}, "test", tmp_path)[0].shape == (4, 1, 16, 24)


@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_of_16_bits_keep_their_shades(folders, tmp_path, channels):
    deep = Image.fromarray(np.full((20, 40), 0x8000, np.uint16))
    deep.save(folders / "val" / "blue" / "0.png")
    images, _ = data.load(FOLDER | {"channels": channels}, "test", tmp_path)
    assert (images[0] == 0x80).all()


def test_a_data_set_is_known_wherever_it_lies(folders, tmp_path):
    def digests(path):
        settings = FOLDER | {"path": path}
        return [data.open_dataset(settings, it, tmp_path).digest() for it in ("train", "test")]

    found = digests("images")
    assert found[0] != found[1]
    with tarfile.open(tmp_path / "images.tar", "w") as tar:
        tar.add(folders, "there")
    assert digests("images.tar") == found
    folders.rename(tmp_path / "moved")
    assert digests("moved") == found
    red = tmp_path / "moved" / "train" / "red"
    (red / "0.png").rename(red / "00.png")
    assert digests("moved")[0] != found[0] and digests("moved")[1] == found[1]


def test_a_test_folder_without_classes_leaves_the_test_to_val(folders, tmp_path):
    wanted = data.load(FOLDER, "test", tmp_path)[1].tolist()
    (folders / "test").mkdir()
    shutil.copy(folders / "val" / "red" / "0.png", folders / "test" / "unknown.png")
    assert data.load(FOLDER, "test", tmp_path)[1].tolist() == wanted == [0, 0, 1, 1]


def test_a_folder_named_like_a_picture_is_none(folders, tmp_path):
    (folders / "val" / "red" / "more.png").mkdir()
    assert len(data.load(FOLDER, "test", tmp_path)[1]) == 4


def test_a_link_to_nothing_is_named(folders, tmp_path):
    picture = folders / "train" / "red" / "1.png"
    picture.rename(tmp_path / "away.png")
    picture.symlink_to("gone.png")
    assert refusal(FOLDER, "train", tmp_path) == (
        "cannot read ROOT/images/train/red/1.png: it is a link to gone.png, which is not there"
    )


def test_folders_that_are_broken(folders, tmp_path):
    broken = folders / "train" / "red" / "1.png"
    broken.write_bytes(broken.read_bytes()[:60])
    assert refusal(FOLDER, "train", tmp_path).startswith(
        "ROOT/images/train/red/1.png is no image, or a broken one"
    )
    broken.write_bytes(b"")
    assert refusal(FOLDER, "train", tmp_path) == (
        "ROOT/images/train/red/1.png is no image, or a broken one: it is empty"
    )
    broken.write_bytes(b"no image at all")
    assert refusal(FOLDER, "train", tmp_path) == (
        "ROOT/images/train/red/1.png is no image, or a broken one: it has the format of no image"
    )
    (folders / "val" / "green").mkdir()
    assert refusal(FOLDER, "test", tmp_path) == (
        "ROOT/images/val has other class folders than ROOT/images/train"
    )
    (folders / "val" / "green").rmdir()
    for file in (folders / "val" / "red").iterdir():
        file.unlink()
    assert refusal(FOLDER, "test", tmp_path) == "ROOT/images/val/red holds no image"
    (folders / "val").rename(folders / "validation")
    assert refusal(FOLDER, "test", tmp_path) == (
        "ROOT/images has no test or val folder with class folders"
    )
    (folders / "train").rename(folders / "training")
    assert refusal(FOLDER, "train", tmp_path) == "ROOT/images has no class folders"


def test_large_jpegs_are_decoded_small_and_look_the_same(folders, tmp_path, monkeypatch):
    rows, columns = np.mgrid[0:600, 0:800]
    smooth = np.stack([rows * 0.4, columns * 0.3, 128 + 100 * np.sin(rows / 40)], axis=-1)
    for file in (folders / "val" / "red").iterdir():
        Image.fromarray(smooth.astype(np.uint8)).save(file.with_suffix(".jpg"), quality=95)
        file.unlink()
    small = data.load(FOLDER, "test", tmp_path)[0][2].astype(int)
    monkeypatch.setattr("PIL.JpegImagePlugin.JpegImageFile.draft", lambda *_: None)
    full = data.load(FOLDER, "test", tmp_path)[0][2].astype(int)
    assert 0 < abs(small - full).max() <= 6  # measured: 3
