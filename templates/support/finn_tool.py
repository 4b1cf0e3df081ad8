"""FINN itself: started without Vivado, its version, and what it knows of boards."""

from __future__ import annotations

import difflib
import logging
import os
from importlib.metadata import version
from pathlib import Path
from typing import Any

from support.progress import StageError


def start(build_dir: Path) -> None:
    """Give FINN a folder for generated code (absolute, or code generation fails) and its log a file there."""
    build_dir = build_dir.resolve()
    build_dir.mkdir(parents=True, exist_ok=True)
    os.environ["FINN_BUILD_DIR"] = str(build_dir)
    if not (Path.home() / ".finn" / "settings.yaml").exists():
        # Else FINN makes a folder in the home of whoever asks for its settings.
        os.environ.setdefault("FINN_SETTINGS", str(build_dir / "settings.yaml"))
    log = logging.getLogger("finn_logger")
    log.handlers[:] = [logging.FileHandler(build_dir / "finn.log", encoding="utf-8")]
    log.setLevel(logging.INFO)
    log.propagate = False


def tool() -> str:
    return f"finn-plus {version('finn-plus')}"


def fpga_part(board: str) -> str:
    from finn.util.basic import part_map

    if board not in part_map:
        near = difflib.get_close_matches(board, part_map, n=1)
        raise StageError(
            f"FINN does not know the board {board!r}",
            (f"did you mean {near[0]!r}? " if near else "") + f"known: {', '.join(part_map)}",
        )
    return part_map[board]


def board_resources(board: str) -> dict[str, Any] | None:
    """All resources of the board's FPGA, where FINN knows them."""
    from finn.util.platforms import platforms

    if board not in platforms:
        return None
    regions = platforms[board]().compute_resources
    lut, _ff, bram18, uram, dsp = (int(sum(column)) for column in zip(*regions, strict=True))
    return {"name": board, "lut": lut, "bram18": bram18, "uram": uram, "dsp": dsp}
