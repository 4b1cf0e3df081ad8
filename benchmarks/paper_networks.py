"""FINN's estimates for the paper's networks at full size, with random weights: docs/experiments/data/paper-networks.json.

    python -m benchmarks.paper_networks [--to codegen] [--out FILE] [SPEC:BITS ...]

Each network is compiled, lowered and built by the programs that `nashc run` runs, and `nashc estimate --weights` is held to
FINN's figures node by node. The weights are random, with batch norms of both signs: FINN's estimates depend on weights only
through the widths of accumulators and weights and the channels that need turning round. What the file has already is not
made again. Exit 1 when `nashc estimate` says anything else than FINN.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.bench_finn import EVENTS, WEIGHTS, Run, run
from nashc.driver.estimate import Question, answer

ROOT = Path(__file__).resolve().parent.parent
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
TARGETS = ("estimates", "codegen")
OUT = ROOT / "docs" / "experiments" / "data" / "paper-networks.json"
RESOURCES = ("lut", "bram18", "uram", "dsp")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--to", choices=TARGETS, default="estimates")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("networks", nargs="*", metavar="SPEC:BITS", help="default: all")
    args = parser.parse_args()
    names = args.networks or [f"{spec}:{bits}" for bits in BITS for spec in SPECS]
    found: dict[str, Any] = json.loads(args.out.read_text()) if args.out.is_file() else {}
    wrong = []
    for name in names:
        if not _has(found.get(name), args.to):
            with tempfile.TemporaryDirectory() as folder:
                found[name] = measure(*name.split(":", 1), args.to, Path(folder))
            args.out.parent.mkdir(parents=True, exist_ok=True)
            args.out.write_text(json.dumps(dict(sorted(found.items())), indent=2) + "\n")
            print(name, json.dumps(found[name]), flush=True)
        wrong += [f"{name}: {text}" for text in found[name]["differences"]]
    for difference in wrong:
        print(f"nashc estimate is not FINN: {difference}")
    return 1 if wrong else 0


def _has(entry: dict[str, Any] | None, target: str) -> bool:
    return entry is not None and TARGETS.index(entry["reached"]) >= TARGETS.index(target)


def measure(spec: str, bits: str, target: str, folder: Path) -> dict[str, Any]:
    path = ROOT / "specs" / f"{spec}.nash"
    compiled = [sys.executable, "-m", "nashc", "compile", path, "--set", f"bits={bits}"]
    run([*compiled, "-o", folder], ROOT)
    run([sys.executable, "-c", WEIGHTS], folder)
    export = run([sys.executable, "export.py", "--integer-only", *EVENTS], folder)
    build = run([sys.executable, "build.py", "--to", target, *EVENTS], folder)
    estimates = json.loads((folder / "results" / "build" / "estimates.json").read_text())
    network = {k: v for k, v in estimates["network"].items() if not isinstance(v, str | dict)}
    ranges = folder / "results" / "export" / "ranges.json"
    question = Question(path, {"bits": bits}, "finn-plus-1.6", weights=ranges)
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
        "differences": differences(estimates, question),
        "seconds": {"export": round(export.seconds, 1), "build": round(build.seconds, 1)},
        "steps": _steps(build),
        "peak_mb": round(max(export.peak_mb, build.peak_mb)),
    }


def differences(finn: dict[str, Any], question: Question) -> list[str]:
    """Where `nashc estimate` and FINN's reports do not say the same: nodes, their folding, cycles, resources, and totals."""
    found = answer(question).found
    ours = {
        row.node.name: {
            "op": row.node.op_type,
            "cycles": row.cycles,
            **{name: row.resource(name) for name in RESOURCES},
            **{k: row.folding.attributes(row.node).get(k.upper()) for k in ("pe", "simd")},
        }
        for row in found.nodes
    }
    ours["network"] = {
        "cycles": found.cycles,
        "fps": found.fps,
        "latency_ms": found.latency_ms,
        **{name: found.total(name) for name in RESOURCES},
    }
    theirs = {layer["name"]: layer for layer in finn["layers"]} | {"network": finn["network"]}
    names = [*theirs, *(name for name in ours if name not in theirs)]
    return [
        f"{name}: {key} {ours.get(name, {}).get(key)}, FINN {theirs.get(name, {}).get(key)}"
        for name in names
        for key in ours.get(name, theirs.get(name, {}))
        if ours.get(name, {}).get(key) != theirs.get(name, {}).get(key)
    ]


def _steps(build: Run) -> dict[str, float]:
    return json.loads(build.output.splitlines()[-1])["seconds"]


if __name__ == "__main__":
    sys.exit(main())
