"""How long the hardware figures of a spec take, and how much memory: `nashc estimate` against FINN's own flow.

    python benchmarks/bench_estimate.py [SPEC...] [--streamline] [--strict]

Both sides start from the spec and end with the same figures (they are compared). FINN's side is a compiled project whose
untrained network is carried to FINN's estimates, as `build.py` does, in one process: with --streamline by FINN's own flow from
the exported QONNX on, which takes minutes; without it from the integer graph that nashc writes in its place, and through
FINN's transformations as nashc calls them, which is what a build of nashc takes.
In process, nashc's time is that from a checked spec to the figures; ten thousand re-foldings of one network a second are
what a folding solver asks for. With --strict the budgets below are held.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from nashc.cost.backends import Wanted
from nashc.cost.estimate import estimate
from nashc.cost.models import MODELS
from nashc.cost.options import options
from nashc.emit import project
from nashc.lower import lower
from nashc.schema import load

ROOT = Path(__file__).resolve().parent.parent
SPECS = [ROOT / "specs" / "resnet18.nash", ROOT / "specs" / "resnet18_v3.nash"]
FINN_SIDE = ROOT / "tests" / "cost" / "finn_side.py"
COMMAND_BUDGET_S = 0.5  # of CPU
PROCESS_BUDGET_MS = 20.0
FOLDINGS_BUDGET = 10_000  # of one node, a second
RATIO_BUDGET = 1000.0  # FINN's own flow (--streamline) to ours, both in process
COMPILED = tempfile.TemporaryDirectory()


@dataclass(frozen=True)
class Ran:
    seconds: float
    cpu_seconds: float
    peak_mb: float
    output: str


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("specs", nargs="*", type=Path, default=SPECS)
    parser.add_argument("--strict", action="store_true", help="exit 1 when a budget is exceeded")
    parser.add_argument("--without-finn", action="store_true", help="only nashc's side")
    parser.add_argument("--streamline", action="store_true", help="FINN's own flow, minutes")
    args = parser.parse_args()
    failures = []
    for spec in args.specs:
        failures += one(spec, not args.without_finn, args.streamline)
    for failure in failures:
        print(f"over budget: {failure}")
    return 1 if failures and args.strict else 0


def one(path: Path, with_finn: bool, streamlines: bool) -> list[str]:
    command = [sys.executable, "-m", "nashc", "estimate", str(path), "--json"]
    ours = min((run(command, ROOT) for _ in range(8)), key=lambda ran: ran.cpu_seconds)
    milliseconds, foldings = in_process(path)
    print(
        f"{path.stem}: nashc estimate {ours.seconds:.2f} s ({ours.cpu_seconds:.2f} s of CPU), "
        f"{ours.peak_mb:.0f} MB; "
        f"in process {milliseconds:.1f} ms; {foldings:,.0f} foldings a second"
    )
    failures = [
        f"{path.stem}: {what}"
        for what, is_over in (
            (f"command {ours.cpu_seconds:.2f} s", ours.cpu_seconds > COMMAND_BUDGET_S),
            (f"in process {milliseconds:.1f} ms", milliseconds > PROCESS_BUDGET_MS),
            (f"{foldings:,.0f} foldings a second", foldings < FOLDINGS_BUDGET),
        )
        if is_over
    ]
    if not with_finn:
        return failures
    finn, figures, inner_s = finn_flow(path, streamlines)
    found = json.loads(ours.output)
    for key, theirs in figures.items():
        assert found[key] == theirs, f"{path.stem}: {key} is {found[key]} here, {theirs} in FINN"
    ratio = 1000 * inner_s / milliseconds
    print(
        f"  FINN's flow {finn.seconds:.1f} s ({finn.cpu_seconds:.1f} s of CPU), {finn.peak_mb:.0f} MB; without its imports {inner_s:.1f} s: "
        f"{finn.seconds / ours.seconds:,.0f} times a command, {ratio:,.0f} times in process, "
        f"{finn.peak_mb / ours.peak_mb:.0f} times the memory"
    )
    is_over = streamlines and ratio < RATIO_BUDGET
    return failures + ([f"{path.stem}: {ratio:,.0f} times"] if is_over else [])


def in_process(path: Path) -> tuple[float, float]:
    """Best milliseconds from the graph of a spec to all its figures, and foldings of a node costed in a second."""
    spec = load(path, {})
    graph, target, model = lower(spec), spec.target, MODELS["finn-plus-1.6"]
    assert target and target.fps
    part = target.board.part
    cycles = max(1, int(1e9 / target.clock / target.fps))
    times = []
    for _ in range(20):
        started = time.perf_counter()
        nodes = model.hardware(graph, part, None, Wanted.of(spec))
        foldings = model.fold(nodes, cycles, target.mvau_wwidth_max)
        estimate(nodes, foldings, model, part, target.clock)
        times.append(time.perf_counter() - started)
    many = [(node, options(node)) for node in nodes]
    count = sum(len(choices) for _, choices in many)
    started = time.perf_counter()
    for node, choices in many:
        model.cost(node, choices, part)
    return 1000 * min(times), count / (time.perf_counter() - started)


def finn_flow(path: Path, streamlines: bool) -> tuple[Ran, dict[str, float], float]:
    """FINN's process, its figures under our names, and its seconds once everything is imported.

    Types are those before training, so that the figures are ours.
    """
    spec = load(path, {})
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name, text in project(spec, lower(spec)).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
        shutil.copy(FINN_SIDE, folder)
        (folder / "asked.json").write_text('[{"finn": {}, "foldings": []}]')
        command = [sys.executable, FINN_SIDE.name, "asked.json", "out.json", "worst"]
        ran = run([*command, *(["streamline"] if streamlines else [])], folder)
        found = json.loads((folder / "out.json").read_text())
    default = found["answers"][0]["default"]
    nodes = default["nodes"].values()
    names = ("lut", "bram18", "uram", "dsp")
    figures = {name: sum(node[name] for node in nodes) for name in names}
    return ran, {"cycles": default["cycles"], **figures}, found["seconds"]


def run(command: list[str], folder: Path) -> Ran:
    """With compiled modules, as an installation has them: where Python may not keep them, they are kept for this."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    environment["PYTHONPYCACHEPREFIX"] = COMPILED.name
    started = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout
    output = process.stdout.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    assert status == 0, f"{' '.join(command)} failed"
    return Ran(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, output)


if __name__ == "__main__":
    sys.exit(main())
