"""Characters and where they are: the only room that reads spec files.

`Source` is one file's text with its display path; `Span` is a piece of one, from which every later
message can quote. Offsets count characters, lines and columns count from 1.
"""

from __future__ import annotations

import shlex
from bisect import bisect_right
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE, BOM_UTF32_BE, BOM_UTF32_LE
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

# The long ones first: that of UTF-16 is the begin of one of them.
Encoding = Literal["utf-8", "latin1", "utf-16", "utf-16le", "utf-16be", "utf-32", "binary"]

_WIDE_MARKS: tuple[tuple[bytes, Encoding], ...] = (
    (BOM_UTF32_LE, "utf-32"),
    (BOM_UTF32_BE, "utf-32"),
    (BOM_UTF16_LE, "utf-16"),
    (BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True, eq=False)
class Source:
    """The text of one spec file and the path that messages show for it.

    is_library: whether the file ships with nashc, so that no user can mend it.
    trouble: why the file could not be read; `parse` turns it into a diagnostic.
    bad_at: where the file stops being UTF-8 text, if it does; `seems` says what its bytes are more likely to be,
        and the text holds U+FFFD for what is none.
    """

    path: str
    text: str
    trouble: str = ""
    bad_at: int | None = None
    seems: Encoding = "utf-8"
    is_library: bool = False

    @cached_property
    def line_starts(self) -> tuple[int, ...]:
        """Offset of the first character of each line."""
        starts = [0]
        starts.extend(i + 1 for i, char in enumerate(self.text) if char == "\n")
        return tuple(starts)

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column, both from 1, of a character offset."""
        line = bisect_right(self.line_starts, offset)
        return line, offset - self.line_starts[line - 1] + 1

    def line(self, number: int) -> str:
        """The text of line `number` (from 1) without its newline."""
        start = self.line_starts[number - 1]
        end = self.text.find("\n", start)
        return self.text[start : end if end >= 0 else None].rstrip("\r")

    @property
    def name(self) -> str:
        """The file's own name, without its folder."""
        return Path(self.path).name


@dataclass(frozen=True)
class Span:
    """The characters [start, end) of a source.

    asked_by: the call that brought a block's text into the network, when this lies inside a block.
    """

    source: Source = field(repr=False)
    start: int
    end: int
    asked_by: Span | None = field(default=None, compare=False, repr=False)

    @property
    def line(self) -> int:
        return self.source.position(self.start)[0]

    @property
    def column(self) -> int:
        return self.source.position(self.start)[1]

    @property
    def text(self) -> str:
        return self.source.text[self.start : self.end]

    def to(self, other: Span) -> Span:
        """From the start of this span to the end of another in the same source."""
        return Span(self.source, self.start, max(self.end, other.end))

    def __str__(self) -> str:
        return f"{self.source.path}:{self.line}:{self.column}"


def read_source(path: Path) -> Source:
    """The file as a `Source`. Never fails: a file that cannot be read says so in `trouble`.

    A byte order mark is dropped.
    """
    shown = display_path(path)
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return Source(shown, "", trouble="there is no such file")
    except IsADirectoryError:
        return Source(shown, "", trouble="it is a folder")
    except PermissionError:
        return Source(shown, "", trouble="reading it is not allowed")
    except (OSError, ValueError) as error:
        return Source(shown, "", trouble=getattr(error, "strerror", None) or str(error))
    return source_of(shown, raw)


def source_of(shown: str, raw: bytes) -> Source:
    """The bytes of a file as a `Source`, as `read_source`."""
    if encoding := _wide_encoding(raw):
        return Source(shown, raw.decode(encoding, errors="replace"), bad_at=0, seems=encoding)
    bare = raw.removeprefix(BOM_UTF8)
    text, zero = bare.decode("utf-8", errors="replace"), bare.find(0)
    if zero >= 0:
        return Source(
            shown, text, bad_at=len(bare[:zero].decode("utf-8", errors="replace")), seems="binary"
        )
    try:
        bare.decode("utf-8")
    except UnicodeDecodeError as error:
        return Source(shown, text, bad_at=len(bare[: error.start].decode("utf-8")), seems="latin1")
    return Source(shown, text)


def _wide_encoding(raw: bytes) -> Encoding | None:
    """By the mark, or because every second byte is zero in most characters, and none of the others is."""
    for mark, encoding in _WIDE_MARKS:
        if raw.startswith(mark):
            return encoding
    first, second = raw[::2].count(0), raw[1::2].count(0)
    if first == 0 and second > len(raw) // 4:
        return "utf-16le"
    if second == 0 and first > len(raw) // 4:
        return "utf-16be"
    return None


def pasted(path: Path | str) -> str:
    """The path as a word of a command that a user may paste into a shell."""
    text = str(path)
    return shlex.quote(f"./{text}" if text.startswith("-") else text)


def display_path(path: Path) -> str:
    """The path as messages show it: from the working folder where it lies inside, else as given."""
    try:
        return path.resolve().relative_to(Path.cwd()).as_posix()
    except (ValueError, OSError, RuntimeError):
        return path.as_posix()
