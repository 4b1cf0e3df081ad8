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
    """What is left open when the proof ends or is ended."""
    for name, board, goal, with_converters in PROVED:
        path = RESNET50 if name == "resnet50" else ROOT / "specs" / f"{name}.nash"
        made = case(load(path, {}), BOARDS[board])
        unit = replace(made.hardware, with_converters=with_converters)
        fps = 300.0 if goal == "min-resources" else None
        quick = ask(unit, wish(made.board, goal, fps), made.clock_ns).answer.gap
        watch = Watch()
        further = wish(made.board, goal, fps, gap=0.0)
        left = ask(unit, further, made.clock_ns, watch.go_on).answer.gap
        seconds = watch.seconds
        near = 0.0 if quick <= PROOF_GAP else watch.near_s
        if near is None and left <= PROOF_GAP:
            near = seconds
        row = [name, board, goal, "yes" if with_converters else "no", f"{100 * quick:.2g} %"]
        row += ["" if near is None else f"{near:.0f}", f"{100 * left:.2g} %", f"{seconds:.0f}"]
        yield row, False


class Watch:
    """Seconds of the clock from the question on, and those after which the gap was PROOF_GAP."""

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self.near_s: float | None = None

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self._started

    def go_on(self, value: float, bound: float) -> bool:
        if self.near_s is None and value - bound <= PROOF_GAP * value:
            self.near_s = self.seconds
        return self.seconds < PROOF_S


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--markdown", action="store_true", help="a table for a document")
    return table(PROOF_HEADS, proofs(), parser.parse_args().markdown)


if __name__ == "__main__":
    sys.exit(main())
