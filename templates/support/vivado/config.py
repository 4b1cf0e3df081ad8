"""What a build with Vivado is asked for, as FINN's DataflowBuildConfig says it: FINN+'s or AMD's from 0.10 on."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.files import write_json
from support.finn.options import floorplan_of
from support.finn.tool import found
from support.progress import StageError

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
            "install one that was tested: finn-plus 1.6, or AMD's FINN from 0.10 on",
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
