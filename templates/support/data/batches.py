"""A data set in batches, each drawn from (seed, epoch, step).

So a training run picked up in the middle goes on with the very batches it would have had.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from support.data.datasets import Dataset
from support.data.image_files import DRAWS
from support.progress import StageError

# Batches in the making beside the one in use; within each, image_files.py decodes with all cores.
AHEAD = 3

Made = TypeVar("Made")
Batch = tuple[Tensor, Tensor]
"""uint8 images, N x C x H x W, and int64 labels."""


@dataclass(frozen=True)
class Share:
    """The part of a batch that one of several processes takes."""

    rank: int = 0
    count: int = 1

    def of(self, batch: np.ndarray) -> np.ndarray:
        """Equal parts, or parts that differ by one."""
        return np.array_split(batch, self.count)[self.rank]

    def equal(self, batch: np.ndarray, size: int) -> np.ndarray:
        """size: what was asked for; a batch of fewer images holds all there are.

        Errors: StageError when there are no equal parts.
        """
        rest = len(batch) % self.count
        if not rest:
            return self.of(batch)
        if len(batch) < size and len(batch) > rest:
            raise StageError(
                f"the {len(batch)} images that there are have no {self.count} equal parts",
                f"take a --batch of {len(batch) - rest}, or another number of processes",
            )
        raise StageError(
            f"a batch of {len(batch)} images has no {self.count} equal parts",
            f"take a --batch that {self.count} divides, or another number of processes",
        )


WHOLE = Share()


def steps_per_epoch(dataset: Dataset, size: int) -> int:
    """Training leaves out the images that do not fill a last batch, unless there is no other."""
    return max(1, len(dataset.labels) // size)


def training_batches(
    dataset: Dataset, size: int, *, seed: int, epoch: int, start: int = 0, share: Share = WHOLE
) -> Iterator[Batch]:
    """The shuffled, augmented batches of one epoch, from step `start` on; of each the share of this process."""
    batch = _batch_of(dataset, size, seed, epoch, share)
    yield from _ahead(batch, range(start, steps_per_epoch(dataset, size)), dataset.is_slow)


def test_batches(dataset: Dataset, size: int, share: Share = WHOLE) -> Iterator[Batch]:
    """All images in order, as they are; of each batch a share, which may be empty."""
    everything = np.arange(len(dataset.labels))

    def batch(first: int) -> Batch:
        return _tensors(dataset, share.of(everything[first : first + size]), None)

    yield from _ahead(batch, range(0, len(everything), size), dataset.is_slow)


def search_batches(
    training: Dataset,
    validation: Dataset,
    size: int,
    *,
    seed: int,
    epoch: int,
    start: int = 0,
    share: Share = WHOLE,
) -> Iterator[tuple[Batch, Batch]]:
    """Those of training_batches, each with a validation batch drawn anew and augmented as in training."""
    batch = _batch_of(training, size, seed, epoch, share)

    def random(step: int) -> Batch:
        draws = np.random.default_rng([seed, epoch, step, 1])
        chosen = draws.permutation(len(validation.labels))[:size]
        augmentation = draws.random((len(chosen), DRAWS))
        return _tensors(validation, share.equal(chosen, size), share.equal(augmentation, size))

    steps = range(start, steps_per_epoch(training, size))
    yield from _ahead(lambda step: (batch(step), random(step)), steps, training.is_slow)


def _batch_of(
    dataset: Dataset, size: int, seed: int, epoch: int, share: Share
) -> Callable[[int], Batch]:
    order = np.random.default_rng([seed, epoch]).permutation(len(dataset.labels))

    def batch(step: int) -> Batch:
        chosen = order[step * size : (step + 1) * size]
        draws = np.random.default_rng([seed, epoch, step]).random((len(chosen), DRAWS))
        return _tensors(dataset, share.equal(chosen, size), share.equal(draws, size))

    return batch


def _ahead(make: Callable[[int], Made], numbers: range, is_slow: bool) -> Iterator[Made]:
    """make(number) for each number in order; what is slow is made in threads that work ahead."""
    if not is_slow:
        yield from map(make, numbers)
        return
    with ThreadPoolExecutor(AHEAD) as workers:
        pending: deque[Future[Made]] = deque()
        try:
            for number in numbers:
                pending.append(workers.submit(make, number))
                if len(pending) > AHEAD:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()


def _tensors(dataset: Dataset, indices: np.ndarray, draws: np.ndarray | None) -> Batch:
    images = torch.from_numpy(np.ascontiguousarray(dataset.images(indices, draws)))
    labels = torch.from_numpy(dataset.labels[indices])
    if torch.cuda.is_initialized():
        # Pages that stay in place: what a GPU copies by itself, while the program goes on.
        return images.pin_memory(), labels.pin_memory()
    return images, labels
