"""Our foldings against FINN's own `target_fps` foldings: more frames from the same resources, fewer resources at the same frames.

    python benchmarks/bench_fold.py [--finn] [--strict] [--markdown] [SPEC ...]

Every spec with a genotype, on boards of several families. FINN's folding is SetFolding of FINN+ 1.6.1 in the two passes
of our build program; the figures of both are those of the cost model finn-plus-1.6, which tests hold equal to FINN's
estimators. With --finn small networks are folded and estimated by FINN+ itself instead. --strict: exit 1 if ever worse.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from nashc.cost.backends import AUTO
from nashc.cost.cost import RESOURCES
from nashc.cost.estimate import Estimate, estimate
from nashc.cost.fold import Folding
from nashc.cost.folding_file import content_of
from nashc.cost.hardware import hardware
from nashc.cost.models import MODELS
from nashc.cost.ranges import Ranges
from nashc.cost.set_folding import set_folding
from nashc.fold.answer import Answer
from nashc.fold.ask import ask
from nashc.fold.converters import converters
from nashc.fold.goals import Question
from nashc.fold.hardware import Hardware
from nashc.fold.wish import wish
from nashc.lower import lower
from nashc.schema import Spec, load
from nashc.vocab.boards import BOARDS, Board

ROOT = Path(__file__).resolve().parent.parent
MODEL = MODELS["finn-plus-1.6"]
FAMILIES = ("U250", "Pynq-Z1", "ZCU104", "U50", "VCK190")
TARGETS_FPS = (30, 300, 1000, 100_000)
# What FINN users try: ask for the impossible, then for two thirds of what came, until something fits.
FIRST_TRY_FPS = 1e8
TRIES = 30
SMALL = [("resnet18_v1", 1), ("resnet18_v2", 8), ("resnet18_v3", 5)]


@dataclass(frozen=True)
class Case:
    """A network for a board, and how FINN folds it."""

    spec: Spec
    board: Board
    hardware: Hardware

    @property
    def clock_ns(self) -> float:
        assert self.spec.target
        return float(self.spec.target.clock)

    def finn(self, fps: float) -> tuple[dict[str, Folding], Estimate]:
        cycles = max(1, int(1e9 / self.clock_ns / fps))
        width = self.hardware.weight_width_max
        foldings = set_folding(self.hardware.nodes, MODEL.cycles, cycles, width)
        return foldings, self.figures(foldings)

    def figures(self, foldings: dict[str, Folding]) -> Estimate:
        return estimate(self.hardware.nodes, foldings, MODEL, self.board.part, self.clock_ns)

    def question(self, budget: dict[str, float], prefer: str) -> Question:
        question = self.hardware.question(budget, {prefer: 1.0})
        return replace(question, is_even=False)

    def all_of_the_board(self) -> dict[str, float]:
        return {name: float(getattr(self.board.resources, name)) for name in RESOURCES}


def case(spec: Spec, board: Board, ranges: Ranges | None = None) -> Case:
    assert spec.target
    nodes = hardware(lower(spec), board.part, ranges)
    return Case(spec, board, Hardware(nodes, MODEL, board.part, spec.target.mvau_wwidth_max))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("specs", nargs="*", type=Path)
    parser.add_argument("--finn", action="store_true", help="small networks, by FINN+ itself")
    parser.add_argument("--times", action="store_true", help="how long each goal takes")
    parser.add_argument("--strict", action="store_true", help="exit 1 when FINN's is better")
    parser.add_argument("--markdown", action="store_true", help="tables for a document")
    args = parser.parse_args()
    paths = args.specs or sorted((ROOT / "specs").glob("*.nash"))
    if args.times:
        paths = args.specs or [ROOT / "specs" / f"{name}.nash" for name in TIMED] + [RESNET50]
        worse = table(TIME_HEADS, times([load(path, {}) for path in paths]), args.markdown)
    elif args.finn:
        worse = table(FINN_HEADS, by_finn(), args.markdown)
    else:
        specs = [spec for spec in (load(path, {}) for path in paths) if not spec.is_searched]
        worse = table(EQUAL_HEADS, equal_resources(specs), args.markdown)
        worse += table(BOARD_HEADS, whole_boards(specs), args.markdown)
    print(f"\nworse than FINN's folding in {worse} rows")
    return 1 if worse and args.strict else 0


# ---- the same resources, the same frames --------------------------------------------------------

EQUAL_HEADS = ("network", "part of", "target", "FINN fps", "LUT", "BRAM18", "DSP", "fps at these", "LUT at FINN's fps", "BRAM18 at FINN's fps", "converters, LUT", "s")  # fmt: skip


def equal_resources(specs: list[Spec]) -> Iterator[tuple[list[str], bool]]:
    """Per target: the most frames with no more of anything than FINN takes; less of one thing and no more of the others."""
    for spec in specs:
        seen: set[tuple[int, ...]] = set()  # most families differ in nothing here
        for name in FAMILIES:
            made = case(spec, BOARDS[name])
            for fps in TARGETS_FPS:
                foldings, finn = made.finn(fps)
                used = {resource: float(finn.total(resource)) for resource in RESOURCES}
                if (finn.cycles, *map(int, used.values())) in seen:
                    continue
                seen.add((finn.cycles, *map(int, used.values())))
                started = time.perf_counter()
                fastest = made.question(used, "lut").max_throughput()
                seconds = time.perf_counter() - started
                least_lut = made.question(used, "lut").min_use(finn.cycles)
                least_bram = made.question(used, "bram18").min_use(finn.cycles)
                found = (fastest, least_lut, least_bram)
                row = [spec.name, name, f"{fps:,}", f"{finn.fps:,.1f}"]
                row += [f"{used[r]:,.0f}" for r in ("lut", "bram18", "dsp")]
                if not all(isinstance(answer, Answer) for answer in found):
                    yield [*row, "none in the rules", "", "", "", f"{seconds:.2f}"], True
                    continue
                assert isinstance(fastest, Answer)
                assert isinstance(least_lut, Answer) and isinstance(least_bram, Answer)
                ours = 1e9 / made.clock_ns / fastest.interval
                lut, bram = least_lut.use[0], least_bram.use[1]
                row += [f"{ours:,.1f} ({ours / finn.fps:.2f}x)", saved(lut, used["lut"])]
                between = [
                    converter_luts(made, folding)
                    for folding in (foldings, made.hardware.foldings(least_lut.choice))
                ]
                row += [saved(bram, used["bram18"]), saved(between[1], between[0])]
                row += [f"{seconds:.2f}"]
                yield row, fastest.interval > finn.cycles or lut > used["lut"]


def converter_luts(made: Case, foldings: dict[str, Folding]) -> int:
    """What FINN's width converters will add; its estimates leave them out, for both."""
    return sum(one.lut for one in converters(made.hardware.nodes, foldings))


def saved(ours: float, finns: float) -> str:
    change = f" ({100 * (ours / finns - 1):+.0f} %)" if finns else ""
    return f"{ours:,.0f}{change}"


# ---- a whole board ------------------------------------------------------------------------------

BOARD_HEADS = ("network", "board", "FINN's best target that fits, fps", "ours, fps", "", "LUT", "BRAM18", "URAM", "DSP", "s")  # fmt: skip


def whole_boards(specs: list[Spec]) -> Iterator[tuple[list[str], bool]]:
    """The most frames on a board: the best of FINN's foldings for many targets, and ours."""
    for spec in specs:
        for name in FAMILIES:
            made = case(spec, BOARDS[name])
            budget = made.all_of_the_board()
            finn = max(_that_fit(made, budget), default=0.0)
            started = time.perf_counter()
            found = made.hardware.question(
                budget, {r: 1 / (limit or 1.0) for r, limit in budget.items()}
            ).max_throughput()
            seconds = time.perf_counter() - started
            row = [spec.name, name, f"{finn:,.1f}" if finn else "none fits"]
            if isinstance(found, Answer):
                fps = 1e9 / made.clock_ns / found.interval
                shares = [
                    f"{100 * used / (budget[r] or 1):.0f} %"
                    for r, used in zip(RESOURCES, found.use, strict=True)
                ]
                times = f"{fps / finn:.2f}x" if finn else "fits"
                yield [*row, f"{fps:,.1f}", times, *shares, f"{seconds:.2f}"], fps < finn - 1e-6
            else:
                times = f"{found.factor:.2f} boards"
                yield [*row, "none fits", times, "", "", "", "", f"{seconds:.2f}"], finn > 0


def _that_fit(made: Case, budget: dict[str, float]) -> Iterator[float]:
    target = FIRST_TRY_FPS
    for _ in range(TRIES):
        _, finn = made.finn(target)
        if all(finn.total(resource) <= limit for resource, limit in budget.items()):
            yield finn.fps
        target = min(target, finn.fps) / 1.5


# ---- time -------------------------------------------------------------------------------------------

RESNET50 = Path(__file__).with_name("resnet50.nash")
TIMED = ("resnet18", "resnet18_v3", "resnet18_v4", "resnet34", "resnet34_v3")
TIMED_GOALS = ("max-fps", "min-resources", "min-latency")
TIME_HEADS = (
    "network",
    "nodes",
    "foldings",
    *(f"{goal}, s" for goal in TIMED_GOALS),
    "latency above the bound",
    *(f"{goal} with converters, s" for goal in TIMED_GOALS),
    "least use with converters above the bound",
)


def times(specs: list[Spec]) -> Iterator[tuple[list[str], bool]]:
    """CPU seconds from the nodes to the answer, within the whole board of the spec; the tables are made anew each time."""
    for spec in specs:
        assert spec.target
        made = case(spec, spec.target.board)
        rows = sum(map(len, made.hardware.problem.tables))
        row = [spec.name, str(len(made.hardware.nodes)), f"{rows:,}"]
        for with_converters in (False, True):
            gaps = {}
            for goal in TIMED_GOALS:
                asked = wish(made.board, goal, 300.0 if goal == "min-resources" else None)
                unit = replace(made.hardware, with_converters=with_converters)
                started = time.process_time()
                gaps[goal] = ask(unit, asked, made.clock_ns).answer.gap
                row.append(f"{time.process_time() - started:.2f}")
            told = "min-resources" if with_converters else "min-latency"
            row.append(f"{100 * gaps[told]:.2g} %")
        yield row, False


# ---- FINN itself --------------------------------------------------------------------------------

FINN_HEADS = ("network", "board", "target", "FINN fps", "LUT", "BRAM18", "DSP", "ours fps, no more of anything", "LUT at FINN's fps")  # fmt: skip


def by_finn() -> Iterator[tuple[list[str], bool]]:
    """Small networks, untrained: FINN+ folds for the spec's target, takes our files and estimates all of them."""
    from nashc.emit import project
    from tests.cost.test_equal_to_finn import FINN_SIDE, run_finn
    from tests.fold.networks import small

    for name, seed in SMALL:
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            net = small(folder, name, seed)
            for file, text in project(net.spec, lower(net.spec)).items():
                (folder / file).parent.mkdir(parents=True, exist_ok=True)
                (folder / file).write_text(text, encoding="utf-8")
            shutil.copy(FINN_SIDE, folder)
            assert net.target.fps
            made = case(net.spec, net.target.board)
            _, finn = made.finn(net.target.fps)
            used = {resource: float(finn.total(resource)) for resource in RESOURCES}
            answers = [
                made.question(used, "lut").max_throughput(),
                made.question(used, "lut").min_use(finn.cycles),
            ]
            foldings = [made.hardware.foldings(a.choice) for a in answers if isinstance(a, Answer)]
            assert all(content_of(made.hardware.nodes, found) for found in foldings)
            (says,) = run_finn(folder, (AUTO,), [(made.hardware.nodes, foldings)], "worst")[
                "answers"
            ]
            theirs, *ours = [totals(figures) for figures in (says["default"], *says["foldings"])]
            assert theirs["cycles"] == finn.cycles
            row = [f"{name} small", net.target.board.name, f"{net.target.fps:,}"]
            row += [f"{1e9 / made.clock_ns / theirs['cycles']:,.1f}"]
            row += [f"{theirs[r]:,}" for r in ("lut", "bram18", "dsp")]
            if len(ours) < len(answers):
                yield [*row, "none in the rules", ""], True
                continue
            fps = 1e9 / made.clock_ns / ours[0]["cycles"]
            times = f"{fps:,.1f} ({theirs['cycles'] / ours[0]['cycles']:.2f}x)"
            no_more = all(result[r] <= theirs[r] for result in ours for r in RESOURCES)
            quick = all(result["cycles"] <= theirs["cycles"] for result in ours)
            yield [*row, times, saved(ours[1]["lut"], theirs["lut"])], not (no_more and quick)


def totals(figures: dict) -> dict[str, int]:
    nodes = figures["nodes"].values()
    return {"cycles": figures["cycles"], **{r: sum(n[r] for n in nodes) for r in RESOURCES}}


# ---- tables -------------------------------------------------------------------------------------


def table(heads: tuple[str, ...], rows: Iterator[tuple[list[str], bool]], markdown: bool) -> int:
    """Print rows as they come; gives how many were worse."""
    if markdown:
        print(f"\n| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
    else:
        print("\n" + "  ".join(heads))
    worse = 0
    for row, is_worse in rows:
        worse += is_worse
        print(f"| {' | '.join(row)} |" if markdown else "  ".join(row), flush=True)
    return worse


if __name__ == "__main__":
    sys.exit(main())
