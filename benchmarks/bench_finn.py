"""From trained weights to FINN's estimate reports: seconds of each step, and peak memory, at the paper's size.

    python benchmarks/bench_finn.py [--strict] [SPEC:BITS ...]

Runs what `nashc run` runs, `export.py` (the integer graph alone) and `build.py --to estimates`, each a process of its own,
on random weights. With --strict the budgets below are held by the two together, from the start of the first to the end of
the second. What the plain imports of torch, Brevitas and FINN take is measured in empty processes and shown beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Seconds for networks of the paper at 224x224, width 64, on two cores.
BUDGETS_S = {
    ("resnet18_v3", "w2a2"): 16.0,
    ("resnet18", "w2a2"): 6.0,
    ("resnet18_v3", "w8a8"): 25.0,
}
MEMORY_BUDGET_MB = 2000
EVENTS = ("--progress", "jsonl")
START_UPS = {
    "export.py": "import brevitas.nn, onnx, qonnx.core.modelwrapper",
    "build.py": "import onnx, finn.custom_op.fpgadataflow, finn.transformation.fpgadataflow.specialize_layers",
}
# Batch norms of both signs, statistics of one batch of noise: no activation is saturated, no weight is zero.
WEIGHTS = """
from pathlib import Path
import torch, model
from support.training.checkpoint import code_digest, save_weights
torch.manual_seed(0)
network = model.Network()
for module in network.modules():
    if isinstance(module, torch.nn.BatchNorm2d):
        module.momentum = 1.0
        module.weight.data.uniform_(-1.5, 1.5)
        module.bias.data.uniform_(-0.5, 0.5)
with torch.no_grad():
    network(torch.randint(0, 256, (2, *model.INPUT_SHAPE)).float())
path = Path("results/train/weights.safetensors")
path.parent.mkdir(parents=True)
save_weights(path, network, code_digest(Path("model.py")), {})
"""


@dataclass(frozen=True)
class Run:
    seconds: float
    cpu_s: float
    peak_mb: float
    output: str


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--strict", action="store_true", help="exit 1 when a budget is exceeded")
    parser.add_argument("networks", nargs="*", metavar="SPEC:BITS", help="default: all budgets")
    args = parser.parse_args()
    networks = [tuple(name.split(":", 1)) for name in args.networks] or list(BUDGETS_S)
    failures = []
    for spec, bits in networks:
        with tempfile.TemporaryDirectory() as folder:
            failures += measure(spec, bits, Path(folder))
    for failure in failures:
        print(f"over budget: {failure}")
    return 1 if failures and args.strict else 0


def measure(spec: str, bits: str, folder: Path) -> list[str]:
    path = ROOT / "specs" / f"{spec}.nash"
    compiled = [sys.executable, "-m", "nashc", "compile", path, "--set", f"bits={bits}"]
    run([*compiled, "-o", folder], ROOT)
    run([sys.executable, "-c", WEIGHTS], folder)
    start_up = {name: run([sys.executable, "-c", code], folder) for name, code in START_UPS.items()}
    whole = {
        "export.py": run([sys.executable, "export.py", "--integer-only", *EVENTS], folder),
        "build.py": run([sys.executable, "build.py", "--to", "estimates", *EVENTS], folder),
    }
    print(f"{spec} {bits}{'':22} {'wall s':>8} {'cpu s':>8} {'peak MB':>8}")
    for name, one in whole.items():
        print(f"  {name:34} {one.seconds:8.1f} {one.cpu_s:8.1f} {one.peak_mb:8.0f}")
        print(
            f"    (plain imports) {'':18} {start_up[name].seconds:8.1f} {start_up[name].cpu_s:8.1f}"
        )
        for step, seconds in json.loads(one.output.splitlines()[-1])["seconds"].items():
            print(f"    {step:32} {seconds:8.1f}")
    total = sum(one.seconds for one in whole.values())
    peak = max(one.peak_mb for one in whole.values())
    budget = BUDGETS_S.get((spec, bits))
    print(f"  total {total:.1f} s (budget {budget}), {peak:.0f} MB\n")
    failures = [f"{spec} {bits}: {total:.1f} s, not {budget}"] if budget and total > budget else []
    failures += [f"{spec} {bits}: {peak:.0f} MB"] if peak > MEMORY_BUDGET_MB else []
    return failures


def run(command: list[str | Path], folder: Path) -> Run:
    environment = {**os.environ, "OMP_NUM_THREADS": str(os.cpu_count() or 1)}
    environment["FINN_BUILD_DIR"] = str(folder / "finn")
    environment["FINN_SETTINGS"] = str(folder / "finn" / "settings.yaml")
    started = time.monotonic()
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=output, stderr=errors
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - started
        output.seek(0)
        errors.seek(0)
        if process.returncode:
            raise SystemExit(f"{command} failed:\n{errors.read()[-2000:]}")
        told = output.read()
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, told)


if __name__ == "__main__":
    sys.exit(main())
