"""The images that a network is searched, trained and tested on: unsigned 8-bit, N x C x H x W, with integer labels.

Settings (settings/data.json): kind "digits", "cifar10" (folder or tar) or "folder" (class folders or a tar of them); path, relative to $NASHC_DATA or else to the working
folder; channels, height, width, classes; augment {"flip": bool, "crop": pixels of padding}.
Pixels stay integers, augmented or not: they are what the hardware gets.
"""

from __future__ import annotations

import copy
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from support.data.cifar10 import cifar10
from support.data.image_files import CROP_DRAWS, FLIP_DRAW, FolderImages
from support.files import read_settings
from support.progress import StageError

DIGITS_SPLIT_SEED = 0
DIGITS_TEST_SHARE = 0.2


class Dataset(Protocol):
    labels: np.ndarray
    is_slow: bool
    """Images are decoded when asked for: worth a thread that works ahead."""
    note: str
    """What its user should hear before it is used: usually nothing."""

    def digest(self) -> str:
        """Another one for another data set, the same wherever it lies. Of pictures in files the names alone."""
        ...

    def images(self, indices: np.ndarray, draws: np.ndarray | None = None) -> np.ndarray:
        """uint8, len(indices) x C x H x W; augmented by `draws`, DRAWS numbers from 0 to 1 for each image, if given."""
        ...


@dataclass(frozen=True)
class MemoryImages:
    """A data set that is small enough to hold."""

    pixels: np.ndarray
    labels: np.ndarray
    flip: bool = False
    crop: int = 0
    note: str = ""
    is_slow: bool = False

    def digest(self) -> str:
        digest = hashlib.sha256(self.labels.tobytes())
        digest.update(np.ascontiguousarray(self.pixels))
        return digest.hexdigest()

    def images(self, indices: np.ndarray, draws: np.ndarray | None = None) -> np.ndarray:
        chosen = self.pixels[indices]
        if draws is None:
            return chosen
        if self.crop:
            chosen = _shifted(chosen, self.crop, draws[:, CROP_DRAWS])
        if self.flip:
            mirrored = draws[:, FLIP_DRAW] < 0.5
            chosen = np.where(mirrored[:, None, None, None], chosen[..., ::-1], chosen)
        return chosen


@dataclass(frozen=True)
class Part:
    """Some images of a data set."""

    whole: Dataset
    chosen: np.ndarray

    @property
    def labels(self) -> np.ndarray:
        return self.whole.labels[self.chosen]

    @property
    def is_slow(self) -> bool:
        return self.whole.is_slow

    @property
    def note(self) -> str:
        return self.whole.note

    def digest(self) -> str:
        return hashlib.sha256(self.whole.digest().encode() + self.chosen.tobytes()).hexdigest()

    def images(self, indices: np.ndarray, draws: np.ndarray | None = None) -> np.ndarray:
        return self.whole.images(self.chosen[indices], draws)


def data_root() -> Path:
    """Where relative paths of a spec start."""
    return Path(os.environ.get("NASHC_DATA") or Path.cwd())


def data_settings(folder: Path, stage: dict[str, Any], path: str | None = None) -> dict[str, Any]:
    """The stage's own "data" if it has one, else settings/data.json; `path` (--data) goes before the path in it.

    The digits have no path: they come with scikit-learn.
    """
    found = copy.copy(stage.get("data") or read_settings(folder, "data"))
    if path is not None and found["kind"] != "digits":
        found["path"] = str(Path(path).absolute())
    return found


def open_dataset(settings: dict[str, Any], split: str, root: Path | None = None) -> Dataset:
    """split: "train" or "test". root: where a relative path starts, for those who want neither $NASHC_DATA nor
    the working folder. Errors: StageError naming what is missing, broken or not to be read."""
    assert split in ("train", "test"), split
    try:
        return _opened(settings, split, root)
    except OSError as error:
        raise StageError(
            f"cannot read {error.filename or settings['path']}: {(error.strerror or str(error)).lower()}",
            "make it readable for you, links included",
        ) from error


def load(
    settings: dict[str, Any], split: str, root: Path | None = None, limit: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """All images of a split, or the first `limit`: uint8 N x C x H x W, and int64 labels."""
    dataset = open_dataset(settings, split, root)
    indices = np.arange(len(dataset.labels))[:limit]
    return dataset.images(indices), dataset.labels[indices]


def halves(dataset: Dataset, seed: int) -> tuple[Part, Part]:
    """Two halves with the same mix of classes: a search trains weights on one and architecture on the other.

    Errors: StageError where nothing is left for the second.
    """
    second = _stratified(dataset.labels, 0.5, seed)
    if not second.any():
        raise StageError(
            "no class has two training images, of which a search needs one for its architecture",
            "search on more images of each class",
        )
    return Part(dataset, np.flatnonzero(~second)), Part(dataset, np.flatnonzero(second))


def _opened(settings: dict[str, Any], split: str, root: Path | None) -> Dataset:
    shape, note = (settings["channels"], settings["height"], settings["width"]), ""
    augment = settings.get("augment") or {}
    match settings["kind"]:
        case "digits":
            pixels, labels = _digits(split)
        case "cifar10":
            found = cifar10(_data_path(settings, root), split)
            pixels, labels, note = found.pixels, found.labels, found.note
        case "folder":
            images = FolderImages.open(
                _data_path(settings, root), split, shape, augment.get("flip", False)
            )
            _check_classes(images.labels, settings)
            return images
        case other:
            raise StageError(
                f"no data set is called {other!r}", "the kinds are digits, cifar10 and folder"
            )
    if pixels.shape[1:] != shape:
        raise StageError(
            f"the images of {settings['kind']} are {_by(pixels.shape[1:])}, the network takes {_by(shape)}",
            f'write "input = UINT8 {_by(pixels.shape[1:])}" in the spec, or take another data set',
        )
    _check_classes(labels, settings)
    return MemoryImages(pixels, labels, augment.get("flip", False), augment.get("crop", 0), note)


def _digits(split: str) -> tuple[np.ndarray, np.ndarray]:
    try:
        from sklearn.datasets import load_digits  # only this data set needs it
    except ImportError as error:
        raise StageError(
            "the digits come with scikit-learn, which is not installed",
            "pip install scikit-learn",
        ) from error
    found = load_digits()
    labels = found.target.astype(np.int64)
    # 17 grey values, 0 .. 16, spread over 0 .. 255.
    pixels = np.round(found.images * (255 / 16)).astype(np.uint8)[:, None]
    is_test = _stratified(labels, DIGITS_TEST_SHARE, DIGITS_SPLIT_SEED)
    chosen = is_test if split == "test" else ~is_test
    return pixels[chosen], labels[chosen]


def _stratified(labels: np.ndarray, share: float, seed: int) -> np.ndarray:
    """True for about `share` of the images of each class."""
    draws = np.random.default_rng(seed)
    chosen = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        of_class = draws.permutation(np.flatnonzero(labels == label))
        chosen[of_class[: round(share * len(of_class))]] = True
    return chosen


def _shifted(images: np.ndarray, by: int, draws: np.ndarray) -> np.ndarray:
    """Each image moved by up to `by` pixels up, down and sideways, black moving in. draws: N x 2."""
    n, _, h, w = images.shape
    padded = np.pad(images, ((0, 0), (0, 0), (by, by), (by, by)))
    top, left = (draws.T * (2 * by + 1)).astype(int)
    rows = (top[:, None] + np.arange(h))[:, :, None]
    columns = (left[:, None] + np.arange(w))[:, None, :]
    return padded.transpose(0, 2, 3, 1)[np.arange(n)[:, None, None], rows, columns].transpose(
        0, 3, 1, 2
    )


def _data_path(settings: dict[str, Any], root: Path | None) -> Path:
    if not settings.get("path"):
        raise StageError(
            f"the data set {settings['kind']} needs a path and the spec gives none",
            f'write data = {settings["kind"]}("folder") in the spec, or pass --data folder',
        )
    path = (root or data_root()) / Path(settings["path"]).expanduser()
    if not path.exists():
        raise StageError(
            f"there is no data at {path}",
            "pass --data folder, or set NASHC_DATA to the folder that relative paths start from",
        )
    return path


def _check_classes(labels: np.ndarray, settings: dict[str, Any]) -> None:
    found = int(labels.max()) + 1 if len(labels) else 0
    if found != settings["classes"]:
        raise StageError(
            f"the data set {settings['kind']} has {found} classes, the network tells {settings['classes']} apart",
            f'write "classes = {found}" in the spec, or take another data set',
        )


def _by(shape: Sequence[int]) -> str:
    return "x".join(str(size) for size in shape)
