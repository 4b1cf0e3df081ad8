"""Pictures in class folders: train/<class>/* and test/<class>/* (or val instead of test), on disk or in a tar.

A tar that is not compressed is read where it lies; of a compressed one the content is kept in the cache, since it has no
places to jump to.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import shutil
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from support.cache import cached
from support.files import sha256
from support.progress import StageError

SPLIT_FOLDERS = {"train": ("train",), "test": ("test", "val")}
IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".ppm", ".webp"}
LAYOUT = "it should hold train/<class>/*.jpg and test/<class>/*.jpg (or val instead of test)"

_OPENERS = {b"\x1f\x8b": gzip.open, b"BZ": bz2.open, b"\xfd7": lzma.open}


@dataclass(frozen=True, slots=True)
class Picture:
    """The bytes of an image file: a whole file, or `size` bytes of `file` from `offset` on."""

    name: str
    file: Path
    offset: int = 0
    size: int | None = None

    def read(self) -> bytes:
        """Errors: StageError naming the file."""
        try:
            if self.size is None:
                return self.file.read_bytes()
            with self.file.open("rb") as content:
                content.seek(self.offset)
                return content.read(self.size)
        except OSError as error:
            raise StageError(f"cannot read {self.name}: {error.strerror}") from error


@dataclass(frozen=True)
class ClassFolders:
    """The pictures of one split in the order of their classes and names, with their labels."""

    pictures: list[Picture]
    labels: np.ndarray
    classes: tuple[str, ...]


def class_folders(path: Path, split: str) -> ClassFolders:
    """Errors: StageError when a folder is missing or empty, or when train and test have other classes."""
    found = _in_tar(path) if path.is_file() else _on_disk(path)
    train = found.get("train", {})
    if not train:
        raise StageError(f"{path} has no class folders", LAYOUT)
    folder = next((name for name in SPLIT_FOLDERS[split] if name in found), None)
    if folder is None:
        raise StageError(
            f"{path} has no {' or '.join(SPLIT_FOLDERS[split])} folder",
            "the images to test on belong there, in one folder for each class",
        )
    if found[folder].keys() != train.keys():
        raise StageError(f"{path / folder} has other class folders than {path / 'train'}")
    pictures: list[Picture] = []
    labels: list[int] = []
    for label, (name, of_class) in enumerate(sorted(found[folder].items())):
        if not of_class:
            raise StageError(f"{path / folder / name} holds no image")
        pictures += sorted(of_class, key=lambda picture: picture.name)
        labels += [label] * len(of_class)
    return ClassFolders(pictures, np.array(labels, dtype=np.int64), tuple(sorted(train)))


Folders = dict[str, dict[str, list[Picture]]]
"""By the name of the split's folder and the class."""


def _on_disk(path: Path) -> Folders:
    found: Folders = {}
    for split in ("train", "test", "val"):
        if not (path / split).is_dir():
            continue
        found[split] = {
            folder.name: [
                Picture(entry.path, Path(entry.path))
                for entry in os.scandir(folder)
                if Path(entry.name).suffix.lower() in IMAGE_SUFFIXES
            ]
            for folder in os.scandir(path / split)
            if folder.is_dir()
        }
    return found


def _in_tar(path: Path) -> Folders:
    plain = uncompressed(path)
    found: Folders = {}
    for member in tar_members(plain, path):
        place = PurePosixPath(member.name)
        if len(place.parts) < 3 or place.parts[-3] not in ("train", "test", "val"):
            continue
        of_class = found.setdefault(place.parts[-3], {}).setdefault(place.parts[-2], [])
        if place.suffix.lower() in IMAGE_SUFFIXES:
            name = f"{place} in {path}"
            of_class.append(Picture(name, plain, member.offset_data, member.size))
    return found


def tar_members(tar: Path, path: Path) -> Iterator[tarfile.TarInfo]:
    """The files in a tar. path: how to call it in errors."""
    with broken_tar_told(path), tarfile.open(tar, "r:") as archive:
        for member in archive:
            if member.isfile():
                yield member
        # To tarfile a tar that was cut off between two files looks whole; but it must end with a block of zeros.
        _check_end(tar, archive.offset)


def uncompressed(path: Path) -> Path:
    """The tar itself, or its content in the cache."""
    with path.open("rb") as content:
        opener = _OPENERS.get(content.read(2))
    if opener is None:
        return path

    def unpack(target: Path) -> None:
        with broken_tar_told(path), opener(path) as packed, target.open("wb") as unpacked:
            shutil.copyfileobj(packed, unpacked, 1 << 20)

    return cached(f"{sha256(path)}.tar", unpack)


class broken_tar_told:  # noqa: N801 - used as a statement
    """Errors of tarfile and the decompressors become a StageError that names the tar."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: object, error: BaseException | None, _: object) -> None:
        if isinstance(error, tarfile.TarError | EOFError | lzma.LZMAError | zlib.error):
            raise _broken(self.path, str(error)) from error
        if isinstance(error, OSError) and error.errno is None:  # not a gzip file, broken checksums
            raise _broken(self.path, str(error)) from error


def _check_end(tar: Path, end: int) -> None:
    with tar.open("rb") as content:
        content.seek(end)
        if content.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
            raise tarfile.ReadError(f"it ends at byte {end} in the middle of its files")


def _broken(path: Path, why: str) -> StageError:
    return StageError(
        f"{path} is cut off or no tar: {why}", "download it again, or check its digest"
    )
