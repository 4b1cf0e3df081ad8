"""Pictures in class folders: train/<class>/* and test/<class>/* (or val instead of test), on disk or in a tar."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from support.data.tars import tar_members, uncompressed
from support.progress import StageError

SPLIT_FOLDERS = {"train": ("train",), "test": ("test", "val")}
IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".ppm", ".webp"}
LAYOUT = "it should hold train/<class>/*.jpg and test/<class>/*.jpg (or val instead of test)"


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
            if self.file.is_symlink() and not self.file.exists():
                raise StageError(
                    f"cannot read {self.name}: it is a link to {self.file.readlink()}, which is not there",
                    "bring back what it leads to, or remove the link",
                ) from error
            raise StageError(
                f"cannot read {self.name}: {(error.strerror or str(error)).lower()}",
                "the data set changed, or its disk fails: --resume goes on when it is back",
            ) from error


@dataclass(frozen=True)
class ClassFolders:
    """The pictures of one split in the order of their classes and names, with their labels."""

    pictures: list[Picture]
    labels: np.ndarray
    classes: tuple[str, ...]
    digest: str
    """Of the names of classes and files, the same on disk and in a tar."""


def class_folders(path: Path, split: str) -> ClassFolders:
    """Errors: StageError when a folder is missing or empty, or when train and test have other classes."""
    found = _in_tar(path) if path.is_file() else _on_disk(path)
    train = found.get("train", {})
    if not train:
        raise StageError(f"{path} has no class folders", LAYOUT)
    # ImageNet's test folder has pictures without classes: a folder that has some goes first.
    folder = next((name for name in SPLIT_FOLDERS[split] if found.get(name)), None)
    if folder is None:
        raise StageError(
            f"{path} has no {' or '.join(SPLIT_FOLDERS[split])} folder with class folders",
            "the images to test on belong there, in one folder for each class",
        )
    if found[folder].keys() != train.keys():
        odd = sorted(found[folder].keys() ^ train.keys())
        raise StageError(
            f"{path / folder} has other class folders than {path / 'train'}",
            f"only one of them has {', '.join(odd[:3])}{', ...' if len(odd) > 3 else ''}",
        )
    pictures: list[Picture] = []
    labels: list[int] = []
    digest = hashlib.sha256()
    for label, (name, of_class) in enumerate(sorted(found[folder].items())):
        if not of_class:
            raise StageError(
                f"{path / folder / name} holds no image",
                f"known are {', '.join(sorted(IMAGE_SUFFIXES))}",
            )
        of_class.sort(key=lambda picture: picture.name)
        for picture in of_class:
            place = picture.name.removesuffix(f" in {path}")
            file = os.path.basename(place)  # noqa: PTH119 - of a million, in a second
            digest.update(f"{name}/{file}\n".encode(errors="surrogateescape"))
        pictures += of_class
        labels += [label] * len(of_class)
    classes = tuple(sorted(train))
    return ClassFolders(pictures, np.array(labels, dtype=np.int64), classes, digest.hexdigest())


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
                if Path(entry.name).suffix.lower() in IMAGE_SUFFIXES and not entry.is_dir()
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
            of_class.append(Picture(name, plain, member.offset, member.size))
    return found
