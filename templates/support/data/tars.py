"""What lies where in a tar.

A tar that is not compressed is read where it lies; of a compressed one the content is kept in the cache, since it has no
places to jump to. So is the index of a large one: reading the headers of a million pictures takes minutes.
"""

from __future__ import annotations

import bz2
import contextlib
import gzip
import hashlib
import json
import lzma
import shutil
import tarfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from support.cache import cached, folder, is_settled, remembered_sha256, stamp
from support.files import write_bytes
from support.progress import StageError

# Fewer files than this are found faster than they are worth keeping.
INDEX_KEPT_FROM = 10_000

_OPENERS = {b"\x1f\x8b": gzip.open, b"BZ": bz2.open, b"\xfd7": lzma.open}


@dataclass(frozen=True, slots=True)
class Member:
    """A file in a tar: its `size` bytes from `offset` on."""

    name: str
    offset: int
    size: int


@dataclass(frozen=True)
class _Index:
    members: list[Member]
    end: int  # of the last member


def tar_members(tar: Path, path: Path) -> list[Member]:
    """The files in a tar. path: how to call it in errors.

    Of a large tar they come from the index of an earlier start, if its path, size and time are the same, the index is
    whole, and the tar still has its last file where it says. Errors: StageError when the tar is cut off or none.
    """
    file = folder() / f"{stamp(tar)}.tar-index"
    kept = _read_index(file)
    with broken_tar_told(path):
        if kept is not None and _fits(tar, kept):
            _check_end(tar, kept.end)
            return kept.members
        index = _scan(tar, path)
        _check_end(tar, index.end)
    if len(index.members) >= INDEX_KEPT_FROM and is_settled(tar):
        with contextlib.suppress(StageError, OSError):  # it is only time that is lost
            _write_index(file, index)
    return index.members


def _scan(tar: Path, path: Path) -> _Index:
    with tarfile.open(tar, "r:") as archive:
        # Of files of one name the last one counts, as where a tar is unpacked.
        found: dict[str, Member] = {}
        while member := archive.next():
            if member.isfile():
                found[member.name] = Member(member.name, member.offset_data, member.size)
            if member.issym() or member.islnk():
                raise StageError(
                    f"{path} holds {member.name} as a link, without its content",
                    "pack it again with tar --dereference --hard-dereference",
                )
            archive.members.clear()  # a million of them take a gigabyte
        # To tarfile a tar that was cut off between two files looks whole; but it must end with a block of zeros.
        return _Index([*found.values()], archive.offset)


def _write_index(file: Path, index: _Index) -> None:
    columns = {
        "end": index.end,
        "names": [it.name for it in index.members],
        "offsets": [it.offset for it in index.members],
        "sizes": [it.size for it in index.members],
    }
    body = json.dumps(columns).encode()
    write_bytes(file, hashlib.sha256(body).hexdigest().encode() + b"\n" + body)


def _read_index(file: Path) -> _Index | None:
    try:
        digest, _, body = file.read_bytes().partition(b"\n")
    except OSError:
        return None
    if hashlib.sha256(body).hexdigest().encode() != digest:
        return None
    columns = json.loads(body)
    rows = zip(columns["names"], columns["offsets"], columns["sizes"], strict=True)
    return _Index([Member(*row) for row in rows], columns["end"])


def _fits(tar: Path, index: _Index) -> bool:
    """The header of the last file stands where it stood."""
    if not index.members:
        return False
    last = max(index.members, key=lambda member: member.offset)
    with tar.open("rb") as content:
        content.seek(last.offset - tarfile.BLOCKSIZE)
        block = content.read(tarfile.BLOCKSIZE)
    try:
        header = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return header.size in (last.size, 0)  # 0: of 8 GiB or more, a header before it tells


def uncompressed(path: Path) -> Path:
    """The tar itself, or its content in the cache."""
    with path.open("rb") as content:
        opener = _OPENERS.get(content.read(2))
    if opener is None:
        return path

    def unpack(target: Path) -> None:
        with broken_tar_told(path), opener(path) as packed, target.open("wb") as unpacked:
            shutil.copyfileobj(packed, unpacked, 1 << 20)

    return cached(f"{remembered_sha256(path)}.tar", unpack)


class broken_tar_told:  # noqa: N801 - used as a statement
    """Errors of tarfile and the decompressors become a StageError that names the tar."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: object, error: BaseException | None, _: object) -> None:
        if isinstance(error, tarfile.TarError | EOFError | lzma.LZMAError | zlib.error):
            raise _broken(self.path, str(error)) from error
        if isinstance(error, OSError) and error.errno is None:  # not a gzip file, broken checksums
            raise _broken(self.path, str(error)) from error


def _check_end(tar: Path, end: int) -> None:
    with tar.open("rb") as content:
        content.seek(end)
        if content.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
            raise tarfile.ReadError(f"it ends at byte {end} in the middle of its files")


def _broken(path: Path, why: str) -> StageError:
    return StageError(
        f"{path} is cut off or no tar: {why}", "download it again, or check its digest"
    )
