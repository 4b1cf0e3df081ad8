"""Pictures in class folders: train/<class>/* and test/<class>/* (or val instead of test), on disk or in a tar."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np

from support.data.tars import tar_members, uncompressed
from support.progress import StageError

SPLIT_FOLDERS = {"train": ("train",), "test": ("test", "val")}
FOLDERS = tuple(name for names in SPLIT_FOLDERS.values() for name in names)
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
    note: str
    """What lies there and is not read; nothing if all is."""


@dataclass
class _PassedOver:
    """Files that are not read: of other kinds, deeper than in a class folder or beside these. Hidden ones are nobody's images."""

    count: int = 0
    example: str = ""  # the first by name, an image if there is one

    def add(self, name: str) -> None:
        if os.path.basename(name).startswith("."):  # noqa: PTH119 - of a million, in a second
            return
        self.count += 1
        if not self.example or _rank(name) < _rank(self.example):
            self.example = name


@dataclass
class _Class:
    pictures: list[Picture] = field(default_factory=list)
    passed_over: _PassedOver = field(default_factory=_PassedOver)


@dataclass
class _Split:
    classes: dict[str, _Class] = field(default_factory=dict)
    beside: _PassedOver = field(default_factory=_PassedOver)


def class_folders(path: Path, split: str) -> ClassFolders:
    """Errors: StageError when a folder is missing or empty, or when train and test have other classes."""
    folder, chosen = _split_of(path, split)
    pictures: list[Picture] = []
    labels: list[int] = []
    digest = hashlib.sha256()
    for label, (name, of_class) in enumerate(sorted(chosen.classes.items())):
        if not of_class.pictures:
            raise _without_images(folder / name, of_class.passed_over.example)
        for picture in sorted(of_class.pictures, key=lambda it: it.name):
            place = picture.name.removesuffix(f" in {path}")
            file = os.path.basename(place)  # noqa: PTH119 - of a million, in a second
            digest.update(f"{name}/{file}\n".encode(errors="surrogateescape"))
            pictures.append(picture)
        labels += [label] * len(of_class.pictures)
    note = _note(folder, [chosen.beside, *(it.passed_over for it in chosen.classes.values())])
    found = np.array(labels, dtype=np.int64)
    return ClassFolders(pictures, found, tuple(sorted(chosen.classes)), digest.hexdigest(), note)


def _split_of(path: Path, split: str) -> tuple[Path, _Split]:
    """What a split is read from, with the place of its folder."""
    found = _in_tar(path) if path.is_file() else _on_disk(path)
    train = found.get("train", _Split()).classes
    if not train:
        raise StageError(f"{path} has no class folders", LAYOUT)
    # ImageNet's test folder has pictures without classes: a folder that has some goes first.
    names = [name for name in SPLIT_FOLDERS[split] if name in found and found[name].classes]
    if not names:
        raise StageError(
            f"{path} has no {' or '.join(SPLIT_FOLDERS[split])} folder with class folders",
            "the images to test on belong there, in one folder for each class",
        )
    folder, chosen = path / names[0], found[names[0]]
    if chosen.classes.keys() != train.keys():
        odd = sorted(chosen.classes.keys() ^ train.keys())
        raise StageError(
            f"{folder} has other class folders than {path / 'train'}",
            f"only one of them has {', '.join(odd[:3])}{', ...' if len(odd) > 3 else ''}",
        )
    return folder, chosen


def _without_images(folder: Path, example: str) -> StageError:
    """example: of what lies there and is not read."""
    if _is_image(example):
        return StageError(
            f"{folder} holds images only in folders deeper down, such as {example}",
            "put them right into the folder of their class",
        )
    known = f"known are {', '.join(sorted(IMAGE_SUFFIXES))}"
    if example:
        return StageError(f"{folder} holds no image, only files such as {example}", known)
    return StageError(f"{folder} holds no image", known)


def _note(folder: Path, passed_over: Iterable[_PassedOver]) -> str:
    found = [it for it in passed_over if it.count]
    if not found:
        return ""
    count = sum(it.count for it in found)
    files = "1 file is" if count == 1 else f"{count:,} files are"
    example = min((it.example for it in found), key=_rank)
    return (
        f"{files} passed over in {folder}, such as {example}: "
        f"{', '.join(sorted(IMAGE_SUFFIXES))} are read, right in a class folder"
    )


def _on_disk(path: Path) -> dict[str, _Split]:
    return {name: _split_on_disk(path / name) for name in FOLDERS if (path / name).is_dir()}


def _split_on_disk(folder: Path) -> _Split:
    split = _Split()
    for entry in os.scandir(folder):
        if entry.is_dir():
            split.classes[entry.name] = _class_on_disk(entry.path)
        else:
            split.beside.add(entry.path)
    return split


def _class_on_disk(folder: str) -> _Class:
    found = _Class()
    for entry in os.scandir(folder):
        if not entry.is_dir():
            if _is_image(entry.name):
                found.pictures.append(Picture(entry.path, Path(entry.path)))
            else:
                found.passed_over.add(entry.path)
        elif not entry.name.startswith("."):
            for deeper, folders, files in os.walk(entry.path):
                folders[:] = [name for name in folders if not name.startswith(".")]
                for file in files:
                    found.passed_over.add(f"{deeper}/{file}")
    return found


def _in_tar(path: Path) -> dict[str, _Split]:
    plain = uncompressed(path)
    found: dict[str, _Split] = {}
    for member in tar_members(plain, path):
        place = PurePosixPath(member.name)
        if len(place.parts) < 3 or place.parts[-3] not in FOLDERS:
            _pass_over(place, found)
            continue
        split = found.setdefault(place.parts[-3], _Split())
        of_class = split.classes.setdefault(place.parts[-2], _Class())
        if _is_image(place.name):
            picture = Picture(f"{place} in {path}", plain, member.offset, member.size)
            of_class.pictures.append(picture)
        else:
            of_class.passed_over.add(str(place))
    return found


def _pass_over(place: PurePosixPath, found: dict[str, _Split]) -> None:
    """A file of a tar that lies in no class folder: nowhere near, beside them or deeper."""
    parents = place.parts[:-1]
    at = next((i for i, name in enumerate(parents) if name in FOLDERS), None)
    if at is None or any(name.startswith(".") for name in parents[at:]):
        return
    split, below = found.setdefault(parents[at], _Split()), parents[at + 1 :]
    if below and _is_image(place.name):
        split.classes.setdefault(below[0], _Class()).passed_over.add(str(place))
    else:
        split.beside.add(str(place))


def _is_image(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES  # noqa: PTH122 - of a million, in a second


def _rank(name: str) -> tuple[bool, str]:
    return not _is_image(name), name
