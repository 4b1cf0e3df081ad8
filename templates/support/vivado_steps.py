"""What needs Vivado: FINN's own steps from IP generation to the bitfile, and whether their outputs are really there.

FINN reports some steps as done that it skipped (FINN+ 1.6.1: RTL simulation, out-of-context synthesis, deployment);
here a step is done when the files it is for exist. The names of steps and settings are those of the FINN that is found:
FINN+ or AMD's FINN from 0.10 on.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support import finn_errors, finn_tool
from support.files import write_json
from support.finn_options import floorplan_of
from support.finn_tool import found
from support.progress import StageError

# Our step -> FINN's, in the order of FINN's default build; of several names the first that this FINN has.
FINN_STEPS: dict[str, tuple[str, ...]] = {
    "ipgen": ("step_hw_ipgen",),
    "fifos": ("step_set_fifo_depths",),
    "stitched": ("step_create_stitched_ip",),
    "rtlsim": ("step_measure_rtlsim_performance",),
    "ooc": ("step_out_of_context_synthesis",),
    "prepared": ("step_prepare_synthesis",),
    "synthesised": ("step_synthesize_bitfile",),
    "driver": ("step_make_driver", "step_make_pynq_driver"),
    "deployed": ("step_deployment_package",),
}
# AMD's FINN prepares inside of its synthesis.
MAY_BE_MISSING = ("prepared",)
_TO_STITCHED = ("ipgen", "fifos", "stitched")
TARGETS: dict[str, tuple[str, ...]] = {
    "ipgen": ("ipgen",),
    "stitched": _TO_STITCHED,
    "rtlsim": (*_TO_STITCHED, "rtlsim"),
    "ooc": (*_TO_STITCHED, "ooc"),
    "bitfile": (*_TO_STITCHED, "prepared", "synthesised", "driver", "deployed"),
}
TOOL_MISSING = 3  # exit code

# Our word -> the name of FINN's AutoFIFOSizingMethod, FINN+ and AMD's.
FIFO_METHODS = {
    "simulate": ("DISTRIBUTED_SIMULATION", "LARGEFIFO_RTLSIM"),
    "characterize": (None, "CHARACTERIZE"),
    "minimal": ("FORCE_MINIMAL_FIFOS", None),
}
_STRATEGIES = {
    "default": "DEFAULT",
    "power": "POWER",
    "performance": "PERFORMANCE",
    "performance_best": "PERFORMANCE_BEST",
    "size": "SIZE",
    "quick": "BUILD_SPEED",
}


@dataclass(frozen=True)
class Job:
    """shell: FINN's shell flow, or none. options: the section `finn` of the spec. origins: layer -> file:line."""

    out: Path
    board: str
    part: str
    shell: str
    clock_ns: float
    options: Mapping[str, Any]
    names: Mapping[str, str] = field(default_factory=dict)
    origins: Mapping[str, str] = field(default_factory=dict)


def steps_of(target: str, job: Job) -> list[str]:
    """Our steps to a target. Without a driver or deployment package wanted, theirs are left out."""
    left_out = set()
    if job.options["driver"] == "none":
        left_out |= {"driver", "deployed"}
    if not job.options["deployment"]:
        left_out.add("deployed")
    module = _finn_steps()
    left_out |= {name for name in MAY_BE_MISSING if _finn_step(module, name) is None}
    return [name for name in TARGETS[target] if name not in left_out]


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


def run(step: str, model: Any, job: Job) -> Any:
    """One step of ours. Errors: StageError when FINN fails or its outputs are not there.

    The cause is cut out of the tools' logs and told with the layer and its line of the spec.
    """
    module = _finn_steps()
    name = _finn_step(module, step)
    if name is None:
        raise StageError(
            f"{found()} has no {' or '.join(FINN_STEPS[step])}",
            "tested are finn-plus 1.6 and AMD's FINN from 0.10 on",
            exit_code=TOOL_MISSING,
        )
    started_s = time.time()
    config = config_of(job)
    try:
        model = getattr(module, name)(model, config)
    except Exception as error:  # FINN raises plain exceptions and assertions too
        raise _failure(name, error, job, started_s) from error
    missing = missing_outputs(step, model, job)
    if missing:
        raise StageError(
            f"FINN ended {name} without an error, but {missing[0]} is not there"
            + (f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""),
            f"logs and generated sources are in {os.environ['FINN_BUILD_DIR']}",
            exit_code=TOOL_MISSING,
        )
    return model


def _failure(name: str, error: Exception, job: Job, started_s: float) -> StageError:
    folder = Path(os.environ["FINN_BUILD_DIR"])
    cause = finn_errors.cause_of(error, folder, started_s, job.names)
    log = job.out / "errors" / f"{name}.log"
    finn_errors.keep(log, name, error, cause)
    text = finn_errors.explain(cause, job.names, job.origins)
    where = f"; said in {cause.where}" if cause.where else ""
    return StageError(
        f"{name} of {found()} failed: {text}",
        f"everything is in {log}{where}",
        exit_code=TOOL_MISSING,
    )


def missing_outputs(step: str, model: Any, job: Job) -> list[str]:
    """The files a step is for that do not exist or are empty."""
    from qonnx.custom_op.registry import getCustomOp

    report = job.out / "report"
    wanted: list[Path]
    match step:
        case "ipgen":
            return [
                f"the IP of {job.names.get(node.name, node.name)}"
                for node in model.graph.node
                if node.domain.endswith(".hls")
                and not Path(getCustomOp(node).get_nodeattr("ip_path") or "-").is_dir()
            ]
        case "fifos":
            reports = (report / "fifo_sizing.json", job.out / "final_hw_config.json")
            wanted = [reports[0] if found().is_plus else reports[1]]
        case "stitched":
            wanted = [job.out / "stitched_ip" / "ip" / "component.xml"]
        case "rtlsim":
            wanted = [report / "rtlsim_performance.json"]
            if _is_there(wanted[0]) and not json.loads(wanted[0].read_text()):
                return ["any output in rtlsim_performance.json"]
        case "ooc":
            wanted = [report / "ooc_synth_and_timing.json"]
        case "prepared":
            wanted = []
        case "synthesised" if job.shell == "vivado_zynq":
            wanted = [job.out / "bitfile" / f"finn-accel.{kind}" for kind in ("bit", "hwh")]
        case "synthesised":
            wanted = _any_of(job.out / "bitfile", "*.xclbin")
        case "driver" if job.options["driver"] == "cpp":
            wanted = _any_of(job.out / "driver" / "cpp", "*")
        case "driver":
            wanted = _any_of(job.out / "driver", "driver*.py")
        case "deployed":
            bitfile = "*.bit" if job.shell == "vivado_zynq" else "*.xclbin"
            wanted = _any_of(job.out / "deploy" / "bitfile", bitfile)
            wanted += _any_of(job.out / "deploy" / "driver", "*")
        case _:
            raise AssertionError(step)
    return [str(path) for path in wanted if not _is_there(path)]


def reports_by_layer(job: Job) -> None:
    """Beside each JSON report whose keys are FINN's node names, the same with the names of the layers."""
    for path in sorted((job.out / "report").glob("*.json")):
        if path.stem.endswith("_by_layer"):
            continue
        content = json.loads(path.read_text())
        if isinstance(content, dict) and any(name in content for name in job.names):
            renamed = {job.names.get(key, key): value for key, value in content.items()}
            write_json(path.with_name(f"{path.stem}_by_layer.json"), renamed)


def config_of(job: Job) -> Any:
    """FINN's DataflowBuildConfig. Errors: StageError for an option that this FINN has not."""
    from finn.builder import build_dataflow_config as config

    options = job.options
    wanted: dict[str, Any] = {
        "output_dir": str(job.out),
        "synth_clk_period_ns": job.clock_ns,
        "board": job.board,
        "fpga_part": job.part,
        "shell_flow_type": None if job.shell == "none" else config.ShellFlowType(job.shell),
        "generate_outputs": _outputs(config.DataflowOutputType, options),
        "save_intermediate_models": True,
        "auto_fifo_depths": True,
        "auto_fifo_strategy": _fifo_method(config.AutoFIFOSizingMethod, options["fifo_sizing"]),
        "large_fifo_mem_style": config.LargeFIFOMemStyle(options["fifo_ram_style"]),
    }
    if job.shell == "vitis_alveo":
        strategies = getattr(config, "VitisOptStrategyCfg", None) or config.VitisOptStrategy
        wanted["vitis_opt_strategy"] = strategies[_STRATEGIES[options["vitis_strategy"]]]
        if options["vitis_platform"]:
            wanted["vitis_platform"] = options["vitis_platform"]
        if options["floorplan"]:
            plan = job.out / "floorplan.json"
            write_json(plan, floorplan_of(dict(job.names), options["floorplan"]))
            wanted["vitis_floorplan_file"] = str(plan)
    known = {entry.name for entry in dataclasses.fields(config.DataflowBuildConfig)}
    missing = sorted(set(wanted) - known)
    if missing:
        raise StageError(
            f"the DataflowBuildConfig of {found()} has no {missing[0]}",
            "tested are finn-plus 1.6 and AMD's FINN from 0.10 on",
        )
    return config.DataflowBuildConfig(**wanted)


def _outputs(kinds: Any, options: Mapping[str, Any]) -> list[Any]:
    names = ["STITCHED_IP", "RTLSIM_PERFORMANCE", "OOC_SYNTH", "BITFILE"]
    if options["driver"] == "cpp" and not hasattr(kinds, "CPP_DRIVER"):
        raise StageError(f"{found()} makes no C++ driver", "driver = pynq")
    names += {"pynq": ["PYNQ_DRIVER"], "cpp": ["CPP_DRIVER"], "none": []}[options["driver"]]
    names += ["DEPLOYMENT_PACKAGE"] if options["deployment"] else []
    return [getattr(kinds, name) for name in names]


def _fifo_method(methods: Any, wanted: str) -> Any:
    name = FIFO_METHODS[wanted][0 if found().is_plus else 1]
    if name is None or not hasattr(methods, name):
        column = 0 if found().is_plus else 1
        known = [word for word, names in FIFO_METHODS.items() if names[column]]
        raise StageError(
            f"{found()} cannot size FIFOs by fifo_sizing = {wanted}", f"it can: {', '.join(known)}"
        )
    return methods[name]


def _finn_steps() -> Any:
    from finn.builder import build_dataflow_steps

    return build_dataflow_steps


def _finn_step(module: Any, step: str) -> str | None:
    return next((name for name in FINN_STEPS[step] if hasattr(module, name)), None)


def _any_of(folder: Path, pattern: str) -> list[Path]:
    """The files that match, or the pattern itself as a file that is missing."""
    return [path for path in folder.glob(pattern) if path.is_file()] or [folder / pattern]


def _is_there(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0
