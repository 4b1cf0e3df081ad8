"""The digits, and what holds for every data set: it fits the network, and is augmented by whole pixels."""

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("PIL")

from support.data import datasets, image_files
from support.progress import StageError
from tests.support.image_sets import CIFAR10, refusal

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


def test_digits():
    pytest.importorskip("sklearn")
    images, labels = datasets.load(DIGITS, "train")
    test_images, test_labels = datasets.load(DIGITS, "test")
    assert images.shape == (1438, 1, 8, 8) and test_images.shape == (359, 1, 8, 8)
    assert images.dtype == np.uint8 and labels.dtype == np.int64
    assert len(np.unique(images)) == 17 and images.max() == 255
    share = np.bincount(test_labels) / (np.bincount(labels) + np.bincount(test_labels))
    assert share.min() > 0.19 and share.max() < 0.21


def test_only_data_sets_that_have_a_path_take_another(tmp_path):
    assert datasets.data_settings(tmp_path, {"data": DIGITS}, "elsewhere") == DIGITS
    found = datasets.data_settings(tmp_path, {"data": CIFAR10}, "/elsewhere")
    assert found == CIFAR10 | {"path": "/elsewhere"}


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
    whole = datasets.open_dataset(DIGITS, "train")
    first, second = datasets.halves(whole, seed=2)
    assert sorted([*first.chosen, *second.chosen]) == list(range(1438))
    assert abs(np.bincount(first.labels) - np.bincount(second.labels)).max() <= 1
    assert np.array_equal(first.chosen, datasets.halves(whole, seed=2)[0].chosen)
    assert not np.array_equal(first.chosen, datasets.halves(whole, seed=3)[0].chosen)


def test_one_image_of_each_class_is_nothing_to_search_on():
    whole = datasets.MemoryImages(np.zeros((3, 1, 8, 8), np.uint8), np.arange(3))
    with pytest.raises(StageError, match="no class has two training images"):
        datasets.halves(whole, seed=2)


def test_augmentation_moves_and_mirrors_whole_pixels():
    pixels = np.zeros((400, 1, 5, 5), dtype=np.uint8)
    pixels[:, 0, 2, 1] = 200
    dataset = datasets.MemoryImages(pixels, np.zeros(400, dtype=np.int64), flip=True, crop=1)
    found = dataset.images(
        np.arange(400), np.random.default_rng(0).random((400, image_files.DRAWS))
    )
    assert found.dtype == np.uint8 and found.shape == pixels.shape
    places = {tuple(place) for place in np.argwhere(found[:, 0] == 200)[:, 1:].tolist()}
    assert places == {(row, column) for row in (1, 2, 3) for column in (0, 1, 2, 3, 4)}
    assert (found.reshape(400, -1).sum(1) == 200).all()


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


def test_images_of_another_data_set_have_another_digest():
    pixels, labels = np.arange(8, dtype=np.uint8).reshape(2, 1, 2, 2), np.array([0, 1])
    digest = datasets.MemoryImages(pixels, labels).digest()
    assert datasets.MemoryImages(pixels.copy(), labels.copy()).digest() == digest
    assert datasets.MemoryImages(pixels, labels[::-1].copy()).digest() != digest
    assert datasets.MemoryImages(pixels[::-1], labels).digest() != digest
