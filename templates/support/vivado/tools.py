"""Whether the tools for a target are there, and what FINN prepares of its own, before anything starts."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from support.finn import tool as finn_tool
from support.finn.tool import found
from support.progress import StageError
from support.vivado.config import Job

TOOL_MISSING = 3  # exit code


def check_tools(target: str, job: Job, vivado: str | None) -> None:
    """Before anything starts. Errors: StageError (exit code 3) naming each missing tool and how to go on elsewhere."""
    if vivado is not None:
        os.environ.setdefault("XILINX_VIVADO", vivado)
        os.environ["PATH"] = os.pathsep.join([str(Path(vivado) / "bin"), os.environ["PATH"]])
    if target == "bitfile":
        _check_flow(job)
    missing = []
    install = os.environ.get("XILINX_VIVADO")
    if install is None:
        missing.append("the environment variable XILINX_VIVADO")
    elif not Path(install).is_dir():
        missing.append(f"the folder {install} (XILINX_VIVADO)")
    if shutil.which("vivado") is None:
        missing.append("the program vivado")
    if shutil.which("vitis_hls") is None and shutil.which("vitis-run") is None:
        missing.append("the program vitis_hls (vitis-run since 2024.2)")
    if target == "bitfile" and job.shell == "vitis_alveo":
        missing += [
            f"the environment variable {name}"
            for name in ("XILINX_VITIS", "PLATFORM_REPO_PATHS", "XILINX_XRT")
            if name not in os.environ
        ]
        if shutil.which("v++") is None:
            missing.append("the program v++")
    if missing:
        raise StageError(
            f"--to {target} needs Vivado, nothing was started. Missing: {'; '.join(missing)}",
            "copy this folder to a machine with Vivado and Vitis HLS 2022.2 or later (and finn-plus), there: "
            f"source <Xilinx>/Vivado/<version>/settings64.sh && python build.py --to {target}. "
            "Without Vivado: --to estimates, --to codegen",
            exit_code=TOOL_MISSING,
        )


def _check_flow(job: Job) -> None:
    """What a bitfile for this board cannot be made with."""
    if job.shell == "none":
        raise StageError(
            f"FINN has no flow to a bitfile for the board {job.board}",
            "build up to --to stitched and put the IP into a Vivado project of your own",
        )
    if finn_tool.shell_of(job.board) != job.shell:
        raise StageError(
            f"{found()} has no {job.shell} shell for a board called {job.board}",
            "name the board after one of FINN's that it is built like, or set its shell to none and end at --to stitched",
        )
    if job.options["floorplan"] and job.shell != "vitis_alveo":
        raise StageError(
            f"a floorplan is for the regions of Alveo cards, and {job.board} has one region",
            "leave `floorplan` out of the spec, or set it to {} in settings/build.json",
        )
    if job.options["driver"] == "cpp" and job.shell != "vitis_alveo":
        raise StageError(
            f"FINN's C++ driver is for Alveo cards, {job.board} takes driver = pynq",
            "set `driver` in the spec or in settings/build.json",
        )


def prepare(job: Job) -> None:
    """What FINN's own command does before a build: dependencies, library paths, simulator. May restart this program.

    AMD's FINN is prepared by its container.
    """
    if not found().is_plus:
        return
    from finn.interface.run_finn import ensure_ld_library_path, prepare_finn
    from finn.interface.settings import FINNSettings

    ensure_ld_library_path()
    settings = FINNSettings.init(
        flow_config=job.out / "finn.yaml", finn_build_dir=os.environ["FINN_BUILD_DIR"]
    )
    try:
        prepare_finn(settings, accept_defaults=True, batch=True)
    except SystemExit as stopped:
        raise StageError(
            f"FINN could not prepare itself (exit code {stopped.code}), its reasons are above",
            "try: finn deps update",
            exit_code=TOOL_MISSING,
        ) from stopped
