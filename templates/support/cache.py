"""What is made from a data set once and used again: files named by the digest of what they were made from."""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from support.files import atomic_path, remove_leftovers, sha256, write_text
from support.progress import StageError

VARIABLE = "NASHC_CACHE"
REMEMBERED_FROM_BYTES = 1 << 28
SETTLED_S = 2.0


def cached(name: str, make: Callable[[Path], None]) -> Path:
    """The file `name` of the cache; if it is not there, make(path) writes it, in one of several processes that ask.

    Errors: those of `make`; StageError when the cache cannot be written.
    """
    path = folder() / name
    if path.is_file():
        return path
    try:
        with _alone(path):
            if not path.is_file():  # another process was faster
                with atomic_path(path) as temporary:
                    make(temporary)
    except (StageError, OSError) as error:
        if not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
            raise StageError(
                f"the cache {path.parent} cannot be written",
                f"set {VARIABLE} to a folder for what is made of data sets",
            ) from error
        raise
    return path


def stamp(path: Path) -> str:
    """A file as it is now, without reading it: digest of its path, size and time of change."""
    about = path.stat()
    named = f"{path.resolve()}\n{about.st_size}\n{about.st_mtime_ns}"
    return hashlib.sha256(named.encode(errors="surrogateescape")).hexdigest()


def is_settled(path: Path) -> bool:
    """Not changed just now: a second change would leave the same time behind."""
    return time.time() - path.stat().st_mtime > SETTLED_S


def remembered_sha256(path: Path) -> str:
    """Of a large file the digest is kept for as long as its path, size and time of change stay."""
    if path.stat().st_size < REMEMBERED_FROM_BYTES or not is_settled(path):
        return sha256(path)
    kept = folder() / f"{stamp(path)}.sha256"
    with contextlib.suppress(OSError, ValueError):
        text = kept.read_text(encoding="ascii").strip()
        if len(text) == 64 and int(text, 16):
            return text
    found = sha256(path)
    with contextlib.suppress(StageError, OSError):  # it is only time that is lost
        write_text(kept, found + "\n")
    return found


def folder() -> Path:
    """$NASHC_CACHE, or nashc in the user's cache."""
    if os.environ.get(VARIABLE):
        return Path(os.environ[VARIABLE]).expanduser()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "nashc"


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        import fcntl
    except ImportError:  # no such lock on Windows: the work may be done twice
        yield
        return
    with path.with_name(f".{path.name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        remove_leftovers(path.parent, path.name)  # as large as what they were to be
        yield
