"""How long `nashc check` and `nashc compile` take, and whether time per layer stays flat.

    python benchmarks/bench_check.py [--strict]

Processes are timed from outside (the best of several, the machine may be busy); growth is measured inside one
process on generated specs of up to thousands of layers. With --strict the budgets below are held.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SPEC = ROOT / "specs" / "resnet18_v3.nash"
BLOCKS = (16, 64, 256, 1024)
CHECK_BUDGET_S = 0.5
COMPILE_BUDGET_S = 1.0
# Time per layer at the largest size over that at the second smallest; the smallest is mostly start-up.
GROWTH_BUDGET = 2.0

GENERATED = """\
nash 1

use basic from "nashc/resnet.nash"

backbone long(width = 16) {{
  stem:   conv 3x3(width) -> bn -> act
  group0: basic(width, project = true) -> basic(width) * {blocks}
  head:   avgpool -> fc: linear(classes)
}}

network long {{
  input    = UINT8 3x32x32
  classes  = 10
  backbone = long(width = 16)
}}

train {{
  data = folder("images")
}}

target {{
  board = U250
}}
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--strict", action="store_true", help="exit 1 when a budget is exceeded")
    parser.add_argument("--repeat", type=int, default=7, help="processes to take the best of")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        failures = [*processes(Path(folder), args.repeat), *growth(Path(folder))]
    for failure in failures:
        print(f"over budget: {failure}")
    return 1 if failures and args.strict else 0


def processes(folder: Path, repeat: int) -> list[str]:
    """Time of whole processes, start of Python included."""
    nashc = [sys.executable, "-m", "nashc"]
    rows = [
        ("python -c pass", [sys.executable, "-c", "pass"], None),
        ("nashc --version", [*nashc, "--version"], None),
        ("nashc check resnet18_v3", [*nashc, "check", str(SPEC)], CHECK_BUDGET_S),
        (
            "nashc compile resnet18_v3",
            [*nashc, "compile", str(SPEC), "-o", str(folder / "out")],
            COMPILE_BUDGET_S,
        ),
    ]
    failures = []
    print(f"{'process':28} {'best':>8} {'median':>8} {'budget':>8}")
    for name, command, budget_s in rows:
        times = sorted(timed(lambda command=command: run(command)) for _ in range(repeat))
        budget = f"{budget_s:.2f} s" if budget_s else ""
        print(f"{name:28} {times[0]:6.3f} s {times[len(times) // 2]:6.3f} s {budget:>8}")
        if budget_s and times[0] > budget_s:
            failures.append(f"{name} took {times[0]:.2f} s, not {budget_s} s")
    return failures


def growth(folder: Path) -> list[str]:
    """Time per layer of check and of compile, over specs that grow by four each time."""
    from nashc import emit
    from nashc.lower import lower
    from nashc.schema import load

    print(
        f"\n{'blocks':>8} {'layers':>8} {'check':>10} {'per layer':>12} {'emit':>10} {'per layer':>12}"
    )
    per_layer: list[tuple[float, float]] = []
    for blocks in BLOCKS:
        path = folder / f"long{blocks}.nash"
        path.write_text(GENERATED.format(blocks=blocks - 1), encoding="utf-8")
        spec = load(path)
        graph = lower(spec)
        check_s = min(timed(lambda path=path: lower(load(path))) for _ in range(3))
        emit_s = min(timed(lambda s=spec, g=graph: emit.project(s, g)) for _ in range(3))
        layers = len(graph.nodes)
        per_layer.append((check_s / layers, emit_s / layers))
        check, emitted = (f"{1e6 * share:9.1f} us" for share in per_layer[-1])
        print(f"{blocks:8} {layers:8} {check_s:8.3f} s {check} {emit_s:8.3f} s {emitted}")
    ratios = [large / small for small, large in zip(per_layer[1], per_layer[-1], strict=True)]
    print(
        f"time per layer, largest over second smallest: check {ratios[0]:.2f}, emit {ratios[1]:.2f}"
    )
    return [
        f"time per layer of {name} grew {ratio:.1f} times, not {GROWTH_BUDGET}"
        for name, ratio in zip(("check", "emit"), ratios, strict=True)
        if ratio > GROWTH_BUDGET
    ]


def timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def run(command: list[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.exit(main())
