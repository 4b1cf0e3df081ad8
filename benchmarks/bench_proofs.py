"""How far `nashc fold --gap 0` comes in a minute: proofs of what the quick answer leaves open.

    python benchmarks/bench_proofs.py --markdown

Without converters most of the shortest latencies are proven; docs/experiments/folding.md has the table.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import replace

from bench_fold import RESNET50, ROOT, case, table

from nashc.fold.ask import ask
from nashc.fold.wish import wish
from nashc.schema import load
from nashc.vocab.boards import BOARDS

PROOF_S = 60.0
PROOF_GAP = 1e-3
PROVED = (
    ("resnet18", "U50", "min-latency", False),
    ("resnet18_v3", "U50", "min-latency", False),
    ("resnet34", "VCK190", "min-latency", False),
    ("resnet34_v3", "U250", "min-latency", False),
    ("resnet50", "U250", "min-latency", False),
    ("resnet50", "VCK190", "min-latency", False),
    ("resnet18", "U50", "min-latency", True),
    ("resnet50", "U250", "min-latency", True),
    ("resnet18", "U250", "min-resources", True),
    ("resnet18", "VCK190", "min-resources", True),
    ("resnet18_v3", "U250", "min-resources", True),
    ("resnet34_v3", "U250", "min-resources", True),
    ("resnet50", "U250", "min-resources", True),
)
PROOF_HEADS = ("network", "board", "goal", "converters", "quick gap", "to 0.1 %, s", "gap in the end", "after, s")  # fmt: skip


def proofs() -> Iterator[tuple[list[str], bool]]:
    """Seconds of the clock from the question on, and what is left open when the proof ends or is ended."""
    for name, board, goal, with_converters in PROVED:
        path = RESNET50 if name == "resnet50" else ROOT / "specs" / f"{name}.nash"
        made = case(load(path, {}), BOARDS[board])
        unit = replace(made.hardware, with_converters=with_converters)
        fps = 300.0 if goal == "min-resources" else None
        quick = ask(unit, wish(made.board, goal, fps), made.clock_ns).answer.gap
        started, near = time.perf_counter(), [] if quick > PROOF_GAP else [0.0]

        def go_on(value: float, bound: float) -> bool:
            seconds = time.perf_counter() - started  # noqa: B023 - called before the next round
            if value - bound <= PROOF_GAP * value:
                near.append(seconds)  # noqa: B023
            return seconds < PROOF_S

        further = wish(made.board, goal, fps, gap=0.0)
        left = ask(unit, further, made.clock_ns, go_on).answer.gap
        seconds = time.perf_counter() - started
        if left <= PROOF_GAP:
            near.append(seconds)
        row = [name, board, goal, "yes" if with_converters else "no", f"{100 * quick:.2g} %"]
        row += [f"{near[0]:.0f}" if near else "", f"{100 * left:.2g} %", f"{seconds:.0f}"]
        yield row, False


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--markdown", action="store_true", help="a table for a document")
    return table(PROOF_HEADS, proofs(), parser.parse_args().markdown)


if __name__ == "__main__":
    sys.exit(main())
