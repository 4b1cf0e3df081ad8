"""The boards that FINN+ knows: one data file each in `targets/`, the file's name is the board's.

A user's own board file has the same form; `nashc/schema/board_file.py` checks it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent / "targets"

SHELLS = ("vivado_zynq", "vitis_alveo", "none")
"""FINN's ways from the stitched IP to a bitfile; none: the IP is where FINN ends."""


@dataclass(frozen=True)
class Resources:
    """What a device holds; bram18 counts blocks of 18 kbit."""

    lut: int
    ff: int
    bram18: int
    uram: int
    dsp: int


@dataclass(frozen=True)
class Board:
    """shell: one of `SHELLS`. clock_mhz: what its shell can give, None where no limit is known.

    sources: where each of the other fields was taken from, by its name.
    """

    name: str
    part: str
    shell: str
    resources: Resources
    clock_mhz: tuple[float, float] | None = None
    sources: Mapping[str, str] = field(default_factory=dict)

    def wrong_clock(self, period_ns: float) -> tuple[str, str] | None:
        """What is wrong with a clock that the shell cannot give, and the nearest that it can."""
        mhz = 1e3 / period_ns
        if not self.clock_mhz or self.clock_mhz[0] * 0.999 <= mhz <= self.clock_mhz[1] * 1.001:
            return None
        low, high = self.clock_mhz
        text = f"{self.name} takes clocks from {low:g} to {high:g} MHz, and this is {mhz:g} MHz"
        return text, f"clock = {low if mhz < low else high:g} MHz"

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "part": self.part,
            "shell": self.shell,
            "clock_mhz": list(self.clock_mhz) if self.clock_mhz else None,
            "resources": dict(vars(self.resources)),
            "sources": dict(self.sources),
        }


def board_of(data: Mapping[str, Any]) -> Board:
    """A board from the data of its file, which must be legal."""
    clock = data.get("clock_mhz")
    low_high = (float(clock[0]), float(clock[1])) if clock else None
    resources = Resources(**data["resources"])
    return Board(**{**data, "resources": resources, "clock_mhz": low_high})


def board_text(name: str) -> str:
    """The file of a board that nashc knows."""
    return (_FOLDER / f"{name}.toml").read_text(encoding="utf-8")


class _Boards(Mapping[str, Board]):
    """Boards by name; a file is read when its board is asked for."""

    def __getitem__(self, name: str) -> Board:
        if not (_FOLDER / f"{name}.toml").is_file():
            raise KeyError(name)
        return board_of(tomllib.loads(board_text(name)))

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(path.stem for path in _FOLDER.glob("*.toml")))

    def __len__(self) -> int:
        return sum(1 for _ in self)


BOARDS: Mapping[str, Board] = _Boards()


def find_board(name: str) -> Board | None:
    """However its name is written: capitals do not count, nor underscores for hyphens."""
    known = {_plain(known): known for known in BOARDS}
    found = known.get(_plain(name))
    return BOARDS[found] if found else None


def other_boards(name: str) -> str:
    """What may be meant instead of a board that there is not."""
    known = {_plain(known): known for known in BOARDS}
    close = get_close_matches(_plain(name), known, n=1)
    hint = f"did you mean `{known[close[0]]}`? " if close else ""
    return f"{hint}known are {', '.join(BOARDS)}"


def _plain(name: str) -> str:
    return name.lower().replace("_", "-")
