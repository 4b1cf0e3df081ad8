"""Every node's cycles and resources are FINN+'s own: in FINN's folding and in random ones, before and after training."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from nashc.cost import ranges
from nashc.cost.backends import AUTO, Wanted
from nashc.cost.estimate import Estimate, estimate
from nashc.cost.fold import TRIGGERS, WRITEABLE, Folding, divisors
from nashc.cost.hardware import hardware
from nashc.cost.integer import integer_graph, kinds
from nashc.cost.models import MODELS
from nashc.cost.nodes import HwNode
from nashc.cost.options import Limits, options
from nashc.cost.set_folding import set_folding
from nashc.emit import project
from nashc.lower import lower
from nashc.schema import load
from tests.cost.specs import write_small
from tests.paths import ROOT

pytest.importorskip("brevitas")
pytest.importorskip("finn")
pytestmark = [pytest.mark.finn, pytest.mark.slow]

MODEL = MODELS["finn-plus-1.6"]
FINN_SIDE = Path(__file__).with_name("finn_side.py")
RANDOM_FOLDINGS = 3
EVERYTHING = Limits(
    ram_styles=("auto", "block", "distributed", "ultra"),
    window_ram_styles=("auto", "block", "distributed", "ultra"),
    res_types=("lut", "dsp"),
    mem_modes=("internal_decoupled", "internal_embedded"),
)
FINDS = ROOT / "tests" / "patterns" / "finds"
CASES = [
    ("resnet18_v1", 1, "values"),
    ("resnet18_v3", 5, "worst"),
    ("resnet18_v4", 3, "values"),
    ("finds/single_bits", 1, "values"),
    ("drawn", 12, "worst"),  # blocks and cells at random
    ("wide", 1, "worst"),  # streams that HLS cannot hold before they are narrowed
]


@pytest.mark.parametrize(("name", "seed", "mode"), CASES)
def test_equal_to_finn(name: str, seed: int, mode: str, tmp_path: Path) -> None:
    compare(spec_of(name, seed, tmp_path), seed, mode, tmp_path)


# Each value of `prefer`, `mem_mode` and `ram_style` with each value of the others, in as few rows as that takes.
ASKED = tuple(
    Wanted(*words)
    for words in (
        ("auto", "external", "auto"),
        ("auto", "internal_decoupled", "block"),
        ("auto", "internal_embedded", "distributed"),
        ("hls", "auto", "distributed"),
        ("hls", "external", "block"),
        ("hls", "internal_decoupled", "auto"),
        ("hls", "internal_embedded", "auto"),
        ("rtl", "auto", "auto"),
        ("rtl", "external", "distributed"),
        ("rtl", "internal_decoupled", "distributed"),
        ("rtl", "internal_embedded", "block"),
        ("auto", "auto", "block"),
    )
)
ASKED_OF = [
    ("drawn", 2, "worst"),
    (
        "asked",
        4,
        "values",
    ),  # weights of two to eight bits, sums that nobody rounds before the next layer
    ("finds/single_bits", 6, "values"),
]


@pytest.mark.parametrize(("name", "seed", "mode"), ASKED_OF)
def test_equal_to_finn_as_a_spec_wants_it(name: str, seed: int, mode: str, tmp_path: Path) -> None:
    compare(spec_of(name, seed, tmp_path), seed, mode, tmp_path, ASKED, number=1)


def spec_of(name: str, seed: int, folder: Path) -> Path:
    if name.startswith("finds/"):
        return FINDS / f"{name.removeprefix('finds/')}.nash"
    if name in ("wide", "drawn", "asked"):
        return Path(__file__).with_name(f"{name}.nash")
    return write_small(folder, name, seed)


def compare(
    path: Path,
    seed: int,
    mode: str,
    tmp_path: Path,
    asked: tuple[Wanted, ...] = (AUTO,),
    number: int = RANDOM_FOLDINGS,
) -> None:
    """number: of random foldings beside FINN's own; in the last every second unit's weights may be written at run time."""
    spec = load(path, {})
    graph, target = lower(spec), spec.target
    assert target and target.fps
    for file, text in project(spec, graph).items():
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(text, encoding="utf-8")
    shutil.copy(FINN_SIDE, tmp_path)
    # Which channels are turned round is known only with the values: take it that some are after every batch norm.
    most = ranges.turning(graph) if mode == "values" else None
    foldings = []
    for wanted in asked:
        plain = hardware(graph, target.board.part, most, wanted)
        choices = [random.Random(seed + n) for n in range(number)]
        foldings.append((plain, [random_folding(plain, choose) for choose in choices]))
    names = [node.name for node in foldings[0][0] if node.kind in ("MVAU", "Thresholding")]
    writeable = frozenset(names[::2])
    finn = run_finn(tmp_path, asked, foldings, mode, writeable)

    known = ranges.load(tmp_path / "ranges.json") if mode == "values" else None
    assert known is None or known.kinds == kinds(integer_graph(graph, known))
    cycles = max(1, int(1e9 / target.clock / target.fps))
    for wanted, (_, drawn), answer in zip(asked, foldings, finn["answers"], strict=True):
        nodes = hardware(graph, target.board.part, known, wanted)
        default = set_folding(nodes, MODEL.cycles, cycles, target.mvau_wwidth_max)
        results = [answer["default"], *answer["foldings"]]
        written = hardware(graph, target.board.part, known and known.without(writeable), wanted)
        units_of = [nodes] * number + [written]
        for units, folding, figures in zip(units_of, [{}, *drawn], results, strict=True):
            folded = {name: folding.get(name, default[name]) for name in default}
            ours = estimate(units, folded, MODEL, target.board.part, target.clock)
            told = as_finn_says(ours)
            for name, row in told["nodes"].items():
                assert row == figures["nodes"].get(name), (wanted, name, folded[name])
            assert told == figures, wanted
        for node in nodes:
            given = default[node.name].attributes(node)
            theirs = answer["folding"].get(node.name, {})
            assert given == {key: theirs[key] for key in given}, (wanted, node.name)


def random_folding(nodes: tuple[HwNode, ...], choose: random.Random) -> dict[str, Folding]:
    """One legal folding of each node; a pool and its window agree."""
    found = {}
    for node in nodes:
        choices = options(node, EVERYTHING)
        found[node.name] = choices[choose.randrange(len(choices))]
        if node.op_type == "Thresholding_rtl":
            depths: dict[str, Any] = {name: choose.choice((0, 8, 64, 512)) for name in TRIGGERS}
            found[node.name] = found[node.name]._replace(**depths)
        if node.kind == "Pool":
            window = found[node.inputs[0]]
            found[node.name] = Folding(pe=window.simd)
            assert window.simd in divisors(node["Channels"])
    return found


def run_finn(
    folder: Path,
    asked: tuple[Wanted, ...],
    foldings: list[tuple[tuple[HwNode, ...], list[dict[str, Folding]]]],
    mode: str,
    writeable: frozenset[str] = frozenset(),
) -> dict[str, Any]:
    """writeable: units whose weights may be written at run time, in the last folding of each question."""
    questions = []
    for wanted, (nodes, drawn) in zip(asked, foldings, strict=True):
        by_name = {node.name: node for node in nodes}
        files = [{n: f.attributes(by_name[n]) for n, f in folding.items()} for folding in drawn]
        for name in writeable & files[-1].keys():
            files[-1][name][WRITEABLE] = 1
        questions.append({"finn": vars(wanted), "foldings": files})
    (folder / "asked.json").write_text(json.dumps(questions))
    done = subprocess.run(
        [sys.executable, FINN_SIDE.name, "asked.json", "out.json", mode],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads((folder / "out.json").read_text())
    (folder / "ranges.json").write_text(json.dumps(found["ranges"]))
    return found


def as_finn_says(ours: Estimate) -> dict[str, Any]:
    return {
        "cycles": ours.cycles,
        "critical_path": ours.critical_path,
        "nodes": {
            row.node.name: {
                "op": row.node.op_type,
                **{k: getattr(row, k) for k in ("cycles", "lut", "bram18", "uram", "dsp")},
            }
            for row in ours.nodes
        },
    }
