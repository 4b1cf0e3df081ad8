"""One file where a user wants it: whole or not at all, behind links, straight into devices and pipes."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from nashc.diagnostics import Diagnostic, SpecError


def write_file(path: Path, content: str | bytes) -> None:
    """Text is written as UTF-8. Folders on the way are made, a file that is there keeps its permissions.

    Errors: NASH401.
    """
    data = content.encode() if isinstance(content, str) else content
    try:
        there = _status(path)
        stream = _stream(there)
        if there is None or (stat.S_ISREG(there.st_mode) and stream is None):
            _replace(path.resolve(), data, there)
        else:
            if sys.stdout:
                sys.stdout.flush()
            with open(path if stream is None else stream, "wb", closefd=stream is None) as file:
                file.write(data)
    except OSError as error:
        raise unwritable(path, error) from error


def remove_file(path: Path) -> None:
    """Errors: NASH401."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(path, error) from error


def check_place(path: Path) -> None:
    """Whether `write_file` may, asked before long work; makes nothing. Errors: NASH401."""
    try:
        there = _status(path)
        if there is None or stat.S_ISREG(there.st_mode):
            _try(_nearest(path.resolve().parent))
        elif stat.S_ISDIR(there.st_mode):
            raise IsADirectoryError(0, "is a directory")
    except OSError as error:
        raise unwritable(path, error) from error


def check_folder(folder: Path) -> None:
    """Whether `written_into` may find a place in the folder; makes nothing. Errors: NASH401."""
    with written_into(folder):
        place = _nearest(folder.resolve())
        try:
            _try(place)
        except OSError as error:  # it names the file of the trial
            raise OSError(error.errno, error.strerror, str(place)) from error


def unwritable(what: Path | str, error: OSError) -> SpecError:
    """NASH401 in the system's words."""
    message = f"{what} cannot be written: {_reason(error)}"
    return SpecError([Diagnostic("NASH401", message, help="choose another place for it")])


@contextlib.contextmanager
def written_into(folder: Path) -> Iterator[None]:
    """NASH401 for an output folder that cannot be written, with the file in it that the system names."""
    try:
        yield
    except OSError as error:
        raise _unwritable_folder(folder, error) from error


def _unwritable_folder(folder: Path, error: OSError) -> SpecError:
    named = error.filename and str(error.filename) != str(folder)
    where = f" ({error.filename})" if named else ""
    message = f"the output folder {folder} cannot be written: {_reason(error)}{where}"
    return SpecError([Diagnostic("NASH401", message, help="choose another folder with -o")])


def _reason(error: OSError) -> str:
    """In the system's words, but for a file where a folder should be: mkdir only says that it exists."""
    is_in_the_way = isinstance(error, FileExistsError)
    return "not a directory" if is_in_the_way else (error.strerror or str(error)).lower()


def _nearest(place: Path) -> Path:
    """The place, or what there is on the way to it."""
    while not place.exists():
        place = place.parent
    return place


def _try(folder: Path) -> None:
    tempfile.TemporaryFile(dir=folder).close()


def _status(path: Path) -> os.stat_result | None:
    """Of what the path leads to, None if there is nothing."""
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _stream(there: os.stat_result | None) -> int | None:
    """1 or 2 if this is where standard output or error goes: a file opened anew would be written from its begin."""
    for stream in (1, 2):
        with contextlib.suppress(OSError):
            if there and os.path.samestat(there, os.fstat(stream)):
                return stream
    return None


def _replace(path: Path, data: bytes, there: os.stat_result | None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(data)
        if there:
            temporary.chmod(stat.S_IMODE(there.st_mode))
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
