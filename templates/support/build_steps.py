"""The steps of a build: what each does with the model, what it reads besides, and what must exist when it is done."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.files import read_json, write_json
from support.finn import estimates as finn_estimates
from support.finn import folding as finn_folding
from support.finn import hardware as finn_hardware
from support.finn import names as finn_names
from support.finn import options as finn_options
from support.finn import streams as finn_streams
from support.finn import widths as finn_widths
from support.progress import StageError
from support.vivado import config as vivado_config
from support.vivado import steps as vivado_steps

TARGETS = ("hw", "estimates", "codegen", "ipgen", "stitched", "rtlsim", "ooc", "bitfile")
# Bump when a step of ours changes what it makes: kept results of older steps are then made again.
STEPS_VERSION = 4
# Hours on a large network: beside one step of Vivado all others are nothing.
VIVADO_SHARE = 3600.0
# Behind these FINN renames the nodes and adds streams of its own.
CHECKED = ("hw", "specialised", "folded", "minimised", "estimates")


@dataclass(frozen=True)
class Job:
    """What all steps are told. target_cycles: to fold for; None: not at all. folding: by layer, before FINN's own. resources: of the board."""

    out: Path
    board: str
    part: str
    clock_ns: float
    target_cycles: int | None
    mvau_wwidth_max: int
    folding: dict[str, Any]
    shell: str
    resources: dict[str, Any] | None
    options: dict[str, Any]  # the section `finn` of the spec
    origins: dict[str, str]  # layer -> file:line of the spec
    say: Callable[[str], None]  # what is being done
    log: Callable[[str], None]  # what is worth keeping

    @property
    def vivado(self) -> vivado_config.Job:
        names = self.out / "names.json"
        return vivado_config.Job(
            self.out,
            self.board,
            self.part,
            self.shell,
            self.clock_ns,
            self.options,
            read_json(names) if names.is_file() else {},
            self.origins,
        )


@dataclass(frozen=True)
class Step:
    """reads: what it is made from besides the model before it. makes: files that must exist for it to count as done.

    also: where else its model is kept, for whoever looks for it.
    share: what it usually takes, in seconds for ResNet18 with cells at 224x224 on one core.
    missing: what else must exist, told by the model it made; FINN's own "done" is not believed.
    """

    name: str
    run: Callable[[Any, Job], Any]
    reads: Callable[[Job], Any] = lambda job: None
    makes: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    share: float = VIVADO_SHARE
    missing: Callable[[Any, Job], list[str]] | None = None


def steps_to(target: str, job: Job) -> list[Step]:
    """The steps to a target, one of TARGETS."""
    steps = [
        Step("hw", _hardware, also=("hardware.onnx",), share=2.0),
        Step("specialised", _specialised, lambda job: [job.part, _layer_options(job)], share=1.8),
        Step(
            "folded",
            _folded,
            lambda job: [job.target_cycles, job.mvau_wwidth_max, job.folding],
            makes=("folding.json",),
            share=1.2,
        ),
        Step("minimised", lambda model, job: finn_widths.minimise(model, job.say), share=1.0),
        Step(
            "estimates",
            _estimates,
            lambda job: [job.board, job.resources, job.clock_ns],
            makes=("estimates.json", "report/estimate_network_performance.json"),
            share=0.7,
        ),
        Step(
            "codegen",
            _code,
            lambda job: [str(job.out), job.clock_ns],
            makes=("names.json",),
            share=20.0,
            missing=lambda model, job: finn_hardware.without_code(model),
        ),
    ]
    if target == "hw":
        return steps[:1]
    if target == "estimates":
        return steps[:5]
    if target == "codegen":
        return steps
    return steps + [_vivado_step(name) for name in vivado_steps.steps_of(target, job.vivado)]


def _layer_options(job: Job) -> list[Any]:
    """The options that change layers; the others are read by Vivado's steps alone."""
    return [job.options[name] for name in ("prefer", "mem_mode", "ram_style")]


def _hardware(model: Any, job: Job) -> Any:
    return finn_widths.minimise(finn_hardware.to_hardware(model, job.say), job.say)


def _specialised(model: Any, job: Job) -> Any:
    model = finn_hardware.partition(model, job.out / "partition")
    model = finn_options.set_options(model, job.options)
    return finn_hardware.specialise(model, job.part)


def _folded(model: Any, job: Job) -> Any:
    model = finn_folding.fold(model, job.target_cycles, job.mvau_wwidth_max, job.log)
    model = finn_folding.apply_folding(model, job.folding, job.log)
    finn_streams.check(model)
    write_json(job.out / "folding.json", finn_folding.folding_of(model))
    return model


def _estimates(model: Any, job: Job) -> Any:
    reports = job.out / "report"
    result = finn_estimates.estimate(model, job.part, job.board, job.clock_ns, reports)
    result["board"] = job.resources
    result["target_cycles"] = job.target_cycles
    write_json(job.out / "estimates.json", result)
    for warning in result["warnings"]:
        job.log(f"warning: {warning['layer']}: {warning['text']}")
    return model


def _code(model: Any, job: Job) -> Any:
    model, names = finn_names.finn_names(model)
    model = finn_hardware.generate_code(model, job.part, job.clock_ns)
    missing = finn_hardware.without_code(model)
    if missing:
        raise StageError(
            f"FINN ended code generation without an error, but made none for {', '.join(missing)}",
            f"what it made and why it may have stopped is in {os.environ['FINN_BUILD_DIR']}",
        )
    write_json(job.out / "names.json", names)
    return model


def _vivado_step(name: str) -> Step:
    def run_step(model: Any, job: Job) -> Any:
        model = vivado_steps.run(name, model, job.vivado)
        names = read_json(job.out / "names.json")
        write_json(job.out / "names.json", finn_names.with_inserted(model, names))
        vivado_steps.reports_by_layer(job.vivado)
        return model

    return Step(
        name,
        run_step,
        lambda job: [job.board, job.clock_ns, job.options],
        missing=lambda model, job: vivado_steps.missing_outputs(name, model, job.vivado),
    )
