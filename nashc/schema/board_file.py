"""A user's own board: a TOML file beside the spec, its mistakes shown where they are in that file."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from nashc.diagnostics import Diagnostic, Label, Problems
from nashc.schema.fields import Real, refuse
from nashc.schema.mistakes import SpanTable, validated
from nashc.schema.models import Settings
from nashc.schema.named_file import read_named
from nashc.schema.values import describe
from nashc.text import Source, Span
from nashc.vocab.boards import Board, board_of, find_board

EXAMPLE = "nashc boards Pynq-Z1 --toml > myboard.toml writes one to begin with"
_KEY = re.compile(r"^[ \t]*(?P<key>[\w-]+)[ \t]*=[ \t]*(?P<value>[^\n#]*[^\n#\s])?", re.MULTILINE)
_MOST_MHZ = 100_000
_Count = Annotated[int, Field(ge=0, le=1_000_000_000)]
_Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
_TABLE = re.compile(r"^[ \t]*\[(?P<table>[\w-]+)\]", re.MULTILINE)


def _range(value: Any) -> Any:
    """[lowest, highest] in MHz."""
    is_pair = isinstance(value, list) and len(value) == 2
    if not is_pair or not all(type(x) in (int, float) for x in value):
        refuse(
            "NASH104",
            f"two numbers are needed, and this is {describe(value)}",
            "clock_mhz = [10, 250]",
        )
    if not 0 < value[0] <= value[1] <= _MOST_MHZ:
        text = f"clocks are above 0 and at most {_MOST_MHZ:,} MHz, the lowest comes first"
        refuse("NASH105", text, "clock_mhz = [10, 250]")
    return tuple(map(float, value))


def _is_part(value: str) -> str:
    """FINN tells the family by the first letters, the third of them too (finn/util/basic.py, get_dsp_block)."""
    if not re.fullmatch(r"x[a-z][a-z0-9][\w-]*", value, re.ASCII | re.IGNORECASE):
        refuse("NASH105", f"`{value}` is no FPGA part", 'part = "xc7z020clg400-1"')
    return value


class Resources(Settings):
    lut: _Count
    ff: _Count
    bram18: _Count
    uram: _Count
    dsp: _Count


class BoardFile(Settings):
    """What a board file holds."""

    name: _Text
    part: Annotated[_Text, AfterValidator(_is_part)]
    shell: Literal["vivado_zynq", "vitis_alveo", "none"]
    resources: Resources
    clock_mhz: Annotated[tuple[Real, Real] | None, BeforeValidator(_range)] = None
    sources: dict[str, str] = Field(default_factory=dict)


def read_board(path: Path, named: Span | None, problems: Problems) -> Board | None:
    """The board of a file; None with every mistake of the file among the problems.

    named: where the spec names the file; None if the user named it on the command line.
    """
    known = find_board(path.name)
    way = f"{known.name} is known by its name, without quotes" if known else EXAMPLE
    source = read_named(path, "board", named, way, problems)
    if source is None:
        return None
    try:
        data = tomllib.loads(source.text)
    except ValueError as error:  # TOMLDecodeError is one, and int's word on thousands of digits
        text = f"{source.path} is not TOML: {re.split(r' .at |; use ', str(error))[0].lower()}"
        others = (Label(named, "the spec names it here"),) if named else ()
        span = _place(source, str(error))
        problems.add(Diagnostic("NASH120", text, span, others=others, help=EXAMPLE))
        return None
    spans = _spans(source)
    model = validated(BoardFile, data, ("board",), spans, problems)
    return board_of(data) if model else None


def _place(source: Source, error: str) -> Span:
    """Where a TOML error is: `(at line 3, column 5)`, or the end of the file."""
    found = re.search(r"at line (\d+), column (\d+)", error)
    end = max(0, len(source.text.rstrip()) - 1)
    start = source.line_starts[int(found[1]) - 1] + int(found[2]) - 1 if found else end
    return Span(source, min(start, end), min(start, end) + 1)


def _spans(source: Source) -> SpanTable:
    """The place of each key and value, by table; the file as a whole is its first line."""
    spans = SpanTable()
    table: tuple[str, ...] = ("board",)
    first = Span(source, 0, len(source.line(1)))
    spans.put(("board",), first, first)
    for found in sorted([*_TABLE.finditer(source.text), *_KEY.finditer(source.text)], key=_start):
        if found.re is _TABLE:
            table = ("board", found["table"])
            head = Span(source, *found.span())
            spans.put(table, head, head)
        else:
            key = Span(source, *found.span("key"))
            value = Span(source, *found.span("value")) if found["value"] else key
            spans.put((*table, found["key"]), key, value)
    return spans


def _start(found: re.Match[str]) -> int:
    return found.start()
