"""What is made from a data set once and used again: files named by the digest of what they were made from."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from support.files import atomic_path
from support.progress import StageError

VARIABLE = "NASHC_CACHE"


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
        yield
