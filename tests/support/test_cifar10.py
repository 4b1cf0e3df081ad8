"""CIFAR-10 in every form it is handed round in; and a clear word where it is broken."""

import io
import os
import pickle
import struct
import tarfile
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("PIL")

from support import cache
from support.data import cifar10, datasets
from support.progress import StageError
from tests.support.image_sets import CIFAR10, picture, refusal

pytestmark = pytest.mark.torch


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
    images, labels = datasets.load(CIFAR10, "train", tmp_path)
    assert images.shape == (50, 3, 32, 32)
    first = records(10, 1)
    assert np.array_equal(images[0].reshape(-1), first[0, 1:]) and labels[0] == 1
    assert datasets.load(CIFAR10, "test", tmp_path)[0].shape == (10, 3, 32, 32)


@pytest.mark.parametrize("packing", ["gz", "xz", ""])
def test_cifar10_binary_in_a_tar(binary, tmp_path, packing):
    path = tmp_path / f"cifar.tar.{packing}"
    with tarfile.open(path, f"w:{packing}") as archive:
        archive.add(binary, "cifar-10-batches-bin")
    settings = CIFAR10 | {"path": path.name}
    wanted = datasets.load(CIFAR10, "train", tmp_path)
    found = datasets.load(settings, "train", tmp_path)
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


@pytest.mark.parametrize("packed", [False, True])
def test_a_test_batch_that_was_cut_off_between_two_records(binary, tmp_path, monkeypatch, packed):
    (binary / "test_batch.bin").write_bytes(records(4, first_label=6).tobytes())
    settings = CIFAR10
    if packed:
        settings = CIFAR10 | {"path": "cifar.tar"}
        with tarfile.open(tmp_path / "cifar.tar", "w") as archive:
            archive.add(binary, "batches")
    name = (
        "batches/test_batch.bin in ROOT/cifar.tar"
        if packed
        else f"ROOT/cifar/{binary.name}/test_batch.bin"
    )
    assert refusal(settings, "test", tmp_path) == (
        f"{name} is cut off: it has 4 images, another batch 10"
    )
    monkeypatch.setattr(cifar10, "BATCH_IMAGES", 4)  # as many as published: nothing is cut off
    assert len(datasets.load(settings, "test", tmp_path)[1]) == 4


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
        wanted = datasets.load(CIFAR10, split, tmp_path)
        for path in ("python", "python.tar.gz"):
            found = datasets.load(CIFAR10 | {"path": path}, split, tmp_path)
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
    images, labels = datasets.load(settings, "test", Path(root))
    assert np.bincount(labels).tolist() == [1000] * 10
    assert 110 < images.mean() < 130
    assert any(cache.folder().glob("*-test.cifar10"))


def test_cifar10_as_class_folders_and_in_a_tar(tmp_path):
    for split in ("train", "test"):
        for label in range(10):
            folder = tmp_path / "cifar" / split / f"class{label}"
            folder.mkdir(parents=True)
            (folder / "0.png").write_bytes(picture((label * 20, 0, 0), (32, 32)))
    with tarfile.open(tmp_path / "cifar.tar.xz", "w:xz") as archive:
        archive.add(tmp_path / "cifar", "cifar10")
    for path in ("cifar", "cifar.tar.xz"):
        images, labels = datasets.load(CIFAR10 | {"path": path}, "test", tmp_path)
        assert images[:, 0, 0, 0].tolist() == [label * 20 for label in range(10)]
        assert labels.tolist() == list(range(10))
    assert datasets.open_dataset(CIFAR10, "train", tmp_path).note == ""
    (tmp_path / "cifar" / "train" / "class3" / "notes.txt").touch()
    told = datasets.open_dataset(CIFAR10, "train", tmp_path).note
    assert told.startswith(f"1 file is passed over in {tmp_path}/cifar/train, such as ")
    (tmp_path / "cifar" / "train" / "class3" / "0.png").write_bytes(picture((0, 0, 0), (30, 32)))
    assert refusal(CIFAR10, "train", tmp_path) == (
        "ROOT/cifar/train/class3/0.png is 30x32 pixels, not 32x32"
    )


def test_class_folders_of_another_data_set(tmp_path):
    for split in ("train", "test"):
        for label in range(3):
            folder = tmp_path / "cifar" / split / f"class{label}"
            folder.mkdir(parents=True)
            (folder / "0.png").write_bytes(picture((0, 0, 0), (32, 32)))
    with pytest.raises(StageError) as told:
        datasets.open_dataset(CIFAR10, "train", tmp_path)
    assert told.value.message == f"{tmp_path}/cifar has 3 class folders, CIFAR-10 has 10"
    assert told.value.help == 'pictures of other classes are read by data = folder("path")'


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
    first = datasets.load(settings, "train", tmp_path)[0]
    with monkeypatch.context() as patch:
        patch.setattr(cifar10, "decoded_exactly", None)
        assert np.array_equal(datasets.load(settings, "train", tmp_path)[0], first)
    pack(9)
    assert (datasets.load(settings, "train", tmp_path)[0][:, 1] == 9).all()
