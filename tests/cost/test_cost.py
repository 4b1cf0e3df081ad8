"""Hardware nodes, foldings and estimates without FINN; that they are FINN's is held by test_equal_to_finn.py."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from nashc.cost.estimate import Estimate, estimate
from nashc.cost.fold import Folding, Foldings
from nashc.cost.hardware import hardware
from nashc.cost.models import MODELS
from nashc.cost.nodes import HwNode
from nashc.cost.options import Limits, options
from nashc.cost.set_folding import set_folding
from nashc.lower import lower
from nashc.schema import load
from tests.paths import SPECS

MODEL = MODELS["finn-plus-1.6"]


def nodes_of(name: str) -> tuple[HwNode, ...]:
    spec = load(SPECS / f"{name}.nash", {})
    assert spec.target
    return hardware(lower(spec), spec.target.board.part)


def estimate_of(path: Path) -> Estimate:
    spec = load(path, {})
    target = spec.target
    assert target and target.fps
    nodes = hardware(lower(spec), target.board.part)
    cycles = max(1, int(1e9 / target.clock / target.fps))
    foldings = set_folding(nodes, MODEL.cycles, cycles, target.mvau_wwidth_max)
    return estimate(nodes, foldings, MODEL, target.board.part, target.clock)


def test_every_node_reads_nodes_before_it() -> None:
    seen: set[str] = set()
    for node in nodes_of("resnet18_v3"):
        assert set(node.inputs) <= seen
        seen.add(node.name)


def test_resnet18_at_full_size() -> None:
    """FINN+ 1.6.1 on the exported network gives the same but for the accumulators that its weights make narrower."""
    found = estimate_of(SPECS / "resnet18.nash")
    assert found.cycles == 200_704
    assert found.fps == pytest.approx(996.49, abs=0.005)
    assert found.slowest.node.name == "stem.conv"
    assert found.latency_ms == pytest.approx(49.305, abs=0.001)
    assert [found.total(r) for r in ("lut", "bram18", "uram", "dsp")] == [228_153, 1839, 0, 4]


def test_options_are_legal_and_complete() -> None:
    (unit,) = (n for n in nodes_of("resnet18") if n.name == "group0.block0.conv1")
    found = options(unit, Limits(stream_bits=4 * 2))
    assert all(
        64 % pe == 0 and 576 % simd == 0 for pe, simd in zip(found.pe, found.simd, strict=True)
    )
    assert sorted(zip(found.pe.tolist(), found.simd.tolist(), strict=True)) == [
        (1, 1), (1, 2), (1, 3), (1, 4), (2, 1), (2, 2), (4, 1),
    ]  # fmt: skip


def test_a_folding_survives_the_arrays() -> None:
    rows = [Folding(pe=4, simd=9, ram_style="ultra", res_type="dsp"), Folding(parallel_window=1)]
    many = Foldings.of(rows)
    assert [many[index] for index in range(len(many))] == rows


def test_cost_of_many_foldings_is_that_of_each() -> None:
    everything = Limits(
        ram_styles=("auto", "block", "distributed", "ultra"),
        window_ram_styles=("block", "distributed", "ultra"),
        res_types=("lut", "dsp"),
        mem_modes=("internal_decoupled", "internal_embedded"),
    )
    part = "xcu250-figd2104-2L-e"
    for node in nodes_of("resnet18")[:8]:
        many = options(node, everything)
        together = MODEL.cost(node, many, part)
        for index in range(0, len(many), max(1, len(many) // 7)):
            alone = MODEL.cost(node, Foldings.of([many[index]]), part)
            assert together.row(index) == alone.row(0)


def test_a_target_out_of_reach_is_relaxed_to_the_slowest_node() -> None:
    found = estimate_of(SPECS / "resnet18.nash")
    assert all(row.cycles <= found.cycles for row in found.nodes)
    small = min(row.cycles for row in found.nodes if row.node.kind == "MVAU")
    assert math.isclose(found.cycles, 200_704) and small > 0
