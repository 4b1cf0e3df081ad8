"""Export the trained network: QONNX for exchange, the integer graph for FINN, and golden vectors to hold them against."""

from __future__ import annotations

if __name__ == "__main__":
    from support.beginning import end_at_once

    end_at_once()

import argparse
import copy
import random
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from support.export import onnx_files, trained
from support.export.qonnx import export
from support.export.ranges import ranges
from support.files import atomic_path, read_json, read_settings, sha256, write_json
from support.progress import Progress, StageError
from support.stage import main
from support.steps import Steps

HERE = Path(__file__).resolve().parent
GOLDEN_IMAGES = 16
# What each step usually takes, in seconds for ResNet18 with cells at 224x224 on one core.
INTEGER_SHARES = {"weights": 4.0, "integers": 0.3, "files": 1.0}
QONNX_SHARES = {"QONNX": 9.0}
STREAMLINE_SHARES = {"streamlining": 120.0}
GOLDEN_SHARES = {"golden vectors": 12.0}


def arguments(parser: argparse.ArgumentParser) -> None:
    results = HERE / "results"
    parser.add_argument(
        "--weights",
        type=Path,
        default=results / "train" / "weights.safetensors",
        help="trained weights (default: %(default)s)",
    )
    parser.add_argument("--data", help="folder of the images (default: see settings/data.json)")
    parser.add_argument(
        "--integer-only",
        action="store_true",
        help="only the integer graph, which is all that build.py needs: no QONNX, no golden vectors, no images",
    )
    parser.add_argument(
        "--out", type=Path, default=results / "export", help="results (default: %(default)s)"
    )


@main("export", arguments=arguments)
def run(args: argparse.Namespace, progress: Progress) -> dict[str, Any]:
    torch.set_grad_enabled(False)
    random.seed(0)  # qonnx 1.0 and FINN draw names of tensors: the same file every time
    settings = HERE / "settings" / "export.json"
    lowering = read_settings(HERE, "export")["lowering"] if settings.is_file() else "direct"
    needs_qonnx = lowering == "streamline" or not args.integer_only
    steps = Steps(progress, _shares(lowering, needs_qonnx, not args.integer_only))
    with steps.step("weights"):
        network = trained.load(HERE, args.weights, only_exact=not needs_qonnx)
    models = _models(network, lowering, needs_qonnx, args.out, steps)
    if args.integer_only:
        models.pop("model.qonnx.onnx", None)
    result: dict[str, Any] = {"lowering": lowering}
    if not args.integer_only:
        with steps.step("golden vectors"):
            images, labels = trained.test_images(HERE, args.data, GOLDEN_IMAGES)
            _write_golden(args.out / "golden.npz", network, images, labels)
            result["golden_images"] = len(images)
    with steps.step("files"):
        result = _written(models, network, args, result)
    for note in network.graph.notes:
        progress.log(f"note: {note}")
    nodes = result["nodes"]
    counts = [f"{nodes['integer']} integer nodes"]
    counts += [f"{nodes['qonnx']} QONNX nodes"] if "qonnx" in nodes else []
    summary = f"{', '.join(counts)} in {args.out}"
    return {**result, "seconds": steps.seconds, "summary": summary}


def _shares(lowering: str, needs_qonnx: bool, has_golden: bool) -> dict[str, float]:
    """Of the steps that will be taken."""
    shares = {**INTEGER_SHARES, **(QONNX_SHARES if needs_qonnx else {})}
    shares |= GOLDEN_SHARES if has_golden else {}
    return shares | (STREAMLINE_SHARES if lowering == "streamline" else {})


def _models(
    network: trained.Trained, lowering: str, needs_qonnx: bool, out: Path, steps: Steps
) -> dict[str, Any]:
    """By file name, the QONNX export first where it is needed."""
    models: dict[str, Any] = {}
    with steps.step("integers"):
        if not needs_qonnx:
            network.forget_weights()
        integer = network.graph.write()
    if needs_qonnx:
        with steps.step("QONNX"):
            shape, layers = network.model.INPUT_SHAPE, network.layers_by_path()
            models["model.qonnx.onnx"] = export(network.network, shape, layers).model
    if lowering == "streamline":
        with steps.step("streamlining"):
            pixels = network.model.INPUT_DTYPE
            found = _streamlined(models["model.qonnx.onnx"], pixels, out, steps.say)
            found.graph.metadata_props.extend(integer.graph.metadata_props)
            integer = found
    return {**models, "model.integer.onnx": integer}


def _written(
    models: dict[str, Any],
    network: trained.Trained,
    args: argparse.Namespace,
    result: dict[str, Any],
) -> dict[str, Any]:
    """The models, ranges.json and export.json, which says what was found before, `result`, and what the files are."""
    digests: dict[str, str] = {}
    with onnx_files.writing() as writer:
        for name, content in models.items():
            writer.save(content, args.out / name, then=partial(digests.__setitem__, name))
        write_json(args.out / "ranges.json", ranges(models["model.integer.onnx"]))
        writer.finish()
        about = {
            **result,
            "network": network.model.NAME,
            "weights_sha256": sha256(args.weights),
            "files": digests,
            "nodes": {name.split(".")[1]: len(it.graph.node) for name, it in models.items()},
            "activations": len(network.graph.boundaries),
            "logits_scale": network.graph.logits_scale,
            "notes": network.graph.notes,
        }
        write_json(args.out / "export.json", about)
    return about


def _streamlined(qonnx: Any, pixels: str, out: Path, say: Callable[[str, float], None]) -> Any:
    """The integer graph by FINN's own transformations, an independent way to what `lowering.py` writes."""
    from qonnx.core.modelwrapper import ModelWrapper

    from support.finn import errors as finn_errors
    from support.finn import streamline as finn_streamline
    from support.finn import tool as finn_tool

    finn_tool.found()
    finn_tool.start(out / "finn")
    told: list[str] = []

    def count(text: str) -> None:
        told.append(text)
        say(text, min(1.0, len(told) / finn_streamline.TRANSFORMATIONS))

    try:
        return finn_streamline.streamline(ModelWrapper(copy.deepcopy(qonnx)), pixels, count).model
    except StageError:
        raise
    except Exception as error:  # FINN and qonnx raise plain exceptions and assertions
        layers = read_json(HERE / "layers.json")
        cause = finn_errors.cause_of(error, out / "errors" / "no-tool-ran", 0, layers)
        log = out / "errors" / "streamlining.log"
        finn_errors.keep(log, "streamlining", error, cause)
        raise StageError(
            f"{finn_tool.tool()} cannot streamline this network: "
            f"{finn_errors.explain(cause, {name: name for name in layers}, layers)}",
            f"{finn_streamline.DIRECT}; everything is in {log}",
        ) from error


def _write_golden(
    path: Path, network: trained.Trained, images: np.ndarray, labels: np.ndarray
) -> None:
    scale = network.graph.logits_scale
    logits = network.network(torch.from_numpy(images.astype(np.float32))).numpy()
    exact = network.exact(torch.from_numpy(images.astype(np.float64))).numpy()
    with atomic_path(path) as temporary:
        np.savez(
            temporary,
            images=images,
            labels=labels,
            logits=logits,
            integer_logits=np.rint(exact / scale).astype(np.int64),
            logits_scale=np.float64(scale),
        )


if __name__ == "__main__":
    sys.exit(run())
