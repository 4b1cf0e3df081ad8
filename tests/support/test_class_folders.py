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


def test_what_is_passed_over_is_told(folders, tmp_path):
    red = folders / "train" / "red"
    (red / "deeper" / "still").mkdir(parents=True)
    for number in (8, 7):
        shutil.copy(red / "0.png", red / "deeper" / "still" / f"{number}.png")
    for file in ("a.tiff", "z.txt", "blue/.DS_Store", "blue/.hidden/0.png"):
        (folders / "train" / file).parent.mkdir(exist_ok=True)
        (folders / "train" / file).write_bytes(b"")
    with tarfile.open(tmp_path / "images.tar", "w") as tar:
        tar.add(folders, "images")
        tar.add(red / "0.png", "images/about.png")  # near no split
    for path, place in (("images", "ROOT/images"), ("images.tar", "images")):
        found = data.open_dataset(FOLDER | {"path": path}, "train", tmp_path)
        assert len(found.labels) == 6
        assert found.note.replace(str(tmp_path), "ROOT") == (
            f"4 files are passed over in ROOT/{path}/train, such as {place}/train/red/deeper/still/7.png: "
            ".bmp, .jpeg, .jpg, .png, .ppm, .webp are read, right in a class folder"
        )
        assert data.open_dataset(FOLDER | {"path": path}, "test", tmp_path).note == ""


def test_a_class_whose_pictures_all_lie_deeper(folders, tmp_path):
    (folders / "train" / "red").rename(tmp_path / "monday")
    (folders / "train" / "red").mkdir()
    (tmp_path / "monday").rename(folders / "train" / "red" / "monday")
    with tarfile.open(tmp_path / "images.tar", "w") as tar:
        tar.add(folders, "images")
    for path, place in (("images", "ROOT/images"), ("images.tar", "images")):
        assert refusal(FOLDER | {"path": path}, "train", tmp_path) == (
            f"ROOT/{path}/train/red holds images only in folders deeper down, "
            f"such as {place}/train/red/monday/0.png"
        )


def test_a_class_without_any_picture(folders, tmp_path):
    for file in (folders / "val" / "red").iterdir():
        file.rename(file.with_suffix(".tiff"))
    assert refusal(FOLDER, "test", tmp_path) == (
        "ROOT/images/val/red holds no image, only files such as ROOT/images/val/red/0.tiff"
    )


def test_a_folder_that_cannot_be_read(folders, tmp_path):
    (folders / "train" / "green").symlink_to("green")
    assert refusal(FOLDER, "train", tmp_path) == (
        "cannot read ROOT/images/train/green: too many levels of symbolic links"
    )


def grey(shade, size=(40, 20)):
    return Image.new("L", size, shade)


def cmyk():
    return Image.new("CMYK", (40, 20), (0, 255, 255, 0))  # red


def palette_with_alpha():
    picture = Image.new("P", (40, 20), 1)
    picture.putpalette([0, 0, 0, 0, 250, 0])
    picture.info["transparency"] = bytes([0, 10])
    return picture


KINDS = {
    "grey": (grey(90), "png", {}, (90, 90, 90)),
    "one bit": (grey(255).convert("1"), "png", {}, (255, 255, 255)),
    "alpha": (Image.new("RGBA", (40, 20), (9, 8, 7, 3)), "png", {}, (9, 8, 7)),
    "grey and alpha": (Image.new("LA", (40, 20), (9, 3)), "png", {}, (9, 9, 9)),
    "palette": (palette_with_alpha(), "png", {"transparency": bytes([0, 10])}, (0, 250, 0)),
    "four inks": (cmyk(), "jpg", {"quality": 95}, (255, 0, 0)),
    "one pixel": (grey(70, (1, 1)), "png", {}, (70, 70, 70)),
    "a line": (grey(70, (1, 3000)), "png", {}, (70, 70, 70)),
    "frames": (
        grey(200),
        "webp",
        {"save_all": True, "append_images": [grey(9)], "lossless": True},
        (200, 200, 200),
    ),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", KINDS)
def test_pictures_of_other_kinds(folders, tmp_path, kind):
    """docs/training.md: their colours count, nothing else; of several frames the first."""
    picture, suffix, options, colour = KINDS[kind]
    (folders / "val" / "red" / "0.png").unlink()
    picture.save(folders / "val" / "red" / f"0.{suffix}", **options)
    images, labels = data.load(FOLDER, "test", tmp_path)
    found = images[2].reshape(3, -1)
    assert labels[2] == 1 and (found == np.array(colour)[:, None]).all()


def test_a_picture_that_pillow_finds_too_large(folders, tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    assert refusal(FOLDER, "test", tmp_path).startswith(
        "ROOT/images/val/blue/0.png is too large: Image size (800 pixels) exceeds limit of 20 pixels"
    )


def test_a_turned_photograph_is_taken_as_its_pixels_lie(folders, tmp_path):
    pixels = np.zeros((20, 40, 3), np.uint8)
    pixels[:, :20] = 200
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    Image.fromarray(pixels).save(folders / "val" / "red" / "0.png", exif=exif)
    image = data.load(FOLDER, "test", tmp_path)[0][2]
    assert (image[:, :, 2] == 200).all() and (image[:, :, -3] == 0).all()


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
