"""Build hardware from the integer graph with FINN: layers, folding and estimates anywhere; IP and bitfile with Vivado.

Each step's model is kept in the results folder and used again as long as nothing it was made from has changed.
"""

from __future__ import annotations

if __name__ == "__main__":
    from support.beginning import end_at_once

    end_at_once()

import argparse
import math
import sys
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from support.build_steps import CHECKED, STEPS_VERSION, TARGETS, Job, Step, steps_to
from support.deferred_imports import import_finn_layers
from support.export import onnx_files
from support.files import digest_of, read_json, read_settings, sha256, write_json
from support.finn import checks as finn_checks
from support.finn import errors as finn_errors
from support.finn import options as finn_options
from support.finn import tool as finn_tool
from support.finn.quick import hurried, nothing
from support.progress import Progress, StageError
from support.stage import main
from support.steps import Steps
from support.vivado import steps as vivado_steps
from support.vivado import tools as vivado_tools

HERE = Path(__file__).resolve().parent


def arguments(parser: argparse.ArgumentParser) -> None:
    results = HERE / "results"
    settings = read_settings(HERE, "build")
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


@main("build", arguments=arguments)
def run(args: argparse.Namespace, progress: Progress) -> dict[str, Any]:
    settings = read_settings(HERE, "build")
    _check(args)
    job = _started(args, settings, progress)
    out = job.out
    plan = steps_to(args.to, job)
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


def _started(args: argparse.Namespace, settings: dict[str, Any], progress: Progress) -> Job:
    """What is to be built, with FINN started and the tools of Vivado ready if they are needed."""
    out = args.out.resolve()
    if args.to in vivado_steps.TARGETS:
        # Before FINN is started: nothing is written when a tool is missing.
        vivado_tools.check_tools(
            args.to, _job(args, settings, out, progress).vivado, settings.get("vivado")
        )
    finn_tool.start(out / "finn")
    job = _job(args, settings, out, progress)
    progress.log(f"{finn_tool.tool()}, {job.board} ({job.part})")
    if args.to in vivado_steps.TARGETS:
        vivado_tools.prepare(job.vivado)
    return job


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
        read_json(args.folding, "nashc fold writes one")
        if args.folding
        else settings.get("folding") or {},
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
    return read_json(path, "remove it, and every step is made again") if path.is_file() else {}


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
