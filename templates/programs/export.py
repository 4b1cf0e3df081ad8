"""Export the trained network: QONNX for exchange, the integer graph for FINN, and golden vectors to hold them against."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch

from support import trained
from support.files import atomic_path, sha256, write_json
from support.progress import Progress, main
from support.qonnx_export import export

HERE = Path(__file__).resolve().parent
GOLDEN_IMAGES = 16


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
        "--out", type=Path, default=results / "export", help="results (default: %(default)s)"
    )


@main("export", arguments=arguments)
def run(args: argparse.Namespace, progress: Progress) -> dict[str, Any]:
    torch.set_grad_enabled(False)
    progress.update(0, 4, unit="step", text="lowering to integers")
    network = trained.load(HERE, args.weights)
    integer = network.graph.write()

    progress.update(1, 4, unit="step", text="exporting QONNX")
    qonnx = export(network.network, network.model.INPUT_SHAPE, network.layers_by_path()).model

    progress.update(2, 4, unit="step", text="golden vectors")
    images, labels = trained.test_images(HERE, args.data, GOLDEN_IMAGES)
    logits = network.network(torch.from_numpy(images.astype(np.float32))).numpy()
    exact = network.exact(torch.from_numpy(images.astype(np.float64))).numpy()
    scale = float(metadata(integer)["logits_scale"])

    progress.update(3, 4, unit="step", text="writing")
    files = {"model.qonnx.onnx": qonnx, "model.integer.onnx": integer}
    for name, content in files.items():
        with atomic_path(args.out / name) as path:
            onnx.save(content, str(path))
    with atomic_path(args.out / "golden.npz") as path:
        np.savez(
            path,
            images=images,
            labels=labels,
            logits=logits,
            integer_logits=np.rint(exact / scale).astype(np.int64),
            logits_scale=np.float64(scale),
        )
    result = {
        "network": network.model.NAME,
        "weights_sha256": sha256(args.weights),
        "files": {name: sha256(args.out / name) for name in files},
        "nodes": {"qonnx": len(qonnx.graph.node), "integer": len(integer.graph.node)},
        "activations": len(network.graph.boundaries),
        "logits_scale": scale,
        "golden_images": len(images),
        "notes": network.graph.notes,
    }
    write_json(args.out / "export.json", result)
    progress.update(4, 4, unit="step")
    for note in network.graph.notes:
        progress.log(f"note: {note}")
    summary = f"{len(integer.graph.node)} integer nodes, {len(qonnx.graph.node)} QONNX nodes in {args.out}"
    return {**result, "summary": summary}


def metadata(model: onnx.ModelProto) -> dict[str, str]:
    return {entry.key: entry.value for entry in model.graph.metadata_props}


if __name__ == "__main__":
    sys.exit(run())
