"""Whether a data set is still the one that a result was made from, asked cheaply.

Of a file: its size and the content of a few places in it. Of a folder: the names and sizes of all files. A picture replaced by
another one of its very size goes unnoticed; `nashc run --force train` is there for that.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PLACES = 64
PLACE_BYTES = 4096


def fingerprint(path: Path) -> dict[str, Any] | None:
    """{"files", "bytes", "digest"} of a file or folder, the same wherever it lies; None if it is not there."""
    if path.is_file():
        size = path.stat().st_size
        return {"files": 1, "bytes": size, "digest": _sampled(path, size)}
    if not path.is_dir():
        return None
    digest, count, total = hashlib.sha256(), 0, 0
    for name, size in sorted(_files(path, "")):
        digest.update(f"{name}\0{size}\n".encode("utf-8", "surrogateescape"))
        count, total = count + 1, total + size
    return {"files": count, "bytes": total, "digest": digest.hexdigest()[:16]}


def _files(folder: Path | str, name: str) -> Iterator[tuple[str, int]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                yield from _files(entry.path, f"{name}{entry.name}/")
            elif entry.is_file():
                yield f"{name}{entry.name}", entry.stat().st_size


def _sampled(path: Path, size: int) -> str:
    """All of a small file; of a large one the same share from everywhere, beginning and end included."""
    digest = hashlib.sha256()
    with path.open("rb") as content:
        if size <= PLACES * PLACE_BYTES:
            digest.update(content.read())
        else:
            for place in range(PLACES):
                content.seek((size - PLACE_BYTES) * place // (PLACES - 1))
                digest.update(content.read(PLACE_BYTES))
    return digest.hexdigest()[:16]
