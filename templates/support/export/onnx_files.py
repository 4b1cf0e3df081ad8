"""ONNX models on disk, written while the next step works: disk and digest take as long as a step of a large network."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import onnx

from support.files import remove_leftovers, write_bytes
from support.progress import StageError


def read(path: Path, help: str) -> Any:
    """qonnx's ModelWrapper of a file. Errors: StageError, with that way out, if it is no ONNX model."""
    from google.protobuf.message import DecodeError
    from qonnx.core.modelwrapper import ModelWrapper

    try:
        return ModelWrapper(str(path))
    except (DecodeError, OSError) as error:
        raise StageError(f"{path} is no ONNX model, or a broken one ({error})", help) from error


class Writer:
    """Writes in order, one model at a time, so that no more than one is in memory twice."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool
        self._last: Future[None] | None = None

    def save(
        self, model: onnx.ModelProto, *paths: Path, then: Callable[[str], None] | None = None
    ) -> None:
        """The model as it is now, the same in every path; it may change afterwards. then: what is done with its SHA-256.

        Errors: those of the model before this one, StageError for a full disk among them.
        """
        self.finish()
        content = model.SerializeToString()
        self._last = self._pool.submit(_write, content, paths, then)

    def finish(self) -> None:
        """Everything is on disk. Errors: those of writing it."""
        if self._last is not None:
            last, self._last = self._last, None
            last.result()


def _write(content: bytes, paths: tuple[Path, ...], then: Callable[[str], None] | None) -> None:
    for path in paths:
        remove_leftovers(path.parent, path.name)
        write_bytes(path, content)
    if then is not None:
        then(hashlib.sha256(content).hexdigest())


@contextlib.contextmanager
def writing() -> Iterator[Writer]:
    """What was given to the writer inside is on disk afterwards, also when something else went wrong."""
    with ThreadPoolExecutor(1, "writer") as pool:
        writer = Writer(pool)
        yield writer
        writer.finish()
