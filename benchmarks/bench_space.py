"""What a budget adds to `nashc check`, and how long the derivation within one takes.

    python benchmarks/bench_space.py [--strict]

ResNet18 and ResNet34 with cells to be searched beside every group. All times are of the processor. Whole processes run with and
without a budget by turns, the best of several counts (the machine may be busy). Derivations start from drawn probabilities, as no search of
these sizes fits into a benchmark, under limits of LUT, BRAM and DSP at shares of the way from the smallest network to that
which is derived without a budget. With --strict the seconds below are held.
"""

from __future__ import annotations

import argparse
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "templates")]

from nashc.schema import load  # noqa: E402
from nashc.space.table import SpaceTable  # noqa: E402
from support.budget.costs import SearchCosts, cost_of  # noqa: E402
from support.budget.rows import Candidate  # noqa: E402
from support.budget.within import best_within  # noqa: E402
from support.derivation.cells import Edge, derive  # noqa: E402
from support.derivation.within import derive_within  # noqa: E402
from support.progress import StageError  # noqa: E402

# Most of a check with a budget, seconds of the processor.
NETWORKS = {"resnet18": 1.0, "resnet34": 1.5}
FIGURES = ("lut", "bram18", "dsp")
SHARES = (0.2, 0.5, 0.8)
SPEC = """\
nash 1
extends "{base}"
network {name} {{
  cell in each group {{
    edges  = all
    ops    = [zero, maxpool 3x3, identity, conv 1x1, conv 3x3, conv 5x5]
    policy = v3
  }}
  bits {{ nas = w1a8 }}
}}
search {{
  data = folder("imagenet")
  {budget}
}}
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--strict", action="store_true", help="exit 1 when a check takes longer")
    parser.add_argument("--repeat", type=int, default=5, help="processes to take the best of")
    parser.add_argument("--draws", type=int, default=3, help="ends of searches to derive from")
    args = parser.parse_args()
    failures = []
    with tempfile.TemporaryDirectory() as folder:
        for name, most_s in NETWORKS.items():
            free = write(Path(folder, f"{name}-free.nash"), name, "")
            held = write(Path(folder, f"{name}.nash"), name, "budget { fits = target }")
            failures += checks(name, free, held, args.repeat, most_s)
            derivations(held, args.draws)
    for failure in failures:
        print(f"too long: {failure}")
    return 1 if failures and args.strict else 0


def write(path: Path, name: str, budget: str) -> Path:
    base = ROOT / "specs" / f"{name}.nash"
    path.write_text(SPEC.format(base=base, name=name, budget=budget), encoding="utf-8")
    return path


def checks(name: str, free: Path, held: Path, repeat: int, most_s: float) -> list[str]:
    times: dict[Path, list[float]] = {free: [], held: []}
    for _ in range(repeat):
        for path, of_path in times.items():
            start = cpu_of_children()
            command = [sys.executable, "-m", "nashc", "check", str(path)]
            subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
            of_path.append(cpu_of_children() - start)
    without, within = min(times[free]), min(times[held])
    print(f"nashc check, {name} to be searched: {without:.2f} s, with a budget {within:.2f} s")
    took = f"check of {name} took {within:.2f} s, not {most_s} s"
    return [took] if within > most_s else []


def cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def derivations(path: Path, draws: int) -> None:
    start = time.process_time()
    costs = SearchCosts.of(SpaceTable(load(path)).to_json())
    nodes = [
        [Candidate(option, 0.0) for option in options.values()]
        for cell in costs.options.values()
        for options in cell.values()
    ]
    print(f"  {len(nodes)} nodes, costs in {time.process_time() - start:.2f} s")
    least = {figure: least_of(figure, costs, nodes) for figure in FIGURES}
    times: list[tuple[float, bool]] = []
    impossible = 0
    for seed in range(draws):
        edges = drawn(costs, seed)
        most = cost_of(costs, derive(edges, "v3"))
        for count in range(1, len(FIGURES) + 1):
            for share in SHARES:
                limits = {
                    it: least[it] + int(share * (most[it] - least[it])) for it in FIGURES[:count]
                }
                start = time.process_time()
                try:
                    found = derive_within(edges, "v3", costs, limits)
                except StageError:
                    impossible += 1
                    continue
                times.append((time.process_time() - start, found.answer.is_best))
    taken = sorted(seconds for seconds, _ in times)
    proven = sum(is_best for _, is_best in times)
    print(
        f"  derived in {taken[len(taken) // 2]:.2f} s (median) to {taken[-1]:.2f} s, "
        f"{proven} of {len(times)} proven the best; {impossible} budgets that nothing meets"
    )


def least_of(figure: str, costs: SearchCosts, nodes: list[list[Candidate]]) -> int:
    low, high = 0, costs.of_network(node[0].option for node in nodes)[figure]
    while low + 1 < high:
        middle = (low + high) // 2
        low, high = (low, middle) if best_within(costs, nodes, {figure: middle}) else (middle, high)
    return high


def drawn(costs: SearchCosts, seed: int) -> Mapping[str, list[Edge]]:
    """Edges whose probabilities lie within a factor of 256, of the ops that a network may have."""
    rnd = random.Random(seed)
    found: dict[str, list[Edge]] = {}
    for cell, nodes in costs.options.items():
        for node, options in nodes.items():
            for source in sorted({source for _, source in options}):
                ops = tuple(op for op, its in options if its == source)
                powers = [2.0 ** rnd.uniform(-4, 4) for _ in ops]
                weights = tuple(power / sum(powers) for power in powers)
                edge = Edge(source, node, ops, weights, False, (1,) * len(ops))
                found.setdefault(cell, []).append(edge)
    return found


if __name__ == "__main__":
    sys.exit(main())
