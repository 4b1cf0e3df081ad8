"""What needs Vivado: FINN's own steps from IP generation to the bitfile, and whether their outputs are really there.

FINN reports some steps as done that it skipped (FINN+ 1.6.1: RTL simulation, out-of-context synthesis, deployment);
here a step is done when the files it is for exist.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.files import write_json
from support.progress import StageError

# Target -> FINN's steps, in the order of FINN's default build. A target needs all targets in `NEEDS` before it.
STEPS = {
    "ipgen": ("step_hw_ipgen",),
    "fifos": ("step_set_fifo_depths",),
    "stitched": ("step_create_stitched_ip",),
    "rtlsim": ("step_measure_rtlsim_performance",),
    "ooc": ("step_out_of_context_synthesis",),
    "bitfile": (
        "step_prepare_synthesis",
        "step_synthesize_bitfile",
        "step_make_driver",
        "step_deployment_package",
    ),
}
NEEDS = {
    "ipgen": (),
    "fifos": ("ipgen",),
    "stitched": ("ipgen", "fifos"),
    "rtlsim": ("ipgen", "fifos", "stitched"),
    "ooc": ("ipgen", "fifos", "stitched"),
    "bitfile": ("ipgen", "fifos", "stitched"),
}
TOOL_MISSING = 3  # exit code


@dataclass(frozen=True)
class Job:
    out: Path
    board: str
    clock_ns: float


def check_tools(target: str, board: str, vivado: str | None) -> None:
    """Before anything starts. Errors: StageError (exit code 3) naming each missing tool and how to go on elsewhere."""
    if vivado is not None:
        os.environ.setdefault("XILINX_VIVADO", vivado)
        os.environ["PATH"] = os.pathsep.join([str(Path(vivado) / "bin"), os.environ["PATH"]])
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
    if target == "bitfile":
        match shell_of(board):
            case None:
                raise StageError(
                    f"FINN+ 1.6.1 has no flow to a bitfile for the board {board}",
                    "build up to --to stitched and put the IP into a Vivado project of your own",
                )
            case "vitis_alveo":
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


def shell_of(board: str) -> str | None:
    from finn.util.basic import alveo_part_map, pynq_part_map

    if board in pynq_part_map:
        return "vivado_zynq"
    return "vitis_alveo" if board in alveo_part_map else None


def prepare(job: Job) -> None:
    """What FINN's own command does before a build: dependencies, library paths, simulator. May restart this program."""
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


def run(target: str, model: Any, job: Job) -> Any:
    """FINN's steps of one target. Errors: StageError when FINN fails or its outputs are not there."""
    from finn.builder import build_dataflow_steps
    from finn.util.exception import FINNError

    config = _config(job)
    for name in STEPS[target]:
        try:
            model = getattr(build_dataflow_steps, name)(model, config)
        except FINNError as error:
            raise StageError(
                f"{name} of FINN failed: {error}",
                f"logs and generated sources are in {os.environ['FINN_BUILD_DIR']}",
                exit_code=TOOL_MISSING,
            ) from error
    missing = missing_outputs(target, model, job)
    if missing:
        raise StageError(
            f"FINN ended --to {target} without an error, but {missing[0]} is not there"
            + (f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""),
            f"logs and generated sources are in {os.environ['FINN_BUILD_DIR']}",
            exit_code=TOOL_MISSING,
        )
    return model


def missing_outputs(target: str, model: Any, job: Job) -> list[str]:
    """The files a target is for that do not exist or are empty."""
    from qonnx.custom_op.registry import getCustomOp

    report = job.out / "report"
    match target:
        case "ipgen":
            return [
                f"the IP of {node.name}"
                for node in model.graph.node
                if node.domain.endswith(".hls")
                and not Path(getCustomOp(node).get_nodeattr("ip_path") or "-").is_dir()
            ]
        case "fifos":
            wanted = [report / "fifo_sizing.json"]
        case "stitched":
            wanted = [job.out / "stitched_ip" / "ip" / "component.xml"]
        case "rtlsim":
            wanted = [report / "rtlsim_performance.json"]
            if _is_there(wanted[0]) and not json.loads(wanted[0].read_text()):
                return ["any output in rtlsim_performance.json"]
        case "ooc":
            wanted = [report / "ooc_synth_and_timing.json"]
        case "bitfile" if shell_of(job.board) == "vivado_zynq":
            wanted = [job.out / "bitfile" / f"finn-accel.{kind}" for kind in ("bit", "hwh")]
        case "bitfile":
            found = list((job.out / "bitfile").glob("*.xclbin"))
            wanted = found or [job.out / "bitfile" / "*.xclbin"]
        case _:
            raise AssertionError(target)
    return [str(path) for path in wanted if not _is_there(path)]


def reports_by_layer(job: Job, names: dict[str, str]) -> None:
    """Beside each JSON report whose keys are FINN's node names, the same with the names of the layers."""
    for path in sorted((job.out / "report").glob("*.json")):
        if path.stem.endswith("_by_layer"):
            continue
        content = json.loads(path.read_text())
        if isinstance(content, dict) and any(name in content for name in names):
            renamed = {names.get(key, key): value for key, value in content.items()}
            write_json(path.with_name(f"{path.stem}_by_layer.json"), renamed)


def _config(job: Job) -> Any:
    from finn.builder.build_dataflow_config import (
        DataflowBuildConfig,
        DataflowOutputType,
        ShellFlowType,
    )

    outputs = [
        DataflowOutputType.STITCHED_IP,
        DataflowOutputType.RTLSIM_PERFORMANCE,
        DataflowOutputType.OOC_SYNTH,
        DataflowOutputType.BITFILE,
        DataflowOutputType.PYNQ_DRIVER,
        DataflowOutputType.DEPLOYMENT_PACKAGE,
    ]
    shell = shell_of(job.board)
    return DataflowBuildConfig(
        output_dir=str(job.out),
        synth_clk_period_ns=job.clock_ns,
        board=job.board,
        shell_flow_type=None if shell is None else ShellFlowType(shell),
        generate_outputs=outputs,
        save_intermediate_models=True,
    )


def _is_there(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0
