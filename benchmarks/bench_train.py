"""A training step of the generated network against the same network in plain float torch: time and peak memory.

    python benchmarks/bench_train.py [--width 16 64] [--repeat 15] [--layout channels-last]

ResNet18 with the cells of NASH-v3 at w2a2, 32x32 images, batch 64, SGD. "float" has ReLU, Hardtanh, convolutions and
average pool of torch at the same places; "Brevitas" is the generated network with the forward of Brevitas' own quantisers.
Steps take turns, so that a busy machine slows all alike; seconds are those of the processor, ratios are of the medians. All three
have the heap of train.py there.
Memory is the peak of a process of its own over MEMORY_STEPS steps, less what it held before the first (Linux). "generated" has
the heap of train.py (support/heap.py), the others glibc's as it is; "same heap" is float with the heap of train.py.
"""

from __future__ import annotations

import argparse
import functools
import importlib
import importlib.util
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
VARIANTS = ("float", "Brevitas", "generated")
SAME_HEAP = "same heap"
HAS_OUR_HEAP = ("generated", SAME_HEAP)
BATCH = 64
MEMORY_STEPS = 10
CLASSES = 10

SPEC = """\
nash 1

use resnet18 from "nashc/resnet.nash"

network bench {
  input    = UINT8 3x32x32
  classes  = 10
  backbone = resnet18(width = WIDTH, small_stem = true)

  cell in each group {
    ops    = [zero, maxpool 3x3, identity, conv 1x1, conv 3x3, conv 5x5]
    policy = v3
  }

  bits {
    backbone = w2a2
    nas      = w1a8
  }
}

genotype {
  group0 = identity from 0, maxpool 3x3 from 1, maxpool 3x3 from 1, maxpool 3x3 from 1
  group1 = conv 5x5 from 0, maxpool 3x3 from 1, identity from 2,    maxpool 3x3 from 2
  group2 = conv 1x1 from 0, maxpool 3x3 from 1, maxpool 3x3 from 1, maxpool 3x3 from 2
  group3 = conv 5x5 from 0, conv 5x5 from 0,    maxpool 3x3 from 2, conv 5x5 from 2
}

train {
  data = cifar10("cifar10")
}
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--width", type=int, nargs="+", default=[16, 64])
    parser.add_argument("--repeat", type=int, default=15, help="steps of each network")
    parser.add_argument("--layout", choices=("channels-last", "nchw"), default="channels-last")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--memory-of", choices=(*VARIANTS, SAME_HEAP), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.memory_of:
        print(memory_mb(args))
        return 0
    for width in args.width:
        with tempfile.TemporaryDirectory() as folder:
            compile_spec(Path(folder), width)
            args.folder = Path(folder)
            report(args, width)
    return 0


def report(args: argparse.Namespace, width: int) -> None:
    memory = {}
    for variant in (*VARIANTS, SAME_HEAP):
        command = [sys.executable, __file__, "--memory-of", variant, "--folder", str(args.folder)]
        command += ["--layout", args.layout, "--threads", str(args.threads)]
        memory[variant] = float(subprocess.run(command, capture_output=True, check=True).stdout)
    seconds = times(args)
    base_s, base_mb = statistics.median(seconds["float"]), memory["float"]
    print(f"width {width}, batch {BATCH}, {args.layout}, {args.threads} thread(s)")
    for variant in VARIANTS:
        median_s = statistics.median(seconds[variant])
        print(
            f"  {variant:10} {median_s:7.3f} s  {median_s / base_s:5.2f}x   best {min(seconds[variant]):7.3f} s"
            f"   {memory[variant]:6.0f} MB {memory[variant] / base_mb:5.2f}x"
        )
    print(
        f"  float with the same heap {memory[SAME_HEAP]:27.0f} MB {memory[SAME_HEAP] / base_mb:5.2f}x"
    )


def times(args: argparse.Namespace) -> dict[str, list[float]]:
    steps = {variant: step_of(variant, args) for variant in VARIANTS}
    heap = importlib.import_module("support.heap")
    heap.large_blocks_apart()
    found: dict[str, list[float]] = {variant: [] for variant in VARIANTS}
    for round_ in range(args.repeat + 2):
        for variant, step in steps.items():
            started = time.process_time()
            step()
            heap.large_blocks_inside()
            if round_ > 1:
                found[variant].append(time.process_time() - started)
    return found


def memory_mb(args: argparse.Namespace) -> float:
    heap = None
    if args.memory_of in HAS_OUR_HEAP:  # as train.py does, before torch is there
        sys.path.insert(0, str(args.folder))
        heap = importlib.import_module("support.heap")
        heap.without_caches()
        heap.large_blocks_apart()
    step = step_of(args.memory_of, args)
    before = resident_mb("VmRSS")
    for _ in range(MEMORY_STEPS):
        step()
        if heap:
            heap.large_blocks_inside()
    return resident_mb("VmHWM") - before


def resident_mb(name: str) -> float:
    """Of this process alone: getrusage's peak begins with that of the process that started it."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    [line] = [line for line in status.splitlines() if line.startswith(f"{name}:")]
    return int(line.split()[1]) / 1024


def step_of(variant: str, args: argparse.Namespace) -> Callable[[], None]:
    import torch

    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    model = model_of(args.folder)
    if variant != "generated":
        model.added = lambda join, *values: functools.reduce(torch.add, map(join, values))
    network = model.Network()
    if variant in ("float", SAME_HEAP):
        in_float(network)
    if variant == "Brevitas":
        in_brevitas_own_words(network)
    if variant == "generated":  # as train.py does
        importlib.import_module("support.layers.whole_conv").multiply_whole(network)
    layout = torch.channels_last if args.layout == "channels-last" else torch.contiguous_format
    network.to(memory_format=layout).train()
    optimiser = torch.optim.SGD(network.parameters(), 1e-3, momentum=0.9)
    images = torch.randint(0, 256, (BATCH, 3, 32, 32)).float().contiguous(memory_format=layout)
    labels = torch.randint(0, CLASSES, (BATCH,))

    def step() -> None:
        loss = torch.nn.functional.cross_entropy(network(images), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    return step


def compile_spec(folder: Path, width: int) -> None:
    spec = folder / "bench.nash"
    spec.write_text(SPEC.replace("WIDTH", str(width)), encoding="utf-8")
    command = [sys.executable, "-m", "nashc", "compile", str(spec), "--out", str(folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def model_of(folder: Path) -> Any:
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
        for name in [name for name in sys.modules if name.partition(".")[0] == "support"]:
            del sys.modules[name]  # of the width before
    spec = importlib.util.spec_from_file_location("bench_model", folder / "model.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def in_float(network: Any) -> None:
    """The same layers without their quantisers."""
    import brevitas.nn as qnn
    from torch import nn

    for path, module in list(network.named_modules()):
        match module:
            case qnn.QuantReLU():
                twin: nn.Module = nn.ReLU()
            case qnn.QuantHardTanh():
                twin = nn.Hardtanh(-10, 10)
            case qnn.TruncAvgPool2d():
                twin = nn.AvgPool2d(module.kernel_size)
            case qnn.QuantConv2d():
                sizes = (module.kernel_size, module.stride, module.padding)
                twin = nn.Conv2d(module.in_channels, module.out_channels, *sizes, bias=False)
            case qnn.QuantLinear():
                twin = nn.Linear(module.in_features, module.out_features, bias=False)
            case _:
                continue
        if hasattr(module, "weight"):
            twin.weight = module.weight
        parent, _, name = path.rpartition(".")
        setattr(network.get_submodule(parent), name, twin)


def in_brevitas_own_words(network: Any) -> None:
    """Quantisers with the forward of the Brevitas classes that ours extend."""
    from brevitas.core.quant import BinaryQuant, RescalingIntQuant
    from brevitas.proxy.runtime_quant import FusedActivationQuantProxy

    for module in network.modules():
        for own in (BinaryQuant, RescalingIntQuant, FusedActivationQuantProxy):
            if isinstance(module, own):
                module.forward = own.forward.__get__(module)


if __name__ == "__main__":
    sys.exit(main())
