"""FINN itself: which one it is, its version, started without Vivado, and what it knows of boards."""

from __future__ import annotations

import difflib
import functools
import importlib
import importlib.util
import logging
import os
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from support.progress import StageError


@dataclass(frozen=True)
class Tool:
    """is_plus: FINN+ (the package finn-plus); else AMD's FINN, of 0.10 or later."""

    name: str
    version: str
    is_plus: bool

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


@functools.cache
def found() -> Tool:
    """The FINN that this Python imports, told by its modules: a checkout has no version of its own.

    Errors: StageError if there is none, or one that is older than 0.10.
    """
    if importlib.util.find_spec("finn") is None:
        raise StageError("there is no FINN in this Python", "pip install finn-plus")
    if _has("finn.transformation.fpgadataflow.convert_to_hw"):
        return Tool("finn-plus", _version("finn-plus"), is_plus=True)
    if _has("finn.transformation.fpgadataflow.convert_to_hw_layers"):
        return Tool("AMD FINN", _version("finn"), is_plus=False)
    raise StageError(
        f"this FINN is older than 0.10 (it has no hardware layers): {importlib.util.find_spec('finn')}",
        "pip install finn-plus, or check out v0.10.1 or later of Xilinx/finn",
    )


def _has(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "checkout"


# The conversions that an integer graph needs -> their modules in FINN+; AMD's FINN has all in one.
_CONVERSIONS = {
    "InferPool": "pool",
    "InferElementwiseBinaryOperation": "elementwise_binary_operation",
    "InferBinaryMatrixVectorActivation": "binary_matrix_vector_activation",
    "InferQuantizedMatrixVectorActivation": "quantized_matrix_vector_activation",
    "InferThresholdingLayer": "thresholding",
    "InferConvInpGen": "conv_inp_gen",
    "InferDuplicateStreamsLayer": "duplicate_streams",
    "InferLabelSelectLayer": "label_select",
}
# What AMD's FINN 0.10 has instead of its later element-wise layers: adds of two streams, products with constants.
_INSTEAD = {
    "InferElementwiseBinaryOperation": ("InferAddStreamsLayer", "InferChannelwiseLinearLayer")
}


def conversion(name: str) -> list[Any]:
    """The conversion to hardware layers of that name in FINN+, or what this FINN has instead of it."""
    if found().is_plus:
        module = importlib.import_module(
            f"finn.transformation.fpgadataflow.convert_to_hw.{_CONVERSIONS[name]}"
        )
        return [getattr(module, name)()]
    module = importlib.import_module("finn.transformation.fpgadataflow.convert_to_hw_layers")
    names = (name,) if hasattr(module, name) else _INSTEAD[name]
    return [getattr(module, each)() for each in names]


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
    return str(found())


def fpga_part(board: str) -> str:
    """The part on one of FINN's own boards. Errors: StageError, with the nearest name."""
    from finn.util.basic import part_map

    if board not in part_map:
        near = difflib.get_close_matches(board, part_map, n=1)
        raise StageError(
            f"FINN does not know the board {board!r}",
            (f"did you mean {near[0]!r}? " if near else "") + f"known: {', '.join(part_map)}",
        )
    return str(part_map[board])


def shell_of(board: str) -> str:
    """FINN's flow from the stitched IP to a bitfile for one of its own boards, `none` where it has none."""
    from finn.transformation.fpgadataflow.templates import custom_zynq_shell_template
    from finn.util.basic import alveo_part_map, pynq_part_map

    # FINN+ 1.6.1 has ZCU111 in its map, but not in the script that makes the shell.
    if board in pynq_part_map and f'"{board}"' in custom_zynq_shell_template:
        return "vivado_zynq"
    return "vitis_alveo" if board in alveo_part_map else "none"


def board_resources(board: str) -> dict[str, Any] | None:
    """All resources of the board's FPGA, where FINN knows them."""
    from finn.util.platforms import platforms

    if board not in platforms:
        return None
    regions = platforms[board]().compute_resources
    lut, _ff, bram18, uram, dsp = (int(sum(column)) for column in zip(*regions, strict=True))
    return {"name": board, "lut": lut, "bram18": bram18, "uram": uram, "dsp": dsp}
