"""Batches: reproducible from any step on, shared among processes, made by any number of workers."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
Image = pytest.importorskip("PIL.Image")

from support.data import batches, datasets  # noqa: E402
from tests.support.image_sets import FOLDER, collected  # noqa: E402

pytestmark = pytest.mark.torch


def small(count=10, side=4, **augment):
    pixels = np.arange(count * side * side, dtype=np.uint8).reshape(count, 1, side, side)
    return datasets.MemoryImages(pixels, np.arange(count, dtype=np.int64), **augment)


def test_an_epoch_taken_up_in_the_middle_goes_on_with_the_same_batches():
    dataset = small(flip=True, crop=1)
    whole = collected(batches.training_batches(dataset, 3, seed=1, epoch=5))
    rest = collected(batches.training_batches(dataset, 3, seed=1, epoch=5, start=2))
    assert len(whole) == batches.steps_per_epoch(dataset, 3) == 3
    assert rest == whole[2:]
    assert whole != collected(batches.training_batches(dataset, 3, seed=1, epoch=6))


def test_test_batches_are_everything_in_order():
    found = collected(batches.test_batches(small(flip=True, crop=1), 4))
    assert [labels for _, labels in found] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert found[0][0] == small().pixels[:4].tolist()


def test_a_batch_larger_than_the_data_is_all_of_it():
    [(_, labels)] = collected(batches.training_batches(small(), 64, seed=1, epoch=0))
    assert sorted(labels) == list(range(10))


def test_a_search_batch_is_a_training_batch_and_one_of_validation():
    training, validation = small(10), small(7)
    pairs = list(batches.search_batches(training, validation, 3, seed=1, epoch=0))
    plain = collected(batches.training_batches(training, 3, seed=1, epoch=0))
    assert collected(pair[0] for pair in pairs) == plain
    drawn = [labels.tolist() for _, (_, labels) in pairs]
    assert all(len(set(labels)) == 3 and max(labels) < 7 for labels in drawn)
    rest = list(batches.search_batches(training, validation, 3, seed=1, epoch=0, start=1))
    assert [labels.tolist() for _, (_, labels) in rest] == drawn[1:]


def test_where_a_gpu_is_in_use_batches_lie_where_it_can_copy_them(monkeypatch):
    pinned = []
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda it: pinned.append(it.dtype) or it)
    list(batches.test_batches(small(), 16))
    assert pinned == []
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    list(batches.test_batches(small(), 16))
    assert pinned == [torch.uint8, torch.int64]


def test_shares_of_a_batch_are_the_batch():
    dataset = small(12, flip=True, crop=1)
    whole = collected(batches.training_batches(dataset, 4, seed=1, epoch=0))
    parts = [
        collected(
            batches.training_batches(dataset, 4, seed=1, epoch=0, share=batches.Share(rank, 2))
        )
        for rank in (0, 1)
    ]
    for (images, labels), first, second in zip(whole, *parts, strict=True):
        assert first[0] + second[0] == images and first[1] + second[1] == labels


def test_folders_cut_at_random_but_reproducibly(folders, tmp_path):
    gradient = np.linspace(0, 255, 40 * 20 * 3).reshape(20, 40, 3).astype(np.uint8)
    Image.fromarray(gradient).save(folders / "train" / "red" / "0.png")
    dataset = datasets.open_dataset(FOLDER, "train", tmp_path)
    first = collected(batches.training_batches(dataset, 2, seed=1, epoch=0))
    assert first == collected(batches.training_batches(dataset, 2, seed=1, epoch=0))
    assert first != collected(batches.training_batches(dataset, 2, seed=2, epoch=0))
    assert collected(batches.training_batches(dataset, 2, seed=1, epoch=0, start=1)) == first[1:]


def test_the_number_of_workers_changes_no_batch(folders, tmp_path, monkeypatch):
    def made():
        dataset = datasets.open_dataset(FOLDER, "train", tmp_path)
        return collected(batches.training_batches(dataset, 2, seed=1, epoch=0))

    expected = made()
    for count in (1, 5):
        monkeypatch.setattr(batches, "AHEAD", count)
        monkeypatch.setattr("support.data.image_files.DECODERS", count)
        assert made() == expected
