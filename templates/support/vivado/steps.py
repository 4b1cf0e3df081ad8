"""What needs Vivado: FINN's own steps from IP generation to the bitfile, and whether their outputs are really there.

FINN reports some steps as done that it skipped (FINN+ 1.6.1: RTL simulation, out-of-context synthesis, deployment);
here a step is done when the files it is for exist. The names of steps and settings are those of the FINN that is found:
FINN+ or AMD's FINN from 0.10 on.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from support.files import write_json
from support.finn import errors as finn_errors
from support.finn.tool import found
from support.progress import StageError
from support.vivado.config import Job, config_of
from support.vivado.tools import TOOL_MISSING

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


def run(step: str, model: Any, job: Job) -> Any:
    """One step of ours. Errors: StageError when FINN fails or its outputs are not there.

    The cause is cut out of the tools' logs and told with the layer and its line of the spec.
    """
    module = _finn_steps()
    name = _finn_step(module, step)
    if name is None:
        raise StageError(
            f"{found()} has no {' or '.join(FINN_STEPS[step])}",
            "install one that was tested: finn-plus 1.6, or AMD's FINN from 0.10 on",
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
