"""Images from every kind of place: whole, in order, reproducible; and a clear word where they are broken."""

import contextlib
import io
import os
import pickle
import struct
import tarfile
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
Image = pytest.importorskip("PIL.Image")

from support import cache, cifar10, data, tars  # noqa: E402
from support.progress import StageError  # noqa: E402

pytestmark = pytest.mark.torch

DIGITS = {
    "kind": "digits",
    "path": None,
    "channels": 1,
    "height": 8,
    "width": 8,
    "classes": 10,
    "augment": {"flip": False, "crop": 1},
}
CIFAR10 = {
    "kind": "cifar10",
    "path": "cifar",
    "channels": 3,
    "height": 32,
    "width": 32,
    "classes": 10,
}
FOLDER = {
    "kind": "folder",
    "path": "images",
    "channels": 3,
    "height": 16,
    "width": 24,
    "classes": 2,
    "augment": {"flip": True},
}


def refusal(settings, split="train", root=None):
    with pytest.raises(StageError) as caught:
        data.load(settings, split, root)
    text = caught.value.message
    return text if root is None else text.replace(str(root), "ROOT")


# --- digits -----------------------------------------------------------------------------------------------------


def test_digits():
    pytest.importorskip("sklearn")
    images, labels = data.load(DIGITS, "train")
    test_images, test_labels = data.load(DIGITS, "test")
    assert images.shape == (1438, 1, 8, 8) and test_images.shape == (359, 1, 8, 8)
    assert images.dtype == np.uint8 and labels.dtype == np.int64
    assert len(np.unique(images)) == 17 and images.max() == 255
    share = np.bincount(test_labels) / (np.bincount(labels) + np.bincount(test_labels))
    assert share.min() > 0.19 and share.max() < 0.21


def test_the_network_must_fit_the_data():
    pytest.importorskip("sklearn")
    assert refusal(DIGITS | {"height": 28, "width": 28}) == (
        "the images of digits are 1x8x8, the network takes 1x28x28"
    )
    assert refusal(DIGITS | {"classes": 100}) == (
        "the data set digits has 10 classes, the network tells 100 apart"
    )
    assert refusal(DIGITS | {"kind": "mnist"}) == "no data set is called 'mnist'"


def test_halves_share_nothing_and_have_the_same_mix():
    pytest.importorskip("sklearn")
    whole = data.open_dataset(DIGITS, "train")
    first, second = data.halves(whole, seed=2)
    assert sorted([*first.chosen, *second.chosen]) == list(range(1438))
    assert abs(np.bincount(first.labels) - np.bincount(second.labels)).max() <= 1
    assert np.array_equal(first.chosen, data.halves(whole, seed=2)[0].chosen)
    assert not np.array_equal(first.chosen, data.halves(whole, seed=3)[0].chosen)


# --- batches ----------------------------------------------------------------------------------------------------


def small(count=10, side=4, **augment):
    pixels = np.arange(count * side * side, dtype=np.uint8).reshape(count, 1, side, side)
    return data.MemoryImages(pixels, np.arange(count, dtype=np.int64), **augment)


def collected(batches):
    return [(images.tolist(), labels.tolist()) for images, labels in batches]


def test_an_epoch_taken_up_in_the_middle_goes_on_with_the_same_batches():
    dataset = small(flip=True, crop=1)
    whole = collected(data.training_batches(dataset, 3, seed=1, epoch=5))
    rest = collected(data.training_batches(dataset, 3, seed=1, epoch=5, start=2))
    assert len(whole) == data.steps_per_epoch(dataset, 3) == 3
    assert rest == whole[2:]
    assert whole != collected(data.training_batches(dataset, 3, seed=1, epoch=6))


def test_test_batches_are_everything_in_order():
    batches = collected(data.test_batches(small(flip=True, crop=1), 4))
    assert [labels for _, labels in batches] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert batches[0][0] == small().pixels[:4].tolist()


def test_a_batch_larger_than_the_data_is_all_of_it():
    [(_, labels)] = collected(data.training_batches(small(), 64, seed=1, epoch=0))
    assert sorted(labels) == list(range(10))


def test_augmentation_moves_and_mirrors_whole_pixels():
    pixels = np.zeros((400, 1, 5, 5), dtype=np.uint8)
    pixels[:, 0, 2, 1] = 200
    dataset = data.MemoryImages(pixels, np.zeros(400, dtype=np.int64), flip=True, crop=1)
    found = dataset.images(np.arange(400), np.random.default_rng(0).random((400, data.DRAWS)))
    assert found.dtype == np.uint8 and found.shape == pixels.shape
    places = {tuple(place) for place in np.argwhere(found[:, 0] == 200)[:, 1:].tolist()}
    assert places == {(row, column) for row in (1, 2, 3) for column in (0, 1, 2, 3, 4)}
    assert (found.reshape(400, -1).sum(1) == 200).all()


# --- CIFAR-10 ---------------------------------------------------------------------------------------------------


def records(count, first_label=0):
    draws = np.random.default_rng(first_label)
    table = draws.integers(0, 256, (count, 3073), dtype=np.uint8)
    table[:, 0] = (first_label + np.arange(count)) % 10
    return table


@pytest.fixture
def binary(tmp_path):
    folder = tmp_path / "cifar" / "cifar-10-batches-bin"
    folder.mkdir(parents=True)
    for number in range(1, 6):
        (folder / f"data_batch_{number}.bin").write_bytes(records(10, number).tobytes())
    (folder / "test_batch.bin").write_bytes(records(10).tobytes())
    return folder


def test_cifar10_binary(binary, tmp_path):
    images, labels = data.load(CIFAR10, "train", tmp_path)
    assert images.shape == (50, 3, 32, 32)
    first = records(10, 1)
    assert np.array_equal(images[0].reshape(-1), first[0, 1:]) and labels[0] == 1
    assert data.load(CIFAR10, "test", tmp_path)[0].shape == (10, 3, 32, 32)


@pytest.mark.parametrize("packing", ["gz", "xz", ""])
def test_cifar10_binary_in_a_tar(binary, tmp_path, packing):
    path = tmp_path / f"cifar.tar.{packing}"
    with tarfile.open(path, f"w:{packing}") as archive:
        archive.add(binary, "cifar-10-batches-bin")
    settings = CIFAR10 | {"path": path.name}
    wanted = data.load(CIFAR10, "train", tmp_path)
    found = data.load(settings, "train", tmp_path)
    assert np.array_equal(found[0], wanted[0]) and np.array_equal(found[1], wanted[1])
    path.write_bytes(path.read_bytes()[:-200])
    if packing:
        assert refusal(settings, "train", tmp_path).startswith(f"ROOT/{path.name} is cut off")


def test_cifar10_that_is_broken(binary, tmp_path):
    second = binary / "data_batch_2.bin"
    second.write_bytes(second.read_bytes()[:-1])
    assert refusal(CIFAR10, "train", tmp_path) == (
        "ROOT/cifar/cifar-10-batches-bin/data_batch_2.bin is cut off: "
        "30729 bytes are not a whole number of records of 3073"
    )
    second.write_bytes(b"")
    assert "data_batch_2.bin is cut off: 0 bytes" in refusal(CIFAR10, "train", tmp_path)
    second.write_bytes(bytes([77]) * 3073)
    assert refusal(CIFAR10, "train", tmp_path).endswith("or damaged: it has a label 77")
    second.write_bytes(records(4).tobytes())
    assert refusal(CIFAR10, "train", tmp_path) == (
        "ROOT/cifar/cifar-10-batches-bin/data_batch_2.bin is cut off: it has 4 images, another batch 10"
    )
    second.write_bytes(records(7).tobytes() + bytes(3 * 3073))
    assert refusal(CIFAR10, "train", tmp_path) == (
        "ROOT/cifar/cifar-10-batches-bin/data_batch_2.bin is damaged: image 8 is nothing but zeros"
    )
    second.unlink()
    assert refusal(CIFAR10, "train", tmp_path) == (
        "cannot read ROOT/cifar/cifar-10-batches-bin/data_batch_2.bin: no such file or directory"
    )


def python2_batch(table):
    """As Python 2 pickled the published files: strings are bytes, the array is rebuilt by NumPy's own function."""

    def string(content):
        return b"T" + struct.pack("<i", len(content)) + content

    array = (
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
         b"(K\x01M" + struct.pack("<H", len(table)) + b"M" + struct.pack("<H", 3072) + b"\x86"
        + b"cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89"
        + string(table[:, 1:].tobytes()) + b"tb"
    )  # fmt: skip
    labels = b"](" + b"".join(b"K" + bytes([label]) for label in table[:, 0]) + b"e"
    names = b"](" + b"".join(string(b"%d.png" % row) for row in range(len(table))) + b"e"
    pairs = [(b"data", array), (b"labels", labels), (b"filenames", names)]
    return b"\x80\x02}(" + b"".join(string(key) + value for key, value in pairs) + b"u."


def test_cifar10_python(binary, tmp_path):
    folder = tmp_path / "python" / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    for number in range(1, 6):
        (folder / f"data_batch_{number}").write_bytes(python2_batch(records(10, number)))
    (folder / "test_batch").write_bytes(python2_batch(records(10)))
    with tarfile.open(tmp_path / "python.tar.gz", "w:gz") as archive:
        archive.add(folder, folder.name)
    for split in ("train", "test"):
        wanted = data.load(CIFAR10, split, tmp_path)
        for path in ("python", "python.tar.gz"):
            found = data.load(CIFAR10 | {"path": path}, split, tmp_path)
            assert np.array_equal(found[0], wanted[0]) and np.array_equal(found[1], wanted[1])


def test_a_batch_that_is_no_batch(tmp_path):
    """Nothing that a pickle names is called but what stands for NumPy's arrays here."""
    file = tmp_path / "cifar" / "data_batch_1"
    file.parent.mkdir()
    whole = python2_batch(records(10, 1))
    witness = tmp_path / "witness"
    for content, reason in [
        (b"cposix\nsystem\n(S'touch %s'\ntR." % bytes(witness), "it asks for posix.system"),
        (whole.replace(b"U\x02u1", b"U\x02O8"), "an array of b'O8'"),
        (whole.replace(b"ndarray", b"matrix"), "it asks for numpy.matrix"),
        (pickle.dumps(["a list"]), "list indices must be integers or slices, not bytes"),
        (pickle.dumps({b"labels": [1]}), "b'data'"),
        (whole[: len(whole) // 2], "pickle data was truncated"),
        (b"", "Ran out of input"),
    ]:
        file.write_bytes(content)
        assert refusal(CIFAR10, "train", tmp_path) == (
            f"ROOT/cifar/data_batch_1 is cut off or no batch of CIFAR-10 ({reason})"
        )
    assert not witness.exists()


@pytest.mark.slow
def test_cifar10_as_published_by_others():
    """The JPEG copy of CIFAR-10: in its order, and at the second time out of the cache."""
    root = os.environ.get("NASHC_DATA")
    if not root or not (Path(root) / "cifar10-jpeg.tar.xz").is_file():
        pytest.skip("no cifar10-jpeg.tar.xz in $NASHC_DATA")
    settings = CIFAR10 | {"path": "cifar10-jpeg.tar.xz"}
    images, labels = data.load(settings, "test", Path(root))
    assert np.bincount(labels).tolist() == [1000] * 10
    assert 110 < images.mean() < 130
    assert any(cache.folder().glob("*-test.cifar10"))


def test_no_data(tmp_path, monkeypatch):
    assert refusal(CIFAR10, "train", tmp_path) == "there is no data at ROOT/cifar"
    (tmp_path / "cifar").mkdir()
    assert refusal(CIFAR10, "train", tmp_path) == "ROOT/cifar holds no CIFAR-10"
    (tmp_path / "cifar.tar").write_bytes(b"")
    settings = CIFAR10 | {"path": "cifar.tar"}
    assert refusal(settings, "train", tmp_path).startswith("ROOT/cifar.tar is cut off or no tar")
    assert refusal(CIFAR10 | {"path": None}) == (
        "the data set cifar10 needs a path and the spec gives none"
    )
    monkeypatch.setenv("NASHC_DATA", str(tmp_path / "elsewhere"))
    assert refusal(CIFAR10) == f"there is no data at {tmp_path}/elsewhere/cifar"
    monkeypatch.delenv("NASHC_DATA")
    monkeypatch.chdir(tmp_path)
    assert refusal(CIFAR10) == f"{tmp_path}/cifar holds no CIFAR-10"


# --- class folders ----------------------------------------------------------------------------------------------


def picture(colour, size=(40, 20), suffix="png"):
    content = io.BytesIO()
    Image.new("RGB", size, colour).save(content, suffix)
    return content.getvalue()


@pytest.fixture
def folders(tmp_path):
    for split, count in (("train", 3), ("val", 2)):
        for name, colour in (("blue", (0, 0, 250)), ("red", (250, 0, 0))):
            folder = tmp_path / "images" / split / name
            folder.mkdir(parents=True)
            for number in range(count):
                (folder / f"{number}.png").write_bytes(picture(colour, (40 + number, 20)))
    return tmp_path / "images"


def test_folders(folders, tmp_path):
    images, labels = data.load(FOLDER, "train", tmp_path)
    assert images.shape == (6, 3, 16, 24) and labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert images[0, :, 8, 8].tolist() == [0, 0, 250] and images[5, :, 8, 8].tolist() == [250, 0, 0]
    assert data.load(FOLDER, "test", tmp_path)[1].tolist() == [0, 0, 1, 1]


def test_folders_cut_at_random_but_reproducibly(folders, tmp_path):
    gradient = np.linspace(0, 255, 40 * 20 * 3).reshape(20, 40, 3).astype(np.uint8)
    Image.fromarray(gradient).save(folders / "train" / "red" / "0.png")
    dataset = data.open_dataset(FOLDER, "train", tmp_path)
    first = collected(data.training_batches(dataset, 2, seed=1, epoch=0))
    assert first == collected(data.training_batches(dataset, 2, seed=1, epoch=0))
    assert first != collected(data.training_batches(dataset, 2, seed=2, epoch=0))
    assert collected(data.training_batches(dataset, 2, seed=1, epoch=0, start=1)) == first[1:]


def test_grey_pictures_from_colour_files(folders, tmp_path):
    assert data.load(FOLDER | {"channels": 1}, "test", tmp_path)[0].shape == (4, 1, 16, 24)


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
    assert refusal(FOLDER, "test", tmp_path) == "ROOT/images has no test or val folder"
    (folders / "train").rename(folders / "training")
    assert refusal(FOLDER, "train", tmp_path) == "ROOT/images has no class folders"


def test_cifar10_as_class_folders_and_in_a_tar(tmp_path):
    for split in ("train", "test"):
        for label in range(10):
            folder = tmp_path / "cifar" / split / f"class{label}"
            folder.mkdir(parents=True)
            (folder / "0.png").write_bytes(picture((label * 20, 0, 0), (32, 32)))
    with tarfile.open(tmp_path / "cifar.tar.xz", "w:xz") as archive:
        archive.add(tmp_path / "cifar", "cifar10")
    for path in ("cifar", "cifar.tar.xz"):
        images, labels = data.load(CIFAR10 | {"path": path}, "test", tmp_path)
        assert images[:, 0, 0, 0].tolist() == [label * 20 for label in range(10)]
        assert labels.tolist() == list(range(10))
    (tmp_path / "cifar" / "train" / "class3" / "0.png").write_bytes(picture((0, 0, 0), (30, 32)))
    assert refusal(CIFAR10, "train", tmp_path) == (
        "ROOT/cifar/train/class3/0.png is 30x32 pixels, not 32x32"
    )


def test_a_tar_of_pictures_is_decoded_once(tmp_path, monkeypatch):
    def pack(colour):
        with tarfile.open(tmp_path / "cifar.tar.gz", "w:gz") as archive:
            for label in range(10):
                content = picture((label * 20, colour, 0), (32, 32))
                member = tarfile.TarInfo(f"train/class{label}/0.png")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))

    settings = CIFAR10 | {"path": "cifar.tar.gz"}
    pack(0)
    first = data.load(settings, "train", tmp_path)[0]
    with monkeypatch.context() as patch:
        patch.setattr(cifar10, "decoded_exactly", None)
        assert np.array_equal(data.load(settings, "train", tmp_path)[0], first)
    pack(9)
    assert (data.load(settings, "train", tmp_path)[0][:, 1] == 9).all()


def test_folders_in_a_tar(folders, tmp_path):
    wanted = data.load(FOLDER, "train", tmp_path)
    for packing in ("", "gz", "bz2", "xz"):
        path = tmp_path / f"images.tar.{packing}"
        with tarfile.open(path, f"w:{packing}") as archive:
            archive.add(folders, "images")
        found = data.load(FOLDER | {"path": path.name}, "train", tmp_path)
        assert np.array_equal(found[0], wanted[0]) and np.array_equal(found[1], wanted[1])


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
    assert data.load(settings, "train", tmp_path)[1].tolist() == [0, 0, 0, 1, 1, 1]


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
    monkeypatch.setattr(tars, "_scan", lambda tar: (found.append(tar), scan(tar))[1])
    return found


def test_the_index_of_a_large_tar_is_kept(large, folders, tmp_path, monkeypatch):
    settings, read = FOLDER | {"path": large.name}, scans(monkeypatch)
    wanted = data.load(settings, "train", tmp_path)
    for _ in range(2):
        found = data.load(settings, "train", tmp_path)
        assert np.array_equal(found[0], wanted[0]) and np.array_equal(found[1], wanted[1])
    assert len(read) == 1
    (folders / "train" / "red" / "3.png").write_bytes(picture((0, 250, 0)))
    packed(folders, large, 30)  # another tar at the same place
    assert len(data.load(settings, "train", tmp_path)[1]) == 7 and len(read) == 2
    packed(
        folders, large, 0
    )  # changed so lately that it may change again within one tick of the clock
    for _ in range(2):
        data.load(settings, "train", tmp_path)
    assert len(read) == 4


@pytest.mark.parametrize("damage", ["half", "bit", "empty"])
def test_a_broken_index_is_made_again(large, tmp_path, monkeypatch, damage):
    settings, read = FOLDER | {"path": large.name}, scans(monkeypatch)
    wanted = data.load(settings, "train", tmp_path)
    [index] = (tmp_path / "cache").glob("*.tar-index")
    content = bytearray(index.read_bytes())
    content[100] ^= 1
    index.write_bytes({"half": content[:200], "bit": content, "empty": b""}[damage])
    found = data.load(settings, "train", tmp_path)
    assert np.array_equal(found[0], wanted[0]) and len(read) == 2
    data.load(settings, "train", tmp_path)
    assert len(read) == 2


def test_another_tar_under_the_same_time_and_size_is_noticed(large, tmp_path, monkeypatch):
    settings, read = FOLDER | {"path": large.name}, scans(monkeypatch)
    data.load(settings, "train", tmp_path)
    about = large.stat()
    large.write_bytes(large.read_bytes()[:-20_480].ljust(about.st_size, b"\0"))
    os.utime(large, ns=(about.st_atime_ns, about.st_mtime_ns))
    with contextlib.suppress(StageError):
        data.load(settings, "train", tmp_path)
    assert len(read) == 2


def test_without_a_cache_a_large_tar_is_read_through(large, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("NASHC_CACHE", str(tmp_path / "file" / "cache"))
    settings, read = FOLDER | {"path": large.name}, scans(monkeypatch)
    for _ in range(2):
        assert len(data.load(settings, "train", tmp_path)[1]) == 6
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


def test_a_cache_that_cannot_be_written(folders, tmp_path, monkeypatch):
    with tarfile.open(tmp_path / "images.tar.gz", "w:gz") as archive:
        archive.add(folders, "images")
    (tmp_path / "file").touch()
    monkeypatch.setenv("NASHC_CACHE", str(tmp_path / "file" / "cache"))
    settings = FOLDER | {"path": "images.tar.gz"}
    assert refusal(settings, "train", tmp_path) == "the cache ROOT/file/cache cannot be written"


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


def test_a_search_batch_is_a_training_batch_and_one_of_validation():
    training, validation = small(10), small(7)
    pairs = list(data.search_batches(training, validation, 3, seed=1, epoch=0))
    plain = collected(data.training_batches(training, 3, seed=1, epoch=0))
    assert collected(pair[0] for pair in pairs) == plain
    drawn = [labels.tolist() for _, (_, labels) in pairs]
    assert all(len(set(labels)) == 3 and max(labels) < 7 for labels in drawn)
    rest = list(data.search_batches(training, validation, 3, seed=1, epoch=0, start=1))
    assert [labels.tolist() for _, (_, labels) in rest] == drawn[1:]


def test_shares_of_a_batch_are_the_batch():
    dataset = small(12, flip=True, crop=1)
    whole = collected(data.training_batches(dataset, 4, seed=1, epoch=0))
    parts = [
        collected(data.training_batches(dataset, 4, seed=1, epoch=0, share=data.Share(rank, 2)))
        for rank in (0, 1)
    ]
    for (images, labels), first, second in zip(whole, *parts, strict=True):
        assert first[0] + second[0] == images and first[1] + second[1] == labels


def test_the_number_of_workers_changes_no_batch(folders, tmp_path, monkeypatch):
    def batches():
        dataset = data.open_dataset(FOLDER, "train", tmp_path)
        return collected(data.training_batches(dataset, 2, seed=1, epoch=0))

    expected = batches()
    for count in (1, 5):
        monkeypatch.setattr(data, "AHEAD", count)
        monkeypatch.setattr("support.image_files.DECODERS", count)
        assert batches() == expected
