"""Generated files onto the disk: whole or not at all, nothing stale left, nothing of a person's lost.

`manifest.json` says which files are ours and what we wrote into them. A file that differs from it was
edited by somebody, and is overwritten only when that is asked for, and then kept as `<file>.orig`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from nashc import __version__
from nashc.diagnostics import Diagnostic, SpecError
from nashc.writing import written_into

MANIFEST = "manifest.json"
# While files are being replaced this one says what they will hold, so that a run cut short there does
# not leave files that look edited.
_JOURNAL = ".manifest.next.json"
# What is written lies in a folder of its process first, until all of it is there.
_STAGING = re.compile(r"\.nashc-(?P<process>[0-9]{1,9})-\w+")


@dataclass(frozen=True)
class WriteResult:
    """What happened to each file; paths relative to `out`, sorted."""

    out: Path
    written: tuple[str, ...]
    unchanged: tuple[str, ...]
    removed: tuple[str, ...]
    kept: tuple[str, ...]
    """Edited files that were put aside as `<file>.orig`."""

    @property
    def is_unchanged(self) -> bool:
        return not (self.written or self.removed)


@dataclass(frozen=True)
class _Change:
    write: tuple[str, ...]
    same: tuple[str, ...]
    remove: tuple[str, ...]
    edited: tuple[str, ...]


def write(
    files: Mapping[str, str], out: Path, digest: str, *, name: str = "", force: bool = False
) -> WriteResult:
    """Bring the generated files under `out` to this state, with a manifest.

    digest: of the spec. name: of the network. force: put edited files aside instead of refusing.
    Errors: NASH401 the folder cannot be written, NASH402 a person edited files that would change.
    """
    contents = {_checked(path): text.encode() for path, text in files.items()}
    contents[MANIFEST] = _manifest(contents, name, digest)
    with written_into(out):
        _remove_leftovers(out)
        change = _compare(contents, out)
        if change.edited and not force:
            raise _edited(out, change.edited)
        if change.write or change.remove:
            _apply(contents, out, change)
    kept = change.edited
    return WriteResult(out, change.write, change.same, change.remove, kept)


def outdated(
    files: Mapping[str, str], out: Path, digest: str, *, name: str = "", force: bool = False
) -> tuple[str, ...] | None:
    """The files that `write` would write or remove; None if the folder holds none of ours yet. Errors: NASH402."""
    contents = {_checked(path): text.encode() for path, text in files.items()}
    contents[MANIFEST] = _manifest(contents, name, digest)
    try:
        change = _compare(contents, out)
        is_there = (out / MANIFEST).is_file()
    except OSError:
        return None
    if change.edited and not force:
        raise _edited(out, change.edited)
    return tuple(sorted({*change.write, *change.remove})) if is_there else None


def _compare(contents: Mapping[str, bytes], out: Path) -> _Change:
    ours = _known_digests(out)
    write, same, remove, edited = [], [], [], []
    for path, content in sorted(contents.items()):
        present = _read(out / path)
        if present == content:
            same.append(path)
            continue
        write.append(path)
        if present is not None and path != MANIFEST and _sha256(present) not in ours.get(path, ()):
            edited.append(path)
    for path in sorted(ours.keys() - contents.keys()):
        present = _read(out / path)
        if present is None:
            continue
        remove.append(path)
        if _sha256(present) not in ours[path]:
            edited.append(path)
    return _Change(tuple(write), tuple(same), tuple(remove), tuple(sorted(edited)))


def _apply(contents: Mapping[str, bytes], out: Path, change: _Change) -> None:
    out.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f".nashc-{os.getpid()}-", dir=out))
    try:
        for path in change.write:
            staged = staging / path
            staged.parent.mkdir(parents=True, exist_ok=True)
            staged.write_bytes(contents[path])
            (out / path).parent.mkdir(parents=True, exist_ok=True)
        (out / _JOURNAL).write_bytes(contents[MANIFEST])
        for path in change.edited:
            (out / path).replace(out / f"{path}.orig")
        for path in change.write:
            if path != MANIFEST:
                (staging / path).replace(out / path)
        for path in change.remove:
            (out / path).unlink(missing_ok=True)
            _remove_empty(out, (out / path).parent)
        if MANIFEST in change.write:
            (staging / MANIFEST).replace(out / MANIFEST)
        (out / _JOURNAL).unlink(missing_ok=True)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _remove_leftovers(out: Path) -> None:
    """Of a compile that was killed."""
    for folder in out.glob(".nashc-*"):
        found = _STAGING.fullmatch(folder.name)
        if found and not _is_running(int(found["process"])):
            shutil.rmtree(folder, ignore_errors=True)


def _is_running(process: int) -> bool:
    if os.name != "posix":  # the question would be Ctrl-C there
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return True


def _known_digests(out: Path) -> dict[str, set[str]]:
    """By path, the digests of what we wrote there last, or were about to."""
    known: dict[str, set[str]] = {}
    for name in (MANIFEST, _JOURNAL):
        raw = _read(out / name)
        try:
            listed = json.loads(raw or b"{}").get("files", {})
            entries = {_checked(str(path)): str(digest) for path, digest in listed.items()}
        except (ValueError, AttributeError):
            continue  # not a manifest of ours: then no file there is ours
        for path, digest in entries.items():
            known.setdefault(path, set()).add(digest)
    return known


def _manifest(contents: Mapping[str, bytes], name: str, digest: str) -> bytes:
    files = {path: _sha256(contents[path]) for path in sorted(contents)}
    value = {"nashc": __version__, "name": name, "spec": digest, "files": files}
    return (json.dumps(value, indent=2, sort_keys=True) + "\n").encode()


def _checked(path: str) -> str:
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts or "\\" in path or not pure.parts:
        raise ValueError(f"not a path inside the output folder: {path!r}")
    return path


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _remove_empty(out: Path, folder: Path) -> None:
    while folder != out and folder.is_dir():
        cache = folder / "__pycache__"
        if any(path != cache for path in folder.iterdir()):
            return
        shutil.rmtree(folder)
        folder = folder.parent


def _edited(out: Path, paths: tuple[str, ...]) -> SpecError:
    was, them = ("was", "it") if len(paths) == 1 else ("were", "them")
    message = f"{', '.join(paths)} in {out} {was} edited since nashc wrote {them}"
    help_text = "--overwrite writes anew and keeps yours as <file>.orig; -o takes another folder"
    return SpecError([Diagnostic("NASH402", message, help=help_text)])
