"""Images per second that the generated loader gives, against what a training step takes.

    python benchmarks/bench_loader.py [--device cpu] [--batch 16] [--width 64] [--pictures 256]

Pictures: JPEGs of 500x375 pixels, the usual size in ImageNet, made here, in class folders; cut to 224x224. The step is that of
the generated ResNet18 at w2a2. "a core" is per second of processor time, which other work on the machine does not lessen; a loader
uses all cores. "waiting" is the time a training step takes with the loader over that with its batch at hand:
1.00 is a device that never waits. On a CPU loader and step share the cores, so that what decoding costs is seen as well.
"""

from __future__ import annotations

import argparse
import importlib
import itertools
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

SPEC = """\
nash 1

use resnet18 from "nashc/resnet.nash"

network bench {
  input    = UINT8 3x224x224
  classes  = 4
  backbone = resnet18(width = WIDTH)

  bits {
    backbone = w2a2
  }
}

train {
  data = folder("pictures", flip = true)
}
"""
SIZE = (500, 375)
CLASSES = 4


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--pictures", type=int, default=256)
    parser.add_argument("--steps", type=int, default=5)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_pictures(folder / "pictures", args.pictures)
        (folder / "bench.nash").write_text(SPEC.replace("WIDTH", str(args.width)))
        command = [sys.executable, "-m", "nashc", "compile", str(folder / "bench.nash")]
        subprocess.run([*command, "--out", str(folder)], check=True, stdout=subprocess.DEVNULL)
        sys.path.insert(0, str(folder))
        report(folder, args)
    return 0


def make_pictures(folder: Path, count: int) -> None:
    """As hard to decode as photographs: about 100 kB each."""
    import numpy as np
    from PIL import Image

    draws = np.random.default_rng(0)
    for number in range(count):
        coarse = Image.fromarray(draws.integers(0, 256, (24, 32, 3), dtype=np.uint8))
        smooth = np.asarray(coarse.resize(SIZE, Image.Resampling.BICUBIC)).astype(int)
        grain = draws.normal(0, 12, smooth.shape)
        pixels = np.clip(smooth + grain, 0, 255).astype(np.uint8)
        for split in ("train", "val") if number < CLASSES else ("train",):
            path = folder / split / f"class{number % CLASSES}" / f"{number}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(path, quality=90)


def report(folder: Path, args: argparse.Namespace) -> None:
    import numpy as np
    import torch

    loader: Any = importlib.import_module("support.data.batches")
    data: Any = importlib.import_module("support.data.datasets")
    image_files: Any = importlib.import_module("support.data.image_files")
    shape = {"channels": 3, "height": 224, "width": 224, "classes": CLASSES}
    settings = {"kind": "folder", "path": "pictures", "augment": {"flip": True}, **shape}
    pictures = data.open_dataset(settings, "train", folder)

    def batches() -> Iterator[Any]:
        for epoch in itertools.count():
            yield from loader.training_batches(pictures, args.batch, seed=0, epoch=epoch)

    small = data.MemoryImages(
        np.zeros((10_000, 3, 32, 32), np.uint8), np.zeros(10_000, np.int64), flip=True, crop=4
    )
    loaders = {
        "loader": rates(batches(), args.batch, args.steps),
        "32x32 from memory": rates(
            loader.training_batches(small, 64, seed=0, epoch=0), 64, args.steps
        ),
    }
    device = torch.device(args.device)
    step = step_of(device)
    ready = next(batches())
    at_hand_s = median_s(lambda: step(ready), args.steps)
    source = batches()
    next(source)
    with_loader_s = median_s(lambda: step(next(source)), args.steps)
    need = args.batch / at_hand_s
    print(
        f"{torch.get_num_threads()} thread(s) of torch, {image_files.DECODERS} decoders, {device}"
    )
    print(
        f"step's need                  {need:9.0f} images/s (width {args.width}, batch {args.batch})"
    )
    for label, (wall, core) in loaders.items():
        print(f"{label:28} {wall:9.0f} images/s  {wall / need:7.1f} x the need, a core {core:.0f}")
    print(
        f"waiting                      {with_loader_s / at_hand_s:9.2f} x a step with its batch at hand"
    )


def step_of(device: Any) -> Callable[[Any], None]:
    import torch

    model: Any = importlib.import_module("model")
    classification: Any = importlib.import_module("support.training.classification")
    network = classification.prepare(model.Network(), device).train()
    optimiser = torch.optim.SGD(network.parameters(), 1e-3, momentum=0.9)

    def step(batch: Any) -> None:
        images, labels = classification.to_device(batch, device)
        loss = torch.nn.functional.cross_entropy(network(images), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        loss.item()  # waits for the device

    return step


def rates(batches: Iterator[Any], size: int, steps: int) -> tuple[float, float]:
    """Images per second, and per second of processor time, with nothing else to do; the first batches, made ahead, apart."""
    for _ in range(4):
        next(batches)
    count = max(steps, 8)
    started_s, worked_s = time.perf_counter(), time.process_time()
    for _ in range(count):
        next(batches)
    wall_s, core_s = time.perf_counter() - started_s, time.process_time() - worked_s
    return count * size / wall_s, count * size / core_s


def median_s(call: Callable[[], Any], count: int = 3) -> float:
    found = []
    for _ in range(count + 1):
        started_s = time.perf_counter()
        call()
        found.append(time.perf_counter() - started_s)
    return statistics.median(found[1:])


if __name__ == "__main__":
    sys.exit(main())
