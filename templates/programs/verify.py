"""Verify on test images that the exported network and FINN's hardware layers compute what was trained.

Reference: the trained Brevitas network in float64. Held against it: the integer graph (exactly, at every activation),
FINN's hardware layers after their bit widths were minimised (exactly, node by node, and every value inside its data
type), QONNX and Brevitas in float32 (logits within rounding; where float32 lands on the other side of a border of two
quantisation steps, the exact value shows it and the image counts as a tie).
"""

from __future__ import annotations

if __name__ == "__main__":
    from support.beginning import end_at_once

    end_at_once()

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import torch

from support.export import trained
from support.files import read_json, sha256, write_json
from support.progress import Progress, StageError
from support.stage import main
from support.verification.side_by_side import Checks

HERE = Path(__file__).resolve().parent
IMAGES_AT_ONCE = 128


def arguments(parser: argparse.ArgumentParser) -> None:
    results = HERE / "results"
    parser.add_argument(
        "--weights",
        type=Path,
        default=results / "train" / "weights.safetensors",
        help="trained weights (default: %(default)s)",
    )
    parser.add_argument(
        "--export",
        type=Path,
        default=results / "export",
        help="what export.py wrote (default: %(default)s)",
    )
    parser.add_argument("--data", help="folder of the images (default: see settings/data.json)")
    parser.add_argument("--images", type=int, help="only the first N test images (default: all)")
    parser.add_argument(
        "--skip-finn", action="store_true", help="do not convert to FINN's hardware layers"
    )
    parser.add_argument(
        "--out", type=Path, default=results / "verify", help="results (default: %(default)s)"
    )


@main("verify", arguments=arguments)
def run(args: argparse.Namespace, progress: Progress) -> dict[str, Any]:
    torch.set_grad_enabled(False)
    started = time.monotonic()
    _check_export(args.export, args.weights)
    network = trained.load(HERE, args.weights)
    images, labels = trained.test_images(HERE, args.data, args.images)
    checks = Checks(network, args.export, None if args.skip_finn else args.out, progress)
    at_once = min(IMAGES_AT_ONCE, checks.images_at_once())
    for first in range(0, len(images), at_once):
        progress.update(first, len(images), unit="image", text=checks.text())
        checks.check(images[first : first + at_once], labels[first : first + at_once], first)
    progress.update(len(images), len(images), unit="image", text=checks.text())
    result = {**checks.result(), "seconds": round(time.monotonic() - started, 1)}
    write_json(args.out / "verify.json", result)
    if not result["ok"]:
        raise StageError(
            checks.failure(),
            f"the first difference and all counts are in {args.out / 'verify.json'}",
        )
    return {**result, "summary": _summary(result)}


def _check_export(export: Path, weights: Path) -> None:
    """The export must be of these weights, and its files those that export.py wrote."""
    made = read_json(
        export / "export.json", "run export.py first, or name its results with --export"
    )
    if not weights.is_file():
        raise StageError(f"no weights at {weights}", "train first, or name them with --weights")
    if made["weights_sha256"] != sha256(weights):
        raise StageError(
            f"the export in {export} was made from other weights than {weights}",
            "run export.py again",
        )
    if "model.qonnx.onnx" not in made["files"]:
        raise StageError(
            f"the export in {export} was made with --integer-only",
            "run export.py without it: verify.py needs QONNX too",
        )
    for name, digest in made["files"].items():
        path = export / name
        if not path.is_file() or sha256(path) != digest:
            raise StageError(f"{path} is not the file that export.py wrote", "run export.py again")


def _summary(result: dict[str, Any]) -> str:
    finn = "FINN not asked" if result["finn"] is None else f"FINN's {result['finn']['nodes']} nodes"
    ties = f"{result['ties']} float32 tie{'' if result['ties'] == 1 else 's'}"
    return (
        f"{result['images']} images: integers and {finn} equal to the trained network, "
        f"QONNX within rounding, {ties}, accuracy {100 * result['accuracy']:.1f} %"
    )


if __name__ == "__main__":
    sys.exit(run())
