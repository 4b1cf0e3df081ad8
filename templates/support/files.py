"""Files written whole or not at all, settings read with a clear word when they cannot be, digests."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from support.progress import StageError


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current


# Asked once: asking sets it for a moment, for all threads.
_UMASK = _umask()
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_REFUSED = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.ENOENT, errno.ENAMETOOLONG)  # fmt: skip


@contextlib.contextmanager
def atomic_path(path: Path | str) -> Iterator[Path]:
    """A temporary path beside `path`, moved over it at the end; removed if anything went wrong.

    For writers that want a path of their own (onnx.save, savefig, np.savez): the ending is kept. After a power cut, too,
    `path` is the old file or the new one. Errors: StageError when the disk is full or cannot be written.
    """
    path = Path(path)
    with _explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(
            prefix=_leftover_prefix(path), suffix=path.suffix, dir=path.parent
        )
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
            # mkstemp makes files that only their owner reads; results are for everybody the umask allows.
            temporary.chmod(0o666 & ~_UMASK)
            _sync(temporary)
            temporary.replace(path)
            if os.name == "posix":  # elsewhere a folder cannot be opened
                _sync(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


def make_folder(path: Path) -> None:
    """Errors: StageError when it cannot be made: better at the start than with the first result."""
    with _explained(path):
        path.mkdir(parents=True, exist_ok=True)


def remove_leftovers(folder: Path, of: str = "*") -> None:
    """Temporary files of writers that were killed: of all, or of the file that is called `of`. Not while another process may write."""
    for leftover in folder.glob(f"{_leftover_prefix(Path(of))}*{Path(of).suffix}"):
        leftover.unlink(missing_ok=True)


def keep_as(path: Path | str, other: Path | str) -> None:
    """The file gets a second name, which what is later written to `path` leaves alone."""
    with atomic_path(other) as temporary:
        temporary.unlink()
        try:
            temporary.hardlink_to(path)
        except OSError:  # a file system without links
            shutil.copyfile(path, temporary)


def write_bytes(path: Path | str, content: bytes) -> None:
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path | str, text: str) -> None:
    write_bytes(path, text.encode())


def write_json(path: Path | str, value: Any) -> None:
    write_text(path, json.dumps(value, indent=2, sort_keys=True, allow_nan=False) + "\n")


def read_settings(folder: Path, name: str) -> dict[str, Any]:
    """What the spec says of a stage, from the folder of its program. Errors: as read_json."""
    return read_json(folder / "settings" / f"{name}.json", "nashc compile writes it again")


def read_json(path: Path | str, help: str = "") -> dict[str, Any]:
    """A JSON object. Errors: StageError naming the file when it is missing or none, and when it lacks what is asked for."""
    path = Path(path)
    try:
        found = json.loads(
            path.read_text(encoding="utf-8"), object_hook=lambda it: _Told(it, path, help)
        )
    except OSError as error:
        raise StageError(f"cannot read {path}: {error.strerror}", help) from error
    except ValueError as error:
        raise StageError(f"{path} is not valid JSON: {error}", help) from error
    if not isinstance(found, dict):
        raise StageError(f"{path} is no JSON object", help)
    return found


class _Told(dict[str, Any]):
    """A JSON object that tells what it lacks."""

    def __init__(self, items: dict[str, Any], path: Path, help: str) -> None:
        super().__init__(items)
        self._path, self._help = path, help

    def __missing__(self, key: str) -> Any:
        raise StageError(f'{self._path} has no "{key}"', self._help)


def digest_of(value: Any) -> str:
    """SHA-256 of a JSON value, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def sha256(path: Path | str) -> str:
    with Path(path).open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StageError(
                f"cannot write {path}: {(error.strerror or str(error)).lower()}",
                "make room on the disk and run again",
            ) from error
        if error.errno in _REFUSED:
            raise StageError(
                f"cannot write {path}: {(error.strerror or '').lower()}",
                "choose another place with --out",
            ) from error
        raise


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _leftover_prefix(path: Path) -> str:
    return f".{path.stem}.nashc-"
