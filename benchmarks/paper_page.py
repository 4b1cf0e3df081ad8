"""The NASH paper's Tables II and III beside FINN 0.9 and FINN+, and why they differ: docs/experiments/paper-tables.md.

    python -m benchmarks.paper_page

FINN+'s figures are those of its own flow where docs/experiments/data/paper-networks.json has them (paper_networks.py runs
it), else those of `nashc estimate`, marked so. FINN 0.9 is nashc's model of it throughout.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.paper_tables import LATENCY, RESNET34, SPECS, VERSIONS, figures
from nashc.driver.estimate import Question, answer

ROOT = Path(__file__).resolve().parent.parent
MEASURED = ROOT / "docs" / "experiments" / "data" / "paper-networks.json"
OUT = ROOT / "docs" / "experiments" / "paper-tables.md"
CLOCK_HZ, PAPER_FPS = 200e6, 324.54
# The stem of both networks on an image of 224x224: a 7x7 window, stride 2, on 230 pixels with padding.
PADDED, WINDOW, STRIDE, POSITIONS = 230, 7, 2, 112
# ResNet18 original at w2a2 in FINN+ 1.6.1's own flow with weight streams of at most 24 bits, as the authors' build.py has.
NARROW = {"bits": 24, "fps": 325.39, "bram18": 1661, "lut": 103393}
MODELLED = "~"


@dataclass(frozen=True)
class Figures:
    """is_run: FINN+'s own flow said it; else nashc's model of FINN+."""

    fps: float
    cycles: int
    latency_ms: float
    bram18: int
    lut: int
    uram: int
    bottleneck: str
    is_run: bool

    def text(self, key: str) -> str:
        return f"{'' if self.is_run else MODELLED}{words(getattr(self, key))}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=OUT)
    args = parser.parse_args()
    args.out.write_text(page(measured()), encoding="utf-8")
    print(f"wrote {args.out}")
    return 0


def measured() -> dict[str, Any]:
    return json.loads(MEASURED.read_text()) if MEASURED.is_file() else {}


def page(runs: Mapping[str, Any]) -> str:
    plus = {
        (network, bits): finn_plus(network, bits, runs)
        for network, bits in (
            *((f"resnet18{suffix}", bits) for bits in LATENCY for suffix in VERSIONS.values()),
            *((f"resnet34{suffix}", bits) for suffix, bits in RESNET34),
        )
    }
    return "\n".join(
        [
            "# The paper's Tables II and III beside FINN 0.9 and FINN+",
            "",
            "Made by `python -m benchmarks.paper_page` from the specs of this repository: 224x224, U250, 200 MHz. FINN 0.9, the",
            "paper's version, is nashc's model of it (`nashc estimate --model finn-0.9`). FINN+ is FINN+ 1.6.1's own flow on the",
            "generated programs with random weights. No figure comes from synthesis.",
            *without_a_run(plus),
            "",
            state(runs),
            "",
            *table2(plus),
            *table3(plus),
            *why(plus),
        ]
    )


def without_a_run(plus: Mapping[tuple[str, str], Figures]) -> list[str]:
    if all(found.is_run for found in plus.values()):
        return []
    return [
        f"`{MODELLED}` in front of a figure says that `nashc estimate` gave it instead, before training."
    ]


def state(runs: Mapping[str, Any]) -> str:
    """Which measurements a page was made from, and whether `nashc estimate` agrees with them."""
    digest = hashlib.sha256(json.dumps(runs, sort_keys=True).encode()).hexdigest()[:12]
    nodes = sum(run["layers"] for run in runs.values())
    differences = sum(len(run["differences"]) for run in runs.values())
    built = [run for run in runs.values() if run["reached"] == "codegen"]
    widths = ", ".join(sorted({run["bits"] for run in built}))
    return (
        f"FINN+'s own flow ran on {len(runs)} networks (`{digest}`), {'all' if len(built) == len(runs) else len(built)} of them, "
        f"of {widths}, on to the HLS and RTL sources of every node, which catches what estimates do not. `nashc estimate --weights` is held to FINN there: op "
        "type, PE, SIMD, cycles, LUT, BRAM18, URAM and DSP of every node, fps, latency and totals. In "
        f"{nodes:,} nodes {'there is no difference' if not differences else f'{differences} figures differ'}."
    )


def finn_plus(network: str, bits: str, runs: Mapping[str, Any]) -> Figures:
    run = runs.get(f"{network}:{bits}")
    if run:
        found = run["network"]
        keys = ("fps", "cycles", "latency_ms", "bram18", "lut", "uram")
        return Figures(*(found[key] for key in keys), run["bottleneck"], is_run=True)
    return modelled(network, bits)


def modelled(network: str, bits: str) -> Figures:
    """What `nashc estimate` says before training."""
    model = answer(Question(SPECS / f"{network}.nash", {"bits": bits}, "finn-plus-1.6")).found
    return Figures(
        model.fps,
        model.cycles,
        model.latency_ms,
        model.total("bram18"),
        model.total("lut"),
        model.total("uram"),
        model.slowest.node.name,
        is_run=False,
    )


def table2(plus: Mapping[tuple[str, str], Figures]) -> list[str]:
    lines = ["## Table II: ResNet18, latency (ms) and frames a second", ""]
    lines += [
        "| bits | version | latency: paper | FINN 0.9 | FINN+ | fps: paper | FINN 0.9 | FINN+ |"
    ]
    lines += ["|---|---|---|---|---|---|---|---|"]
    for bits, row in LATENCY.items():
        for (version, suffix), paper in zip(VERSIONS.items(), row, strict=True):
            old = figures(f"resnet18{suffix}", bits).found
            new = plus[f"resnet18{suffix}", bits]
            cells = [bits_words(bits), version, f"{paper:.1f}", f"{old.latency_ms:.1f}"]
            cells += [new.text("latency_ms"), f"{PAPER_FPS:.1f}", f"{old.fps:.1f}", new.text("fps")]
            lines.append(f"| {' | '.join(cells)} |")
    return [*lines, ""]


def table3(plus: Mapping[tuple[str, str], Figures]) -> list[str]:
    lines = ["## Table III: ResNet34", ""]
    lines += ["| bits | version | | paper | FINN 0.9 | FINN+ | FINN+ / paper |"]
    lines += ["|---|---|---|---|---|---|---|"]
    for (suffix, bits), (latency, bram, lut) in RESNET34.items():
        old = figures(f"resnet34{suffix}", bits).found
        new = plus[f"resnet34{suffix}", bits]
        for label, key, paper, before in (
            ("latency, ms", "latency_ms", latency, old.latency_ms),
            ("fps", "fps", PAPER_FPS, old.fps),
            ("BRAM18", "bram18", bram, old.total("bram18")),
            ("LUT", "lut", lut, old.total("lut")),
        ):
            ratio = f"{getattr(new, key) / paper:.2f}"
            cells = [bits_words(bits), suffix.lstrip("_") or "o", label]
            cells += [words(paper), words(before), new.text(key), ratio]
            lines.append(f"| {' | '.join(cells)} |")
    return [*lines, ""]


def why(plus: Mapping[tuple[str, str], Figures]) -> list[str]:
    """Every difference between two neighbouring columns, with its reason or that we have none."""
    cycles = PADDED * WINDOW + POSITIONS * max(POSITIONS * WINDOW**2, STRIDE * PADDED)
    slowest = {found.cycles: found.bottleneck for found in plus.values()}
    now = [
        f"{node} with {count:,} cycles ({CLOCK_HZ / count:.1f} fps)"
        for count, node in sorted(slowest.items())
    ]
    ratios = [
        plus[f"resnet18{suffix}", bits].latency_ms / paper
        for bits, row in LATENCY.items()
        for suffix, paper in zip(VERSIONS.values(), row, strict=True)
    ]
    merged = [
        lut - figures(f"resnet34{suffix}", bits).found.total("lut")
        for (suffix, bits), (_, _, lut) in RESNET34.items()
        if suffix == "_v3"
    ]
    uram = max(found.uram for found in plus.values())
    wide = plus["resnet18", "w2a2"]
    untrained = modelled("resnet18", "w2a2")
    binary = plus["resnet18", "w1a2"]
    return [
        "## Why they differ",
        "",
        (
            "**Throughput.** In FINN 0.9 the slowest node is the HLS sliding window of the 7x7 stem, which writes one position of "
            f"the window a cycle: {PADDED} x {WINDOW} + {POSITIONS} x max({POSITIONS} x {WINDOW} x {WINDOW}, {STRIDE} x {PADDED}) = "
            f"{cycles:,} cycles, and {CLOCK_HZ / 1e6:.0f} MHz / {cycles:,} = {CLOCK_HZ / cycles:.2f} fps, whatever the bit widths. "
            "FINN+ 1.6.1 has no such generator any more; its RTL window can give all positions at once (`parallel_window`). "
            f"What is slowest now: {'; '.join(now)}."
        ),
        "",
        (
            "**Latency.** FINN's figure, then and now, is the sum of the cycles of the nodes on the longest path, as if no two "
            "worked at once; no accelerator takes that long. With the window gone the nodes behind it fold further, so the sum "
            f"falls: FINN+ says {min(ratios):.2f} to {max(ratios):.2f} of the paper's figures for ResNet18."
        ),
        "",
        (
            "**The paper's w1a1 is w1a2 in hardware.** With 2-bit activations FINN 0.9 gives the paper's LUT of ResNet34; with "
            '1-bit ones about a tenth less. Rows "w1a1 (w1a2)" are therefore `--set bits=w1a2`.'
        ),
        "",
        (
            "**Latencies of one version that differ by bit width** (v1 135.0 and 134.0, v2 133.7 and 134.0, v3 134.6 and 134.4): "
            "there is no bit width in FINN's cycle formulas. FINN 0.9 gives v1 the paper's figure at w4a4 and w8a8 throughout; "
            "the others we cannot explain."
        ),
        "",
        (
            "**ResNet34 in FINN 0.9** agrees with the paper but for "
            f"{' and '.join(f'{part:,}' for part in merged if part)} LUT of v3 at w2a2, which we cannot explain."
        ),
        "",
        (
            "**1-bit weights in FINN+ cost what 2-bit ones do.** Its MinimizeWeightBitWidth takes the smallest type that holds "
            "-w_max - 1, and that is INT2 for weights of -1 and 1: rows w1a1 (w1a2) and w2a2 agree but for the sums that the "
            f"weights happen to give (ResNet18: {binary.text('lut')} and {wide.text('lut')} LUT), and the BRAM of the former is "
            "nearly twice the paper's."
        ),
        "",
        (
            "**Before and after training.** Before training `nashc estimate` takes no batch norm to have a negative "
            "gain; the random weights have them in half of the channels. A negative gain in front of a pool or behind a sum "
            "that others read is turned round by a node of its own, whose cycles go into FINN's latency: ResNet18 at w2a2 "
            f"{untrained.text('latency_ms')} ms and {untrained.text('lut')} LUT before training, {wide.text('latency_ms')} ms and "
            f"{wide.text('lut')} LUT with these weights. After training it depends on the gains that were learnt."
        ),
        "",
        (
            "**LUT of FINN+ against FINN 0.9.** Both estimate a matrix unit by the same formula, but FINN 0.9 adds its thresholds "
            "and comparators, (2^B - 1) x accumulator bits for each PE at B-bit activations, and FINN+ only where "
            "`ram_style_thresholds` is `distributed`, which no layer is here; and FINN+ takes the accumulator that the weights "
            "need, FINN 0.9 W + A + log2(MW) bits (`lut_estimation` of MatrixVectorActivation at tag v0.9 and of MVAU_hls in "
            "1.6.1). Windows are other nodes with other estimators. FIFOs and width converters are in neither. The sum is not "
            "split by cause here."
        ),
        "",
        (
            "**BRAM of FINN+ against FINN 0.9.** The weights are the same bits; a wider folding cuts them into more and shallower "
            f"memories, which round up to whole blocks: ResNet18 at w2a2 takes {NARROW['bram18']:,} blocks in FINN+ with weight "
            f"streams of at most {NARROW['bits']} bits (and gives {NARROW['fps']} fps, the paper's range), {wide.text('bram18')} "
            "with 10,000 as here." + (f" FINN+ also uses up to {uram} URAM." if uram else "")
        ),
        "",
    ]


def bits_words(bits: str) -> str:
    """The paper's name of the bit widths, and ours where they differ."""
    return "w1a1 (w1a2)" if bits == "w1a2" else bits


def words(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:.1f}"


if __name__ == "__main__":
    sys.exit(main())
