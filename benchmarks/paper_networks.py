"""FINN's estimates for the paper's networks at full size, with random weights: docs/experiments/data/paper-networks.json.

    python benchmarks/paper_networks.py [--to codegen] [--out FILE] [SPEC:BITS ...]

Each network is compiled, lowered and built by the programs that `nashc run` runs. FINN's estimates hardly depend on the
weights: only through the widths of accumulators and weights. What the file has already is not made again.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "benchmarks"))

from bench_finn import EVENTS, WEIGHTS, Run, run  # noqa: E402

SPECS = (
    "resnet18",
    "resnet18_v3",
    "resnet34",
    "resnet34_v3",
    "resnet18_v1",
    "resnet18_v2",
    "resnet18_v4",
)
BITS = ("w1a1", "w1a2", "w2a2", "w4a4", "w8a8")
OUT = ROOT / "docs" / "experiments" / "data" / "paper-networks.json"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--to", choices=("estimates", "codegen"), default="estimates")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("networks", nargs="*", metavar="SPEC:BITS", help="default: all")
    args = parser.parse_args()
    names = args.networks or [f"{spec}:{bits}" for bits in BITS for spec in SPECS]
    found: dict[str, Any] = json.loads(args.out.read_text()) if args.out.is_file() else {}
    for name in names:
        if name in found:
            continue
        with tempfile.TemporaryDirectory() as folder:
            found[name] = measure(*name.split(":", 1), args.to, Path(folder))
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(json.dumps(dict(sorted(found.items())), indent=2) + "\n")
        print(name, json.dumps(found[name]["network"]), found[name]["seconds"], flush=True)
    return 0


def measure(spec: str, bits: str, target: str, folder: Path) -> dict[str, Any]:
    path = ROOT / "specs" / f"{spec}.nash"
    compiled = [sys.executable, "-m", "nashc", "compile", path, "--set", f"bits={bits}"]
    run([*compiled, "-o", folder], ROOT)
    run([sys.executable, "-c", WEIGHTS], folder)
    export = run([sys.executable, "export.py", "--integer-only", *EVENTS], folder)
    build = run([sys.executable, "build.py", "--to", target, *EVENTS], folder)
    estimates = json.loads((folder / "results" / "build" / "estimates.json").read_text())
    network = {k: v for k, v in estimates["network"].items() if not isinstance(v, str | dict)}
    return {
        "spec": f"specs/{spec}.nash",
        "bits": bits,
        "board": "U250",
        "tool": estimates["tool"],
        "weights": "random",
        "reached": target,
        "network": network,
        "bottleneck": estimates["bottleneck"],
        "layers": len(estimates["layers"]),
        "seconds": {"export": round(export.seconds, 1), "build": round(build.seconds, 1)},
        "steps": _steps(build),
        "peak_mb": round(max(export.peak_mb, build.peak_mb)),
    }


def _steps(build: Run) -> dict[str, float]:
    return json.loads(build.output.splitlines()[-1])["seconds"]


if __name__ == "__main__":
    sys.exit(main())
