"""CIFAR-10 in all its forms: the published binary and Python files, in a folder or a tar, and class folders of pictures.

The binary form, records of a label byte and 3 x 32 x 32 pixel bytes, is what pictures are kept as in the cache.
"""

from __future__ import annotations

import functools
import io
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from support.cache import cached
from support.data.class_folders import Picture, class_folders
from support.data.image_files import DECODERS, decoded_exactly
from support.data.tars import tar_members, uncompressed
from support.files import sha256
from support.progress import StageError

SHAPE = (3, 32, 32)
CLASSES = 10
PIXELS = 3 * 32 * 32
BATCH_IMAGES = 10_000  # as published
RECORD_BYTES = 1 + PIXELS
BATCHES = {"train": [f"data_batch_{number}" for number in range(1, 6)], "test": ["test_batch"]}
HELP = (
    "CIFAR-10 is read as its binary or Python version (cifar-10-binary.tar.gz, cifar-10-python.tar.gz, packed or not), or as "
    "class folders: train/<class>/*.png and test/<class>/*.png, plain or in a tar"
)

Table = np.ndarray
"""uint8, N x 3073: a label and the pixels."""


@dataclass(frozen=True)
class Cifar10:
    pixels: np.ndarray  # uint8, N x 3 x 32 x 32
    labels: np.ndarray  # int64
    note: str  # files in class folders that were passed over


def cifar10(path: Path, split: str) -> Cifar10:
    """Errors: StageError naming the file that is missing or broken."""
    table, note = _of_tar(path, split) if path.is_file() else _of_folder(path, split)
    return Cifar10(table[:, 1:].reshape(-1, *SHAPE), table[:, 0].astype(np.int64), note)


@dataclass(frozen=True)
class _Batch:
    called: str
    parse: Callable[[str, bytes], Table]
    read: Callable[[], bytes]

    def table(self) -> Table:
        return self.parse(self.called, self.read())


def _of_folder(path: Path, split: str) -> tuple[Table, str]:
    for folder in (path, path / "cifar-10-batches-bin", path / "cifar-10-batches-py"):
        for suffix, parse in _FORMS.items():
            files = {name: folder / f"{name}{suffix}" for name in _ALL_BATCHES}
            if any(file.exists() for file in files.values()):
                batches = {
                    name: _Batch(str(file), parse, functools.partial(_read, file))
                    for name, file in files.items()
                }
                return _of_batches(batches, split), ""
    if not (path / "train").is_dir():
        raise StageError(f"{path} holds no CIFAR-10", HELP)
    return _of_pictures(path, split)


def _of_tar(path: Path, split: str) -> tuple[Table, str]:
    plain = uncompressed(path)
    found: dict[str, _Batch] = {}
    for member in tar_members(plain, path):
        place = PurePosixPath(member.name)
        parse = _FORMS.get(place.suffix)
        if parse is not None and place.stem in _ALL_BATCHES:
            file = Picture(f"{place} in {path}", plain, member.offset, member.size)
            found[place.stem] = _Batch(file.name, parse, file.read)
    if not found:
        return _of_packed_pictures(path, split)
    missing = [name for name in BATCHES[split] if name not in found]
    if missing:
        raise StageError(f"{path} lacks {', '.join(missing)}", HELP)
    return _of_batches(found, split), ""


def _of_batches(batches: dict[str, _Batch], split: str) -> Table:
    """Published batches have 10,000 images, those of a smaller set as many as one another.

    Errors: StageError when one has fewer: it was cut off between two of them.
    """
    tables = {name: batches[name].table() for name in BATCHES[split]}
    most = max(map(len, tables.values()))
    first = batches.get("data_batch_1")
    if split == "test" and most < BATCH_IMAGES and first is not None:
        most = max(most, len(first.table()))
    for name, table in tables.items():
        if len(table) < most:
            raise StageError(
                f"{batches[name].called} is cut off: it has {len(table)} images, another batch {most}",
                "download it again; in a smaller set of your own all batches have as many images",
            )
    return np.concatenate([*tables.values()])


def _of_packed_pictures(path: Path, split: str) -> tuple[Table, str]:
    """Decoded once. The note is told then."""
    notes: list[str] = []

    def decode(target: Path) -> None:
        table, note = _of_pictures(path, split)
        table.tofile(target)
        notes.append(note)

    kept = cached(f"{sha256(path)}-{split}.cifar10", decode)
    return _table(str(kept), _read(kept)), "".join(notes)


def _of_pictures(path: Path, split: str) -> tuple[Table, str]:
    folders = class_folders(path, split)
    if len(folders.classes) != CLASSES:
        raise StageError(
            f"{path} has {len(folders.classes)} class folders, CIFAR-10 has {CLASSES}",
            'pictures of other classes are read by data = folder("path")',
        )
    with ThreadPoolExecutor(DECODERS) as pool:
        pixels = list(
            pool.map(lambda it: decoded_exactly(it.name, it.read(), SHAPE), folders.pictures)
        )
    columns = [folders.labels.astype(np.uint8), np.stack(pixels).reshape(-1, PIXELS)]
    return np.column_stack(columns), folders.note


def _records(name: str, content: bytes) -> Table:
    return _checked(name, _table(name, content))


def _table(name: str, content: bytes) -> Table:
    if not content or len(content) % RECORD_BYTES:
        raise StageError(
            f"{name} is cut off: {len(content)} bytes are not a whole number of records of {RECORD_BYTES}",
            "download it again",
        )
    return np.frombuffer(content, dtype=np.uint8).reshape(-1, RECORD_BYTES)


def _checked(name: str, table: Table) -> Table:
    highest = table[:, 0].max()
    if highest >= CLASSES:
        raise StageError(f"{name} is no CIFAR-10, or damaged: it has a label {highest}", HELP)
    is_black = ~table[:, 1:].any(axis=1)  # no picture of CIFAR-10 is
    if is_black.any():
        where = int(np.flatnonzero(is_black)[0]) + 1
        raise StageError(
            f"{name} is damaged: image {where} is nothing but zeros", "download it again"
        )
    return table


# ---- the Python form ------------------------------------------------------------------------------


def _pickled(name: str, content: bytes) -> Table:
    """{"data": uint8 N x 3072, "labels": N whole numbers, ...} out of a pickle that may name nothing but NumPy's arrays.

    No NumPy function is called either: what stands for them here only keeps what it is given.
    """
    try:
        batch = _BatchUnpickler(io.BytesIO(content), encoding="bytes").load()
        data, labels = batch[b"data"], batch[b"labels"]
        pixels = np.frombuffer(data.content, dtype=np.uint8).reshape(-1, PIXELS)
        columns = np.array(labels, dtype=np.uint8)
        return _checked(name, np.column_stack([columns, pixels]))
    except StageError:
        raise
    # A pickle that was cut off or forged ends in any of these.
    except (
        pickle.UnpicklingError, EOFError, KeyError, IndexError, AttributeError, TypeError, ValueError, OverflowError,
        MemoryError,
    ) as error:  # fmt: skip
        raise StageError(
            f"{name} is cut off or no batch of CIFAR-10 ({error or type(error).__name__})",
            "download it again",
        ) from error


class _BatchUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        match module, name:
            case (("numpy.core.multiarray" | "numpy._core.multiarray"), "_reconstruct"):
                return lambda *_: _Array()
            case "numpy", "ndarray":
                return _Array
            case "numpy", "dtype":
                return lambda kind, *_: _Kind(kind)
        raise pickle.UnpicklingError(f"it asks for {module}.{name}")


class _Kind:
    """Of an array's numbers: bytes, or the file is none of CIFAR-10's."""

    def __init__(self, kind: Any) -> None:
        if kind not in (b"u1", "u1"):
            raise pickle.UnpicklingError(f"an array of {kind!r}")

    def __setstate__(self, state: Any) -> None: ...


class _Array:
    content = b""

    def __setstate__(self, state: Any) -> None:
        _, shape, _, is_fortran, content = state
        if is_fortran or len(shape) != 2 or shape[1] != PIXELS or len(content) != shape[0] * PIXELS:
            raise pickle.UnpicklingError(f"an array of the shape {shape!r}")
        self.content = content


_FORMS: dict[str, Callable[[str, bytes], Table]] = {".bin": _records, "": _pickled}
_ALL_BATCHES = [name for names in BATCHES.values() for name in names]


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise StageError(
            f"cannot read {file}: {(error.strerror or str(error)).lower()}",
            "all batches must be there and readable: unpack the download again",
        ) from error
