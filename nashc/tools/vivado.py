"""Whether AMD's tools are there. FINN asks for the environment variables, not only for the programs."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

OLDEST = "2022.2"
_TOOLS = {"vivado": "XILINX_VIVADO", "vitis_hls": "XILINX_HLS", "vitis": "XILINX_VITIS"}


@dataclass(frozen=True)
class Tool:
    """One of AMD's tools: where it is, and its version as far as its path tells."""

    name: str
    path: Path
    version: str | None


def find(name: str, environment: Mapping[str, str]) -> Tool | None:
    """The tool, by its environment variable or on the path; None where it is not installed."""
    home = environment.get(_TOOLS[name])
    if home and (Path(home) / "bin" / name).is_file():
        return _tool(name, Path(home) / "bin" / name)
    found = shutil.which(name, path=environment.get("PATH", ""))
    return _tool(name, Path(found)) if found else None


def missing(environment: Mapping[str, str]) -> str | None:
    """One sentence on what stops FINN from calling Vivado; None if nothing does."""
    tool = find("vivado", environment)
    if tool is None:
        return f"Vivado not found (needs {OLDEST} or later)"
    if tool.version and tool.version < OLDEST:
        return f"Vivado {tool.version} is too old (needs {OLDEST} or later)"
    if not environment.get("XILINX_VIVADO"):
        return "Vivado is there, but XILINX_VIVADO is not set: source its settings64.sh first"
    return None


def _tool(name: str, path: Path) -> Tool:
    versions = re.findall(r"20\d\d\.\d", str(path.resolve()))
    return Tool(name, path, versions[-1] if versions else None)
