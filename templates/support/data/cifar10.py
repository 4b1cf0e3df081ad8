"""CIFAR-10 in all its forms: the published binary and Python files, in a folder or a tar, and class folders of pictures.

The binary form, records of a label byte and 3 x 32 x 32 pixel bytes, is what pictures are kept as in the cache.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from support.cache import cached
from support.data.class_folders import class_folders
from support.data.image_files import DECODERS, decoded_exactly
from support.data.tars import tar_members, uncompressed
from support.files import sha256
from support.progress import StageError

SHAPE = (3, 32, 32)
CLASSES = 10
PIXELS = 3 * 32 * 32
RECORD_BYTES = 1 + PIXELS
BATCHES = {"train": [f"data_batch_{number}" for number in range(1, 6)], "test": ["test_batch"]}
HELP = (
    "CIFAR-10 is read as its binary or Python version (cifar-10-binary.tar.gz, cifar-10-python.tar.gz, packed or not), or as "
    "class folders: train/<class>/*.png and test/<class>/*.png, plain or in a tar"
)

Table = np.ndarray
"""uint8, N x 3073: a label and the pixels."""


def cifar10(path: Path, split: str) -> tuple[np.ndarray, np.ndarray]:
    """uint8 N x 3 x 32 x 32 and int64 labels. Errors: StageError naming the file that is missing or broken."""
    table = _of_tar(path, split) if path.is_file() else _of_folder(path, split)
    return table[:, 1:].reshape(-1, *SHAPE), table[:, 0].astype(np.int64)


def _of_folder(path: Path, split: str) -> Table:
    for folder in (path, path / "cifar-10-batches-bin", path / "cifar-10-batches-py"):
        for suffix, parse in _FORMS.items():
            if any((folder / f"{name}{suffix}").exists() for name in _ALL_BATCHES):
                files = [folder / f"{name}{suffix}" for name in BATCHES[split]]
                return _joined({str(file): parse(str(file), _read(file)) for file in files})
    if not (path / "train").is_dir():
        raise StageError(f"{path} holds no CIFAR-10", HELP)
    return _of_pictures(path, split)


def _of_tar(path: Path, split: str) -> Table:
    plain = uncompressed(path)
    found: dict[str, Table] = {}
    is_batches = False
    with plain.open("rb") as content:
        for member in tar_members(plain, path):
            place = PurePosixPath(member.name)
            parse = _FORMS.get(place.suffix)
            is_batch = parse is not None and place.stem in _ALL_BATCHES
            is_batches |= is_batch
            if parse is not None and place.stem in BATCHES[split]:
                content.seek(member.offset)
                found[place.stem] = parse(f"{place} in {path}", content.read(member.size))
    if not is_batches:
        kept = cached(
            f"{sha256(path)}-{split}.cifar10",
            lambda target: _of_pictures(path, split).tofile(target),
        )
        return _table(str(kept), _read(kept))
    missing = [name for name in BATCHES[split] if name not in found]
    if missing:
        raise StageError(f"{path} lacks {', '.join(missing)}", HELP)
    return _joined({f"{name} in {path}": found[name] for name in BATCHES[split]})


def _joined(batches: dict[str, Table]) -> Table:
    """Errors: StageError when one lacks records: it was cut off between two of them."""
    most = max(map(len, batches.values()))
    for name, batch in batches.items():
        if len(batch) < most:
            raise StageError(
                f"{name} is cut off: it has {len(batch)} images, another batch {most}",
                "download it again",
            )
    return np.concatenate([*batches.values()])


def _of_pictures(path: Path, split: str) -> Table:
    folders = class_folders(path, split)
    if len(folders.classes) != CLASSES:
        raise StageError(
            f"{path} has {len(folders.classes)} class folders, CIFAR-10 has {CLASSES}", HELP
        )
    with ThreadPoolExecutor(DECODERS) as pool:
        pixels = list(
            pool.map(lambda it: decoded_exactly(it.name, it.read(), SHAPE), folders.pictures)
        )
    return np.column_stack([folders.labels.astype(np.uint8), np.stack(pixels).reshape(-1, PIXELS)])


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
