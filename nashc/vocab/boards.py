"""The boards that FINN+ knows: one data file each in `targets/`, the file's name is the board's."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_FOLDER = Path(__file__).parent / "targets"


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
    """shell: how FINN builds for it, zynq, alveo or versal. resources: None where FINN has none."""

    name: str
    part: str
    shell: str
    resources: Resources | None = None


class _Boards(Mapping[str, Board]):
    """Boards by name; a file is read when its board is asked for."""

    def __getitem__(self, name: str) -> Board:
        path = _FOLDER / f"{name}.toml"
        if not path.is_file():
            raise KeyError(name)
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        counts = data.pop("resources", None)
        return Board(**data, resources=Resources(**counts) if counts else None)

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(path.stem for path in _FOLDER.glob("*.toml")))

    def __len__(self) -> int:
        return sum(1 for _ in self)


BOARDS: Mapping[str, Board] = _Boards()
