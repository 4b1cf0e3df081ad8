"""Build hardware from the integer graph with FINN: layers, folding and estimates anywhere; IP and bitfile with Vivado.

Each step's model is kept in the results folder and used again as long as nothing it was made from has changed.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from support import (
    finn_checks,
    finn_errors,
    finn_estimates,
    finn_folding,
    finn_hardware,
    finn_names,
    finn_options,
    finn_streams,
    finn_tool,
    finn_widths,
    onnx_files,
    vivado_steps,
)
from support.deferred_imports import import_finn_layers
from support.files import digest_of, read_json, sha256, write_json
from support.finn_quick import hurried, nothing
from support.progress import Progress, StageError
from support.stage import main
from support.steps import Steps

HERE = Path(__file__).resolve().parent
TARGETS = ("hw", "estimates", "codegen", "ipgen", "stitched", "rtlsim", "ooc", "bitfile")
# Bump when a step of ours changes what it makes: kept results of older steps are then made again.
STEPS_VERSION = 4
# Hours on a large network: beside one step of Vivado all others are nothing.
VIVADO_SHARE = 3600.0
# Behind these FINN renames the nodes and adds streams of its own.
CHECKED = ("hw", "specialised", "folded", "minimised", "estimates")


def arguments(parser: argparse.ArgumentParser) -> None:
    results = HERE / "results"
    settings = read_json(HERE / "settings" / "build.json")
    parser.add_argument(
        "--model",
        type=Path,
        default=results / "export" / "model.integer.onnx",
        help="the integer graph that export.py wrote (default: %(default)s)",
    )
    parser.add_argument(
        "--out", type=Path, default=results / "build", help="results (default: %(default)s)"
    )
    parser.add_argument(
        "--to",
        choices=TARGETS,
        default="estimates",
        help="how far to go (default: %(default)s); from ipgen on Vivado is needed",
    )
    parser.add_argument(
        "--golden",
        type=Path,
        help="golden.npz of export.py: run every step's model on its images and compare all integers (minutes at 224x224)",
    )
    parser.add_argument("--board", default=settings["board"], help="default: %(default)s")
    parser.add_argument(
        "--clock-ns", type=float, default=settings["clock_ns"], help="default: %(default)s"
    )
    parser.add_argument(
        "--target-fps",
        type=float,
        default=settings["target_fps"],
        help="frames per second to fold for (default: %(default)s)",
    )
    parser.add_argument(
        "--mvau-wwidth-max",
        type=int,
        default=settings["mvau_wwidth_max"],
        help="widest weight stream of one processing element, in bits (default: %(default)s)",
    )
    parser.add_argument(
        "--folding",
        type=Path,
        help="a JSON file of folding by layer, as folding.json in the results; it goes before settings/build.json",
    )


@dataclass(frozen=True)
class Job:
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
    def vivado(self) -> vivado_steps.Job:
        names = self.out / "names.json"
        return vivado_steps.Job(
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


@main("build", arguments=arguments)
def run(args: argparse.Namespace, progress: Progress) -> dict[str, Any]:
    settings = read_json(HERE / "settings" / "build.json")
    _check(args)
    out = args.out.resolve()
    if args.to in vivado_steps.TARGETS:
        # Before FINN is started: nothing is written when a tool is missing.
        vivado_steps.check_tools(
            args.to, _job(args, settings, out, progress).vivado, settings.get("vivado")
        )
    finn_tool.start(out / "finn")
    job = _job(args, settings, out, progress)
    progress.log(f"{finn_tool.tool()}, {job.board} ({job.part})")
    if args.to in vivado_steps.TARGETS:
        vivado_steps.prepare(job.vivado)
    plan = _steps(args.to, job)
    steps = Steps(progress, {step.name: step.share for step in plan})
    job = replace(job, say=steps.say)
    kept = _kept(out)
    key = digest_of([STEPS_VERSION, finn_tool.tool(), sha256(args.model)])
    model, path = None, args.model
    golden = None
    if args.golden is not None:
        golden = finn_checks.Golden.load(args.golden, _read(args.model))
        key = digest_of([key, sha256(args.golden)])
    with onnx_files.writing() as writer:
        for index, step in enumerate(plan):
            key = digest_of([key, step.name, step.reads(job)])
            before, path = path, out / "steps" / f"{index:02}_{step.name}.onnx"
            if _is_kept(kept.get(step.name), key, path, _makes(step, out)):
                kept_model = _read(path) if step.missing else None
                if kept_model is None or not step.missing(kept_model, job):
                    progress.log(f"{step.name}: kept")
                    steps.pass_by(step.name)
                    model = kept_model
                    continue
            with steps.step(step.name):
                model = _run(step, _read(before) if model is None else model, job)
                if step.name in CHECKED:
                    finn_checks.check_graph(model, step.name, job.origins)
                    if golden is not None:
                        golden.check(model, step.name, job.origins)
            seconds = steps.seconds[step.name]
            record = partial(_record, out, kept, step.name, key, seconds)
            writer.save(model.model, path, *(out / name for name in step.also), then=record)
            progress.log(f"{step.name}: {seconds} s")
    model = _read(path) if model is None else model
    seconds_of = {step.name: kept[step.name]["seconds"] for step in plan}
    return {**_result(args.to, model, job), "seconds": seconds_of}


def _read(path: Path) -> Any:
    return onnx_files.read(path, "run export.py again, or use another --model")


def _job(args: argparse.Namespace, settings: dict[str, Any], out: Path, progress: Progress) -> Job:
    """The board of the settings as the spec says it is; another one as FINN knows it."""
    is_ours = args.board == settings["board"] and "part" in settings
    resources = settings.get("resources") if is_ours else None
    layers = HERE / "layers.json"
    return Job(
        out,
        args.board,
        settings["part"] if is_ours else finn_tool.fpga_part(args.board),
        args.clock_ns,
        None if args.target_fps is None else max(1, int(1e9 / args.clock_ns / args.target_fps)),
        args.mvau_wwidth_max,
        read_json(args.folding) if args.folding else settings.get("folding") or {},
        settings["shell"] if is_ours else finn_tool.shell_of(args.board),
        {"name": args.board, **resources} if resources else finn_tool.board_resources(args.board),
        finn_options.options_of(settings),
        read_json(layers) if layers.is_file() else {},
        nothing,
        progress.log,
    )


def _run(step: Step, model: Any, job: Job) -> Any:
    """The step; what FINN says when it fails is cut to its cause and told with the layer."""
    try:
        import_finn_layers()
        with hurried() if step.name in CHECKED else nullcontext():
            return step.run(model, job)
    except StageError:
        raise
    except Exception as error:  # FINN and qonnx raise plain exceptions and assertions
        names = {node.name: node.name for node in model.graph.node}
        cause = finn_errors.cause_of(error, job.out / "errors" / "no-tool-ran", 0, names)
        log = job.out / "errors" / f"{step.name}.log"
        finn_errors.keep(log, step.name, error, cause)
        raise StageError(
            f"{step.name} failed in {finn_tool.tool()}: {finn_errors.explain(cause, names, job.origins)}",
            f"everything is in {log}",
        ) from error


def _steps(target: str, job: Job) -> list[Step]:
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
            f"FINN ended code generation without an error, but made none for {missing}"
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


def _result(target: str, model: Any, job: Job) -> dict[str, Any]:
    nodes = len(model.graph.node)
    if target == "hw":
        summary = f"{nodes} hardware layers in {job.out / 'hardware.onnx'}"
        return {"target": target, "nodes": nodes, "summary": summary}
    estimates = read_json(job.out / "estimates.json")
    network = estimates["network"]
    summary = (
        f"{network['fps']:.1f} frames a second by FINN's estimate, slowest layer {estimates['bottleneck']}, "
        f"{network['lut']} LUT, {network['bram18']} BRAM18, {network['dsp']} DSP"
    )
    result = {key: estimates[key] for key in ("network", "bottleneck", "warnings", "board", "tool")}
    if target == "codegen":
        summary += f"; sources in {job.out / 'finn'}"
    elif target != "estimates":
        summary += f"; {target} done, see {job.out}"
    return {"target": target, "nodes": nodes, **result, "summary": summary}


def _check(args: argparse.Namespace) -> None:
    if not args.model.is_file():
        raise StageError(f"no integer graph at {args.model}", "run export.py first, or use --model")
    if not 0 < args.clock_ns < math.inf:
        raise StageError(f"the clock period must be positive, not {args.clock_ns} ns")
    if args.target_fps is not None and not 0 < args.target_fps < math.inf:
        raise StageError(f"the target must be positive, not {args.target_fps} frames a second")
    if args.mvau_wwidth_max < 1:
        raise StageError(f"a weight stream has 1 bit or more, not {args.mvau_wwidth_max}")


def _kept(out: Path) -> dict[str, Any]:
    path = out / "steps" / "steps.json"
    return read_json(path) if path.is_file() else {}


def _record(
    out: Path, kept: dict[str, Any], name: str, key: str, seconds: float, digest: str
) -> None:
    """The step is done: its model is on disk."""
    kept[name] = {"key": key, "model_sha256": digest, "seconds": seconds}
    write_json(out / "steps" / "steps.json", kept)


def _makes(step: Step, out: Path) -> list[Path]:
    return [out / name for name in (*step.makes, *step.also)]


def _is_kept(record: dict[str, Any] | None, key: str, path: Path, makes: list[Path]) -> bool:
    if record is None or record["key"] != key or not all(made.is_file() for made in makes):
        return False
    return path.is_file() and sha256(path) == record["model_sha256"]


if __name__ == "__main__":
    sys.exit(run())
