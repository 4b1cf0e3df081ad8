"""Ops searched together with bit widths or channels: their table is what `nashc estimate` says, what is found the best within the budget."""

import json
import math
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from nashc.diagnostics import SpecError
from nashc.emit.searched_bits import settings_of_bits
from nashc.emit.searched_channels import settings_of_channels
from nashc.lower import lower
from nashc.schema import load
from nashc.space import hardware_terms
from nashc.space.feasible import support_module
from nashc.space.joint_table import JointTable
from support.budget.expected import EdgeOps
from support.budget.expected_joint import ExpectedJointCost
from support.budget.joint_costs import JointCosts
from support.budget.joint_within import best_jointly_within
from support.derivation.cells import MAX_POOL, Edge, derive
from support.derivation.findings import Found
from support.derivation.found import provenance_of, write_found
from support.derivation.jointly_within import derive_jointly_within
from support.derivation.places import most_probable, places_text
from support.progress import StageError
from tests.space.every_choice import every, finds_the_best, finds_the_nearest
from tests.space.expected import is_the_mean
from tests.space.programs import compiled, run
from tests.space.spaces import edges_drawn, estimated, places_drawn

SPEC = """nash 1
use basic from "nashc/resnet.nash"
backbone tiny(width = 8, wide = 2 * width) {
  stem:   conv 3x3(width) -> bn -> act
  group0: basic(width)
  group1: basic(wide, stride = 2, project = true)
  head:   avgpool -> fc: linear(classes)
}
network tiny {
  input    = UINT8 1x8x8
  classes  = 10
  backbone = tiny(%(arguments)s)
  %(cell)s
  bits { backbone = w2a2; nas = w1a8; %(bits)s }
}
search { data = digits; precision = quantised%(budget)s }
target { board = %(board)s }
"""
GROUPS = "cell in each group { ops = [zero, maxpool 3x3, identity, conv 1x1, conv 3x3] }"
SPACES = {
    "blocks and cells": {"bits": "group*.block* = [w1a1, w2a2, w4a4]; group*.nas* = [w1a2, w4a4]"},
    "single bits, and the stem": {
        "bits": "group*.block* = [w1a1, w4a4]; group*.nas* = [w1a1, w3a4]; stem.conv.act = [a1, a3]",
        "board": "U250; fps = 30000",
    },
    "several paces": {
        "cell": "cell in each group { ops = [identity, maxpool 3x3, conv 5x5] }",
        "bits": "group*.nas.node*.conv = [w1, w8]; group*.nas.node*.act = [a2, a8]",
        "board": "U250; fps = 3000000",
    },
    "cells in cells": {
        "cell": "cell in each layer { ops = [identity, conv 3x3] }\n"
        "  cell in network { ops = [conv 1x1, identity] }",
        "bits": "group*.block* = [w1a1, w4a4]",
    },
    "weights and results of a cell apart": {
        "cell": "cell in network { ops = [identity, conv 1x1, conv 3x3] }",
        "bits": "group*.block* = [w1a1, w4a4]; nas.node*.act = [a1, a3]; nas.node*.conv = [w1, w2]",
    },
    "channels": {
        "cell": "cell in each group { ops = [zero, maxpool 3x3, identity, conv 1x1, conv 3x3]; policy = v1 }",
        "arguments": "width = [4, 8, 6]",
    },
    "channels of two lists": {
        "cell": "cell in each group { ops = [identity, maxpool 3x3, conv 1x1]; policy = v2 }",
        "arguments": "width = [4, 8], wide = [8, 4]",
        "board": "U250; fps = 60000",
    },
    "channels and bits": {
        "cell": "cell in network { ops = [identity, maxpool 3x3, conv 3x3]; policy = v2; identity_across = two_convs }",
        "bits": "nas.node*.act = [a1, a4]; nas.node*.conv = [w1, w2]",
        "arguments": "width = [4, 8], wide = [12, 16]",
    },
    "tiny channels": {
        "cell": "cell in group1 { ops = [identity, maxpool 3x3, conv 1x1]; policy = v1 }",
        "arguments": "width = [4, 8], wide = [4, 12]",
        "board": "U250; fps = 100000",
    },
    "tiny": {
        "cell": "cell in group1 { ops = [identity, maxpool 3x3, conv 1x1, conv 3x3]; policy = v1 }",
        "bits": "group* = [w1a1, w2a2, w4a4]; stem* = [w8a1, w8a4]",
        "board": "U250; fps = 100000",
    },
}


def write(folder: Path, **values: str) -> Path:
    path = folder / "space.nash"
    usual = {"cell": GROUPS, "board": "U250", "budget": "", "bits": "", "arguments": "width = 8"}
    path.write_text(SPEC % {**usual, **values}, encoding="utf-8")
    return path


def costs_of(path: Path) -> JointCosts:
    return JointCosts.of(json.loads(json.dumps(JointTable(load(path)).to_json())))


def drawn(costs: JointCosts, rnd: random.Random, most: int, is_wide: bool) -> Iterator[list[int]]:
    """is_wide: networks in which some single bits are needed in two."""
    while most:
        picks = [rnd.randrange(count) for count in costs.counts]
        nodes = zip(costs.options.values(), picks[len(costs.places) :], strict=True)
        if not is_wide or any(options[pick].parts.at(picks)[0] for options, pick in nodes):
            yield picks
            most -= 1


def is_what_the_estimate_says(path: Path, costs: JointCosts, picks: Sequence[int]) -> None:
    spec, nodes = load(path), picks[len(costs.places) :]
    cells: dict[str, list[str]] = {}
    for ((cell, _), options), pick in zip(costs.options.items(), nodes, strict=True):
        cells.setdefault(cell, []).append(f"{options[pick].op} from {options[pick].source}")
    lines = [f"  {cell} = {', '.join(flow)}" for cell, flow in cells.items()]
    chosen = {name: its[pick] for (name, its), pick in zip(costs.places, picks, strict=False)}
    lists = settings_of_bits(spec, lower(spec)), settings_of_channels(spec)
    places = places_text("tiny", *lists, places_drawn(costs, random.Random(1)), chosen)
    block = "\n".join(["genotype {", *lines, "}", places])
    assert costs.of_network(picks) == estimated(path, block), block


@pytest.mark.parametrize("name", SPACES)
def test_the_table_says_what_the_estimate_of_networks_drawn_says(name: str, tmp_path: Path) -> None:
    path = write(tmp_path, **SPACES[name])
    costs, rnd = costs_of(path), random.Random(1)
    for picks in drawn(costs, rnd, 5, is_wide=name.startswith(("weights", "channels and"))):
        is_what_the_estimate_says(path, costs, picks)


def test_the_table_says_what_the_estimate_of_every_network_of_a_tiny_space_says(
    tmp_path: Path,
) -> None:
    path = write(tmp_path, **SPACES["tiny channels"])
    costs = costs_of(path)
    for picks in every(costs):
        is_what_the_estimate_says(path, costs, picks)


@pytest.mark.parametrize("name", ["tiny", "tiny channels"])
def test_what_is_found_is_within_the_budget_and_the_best(name: str, tmp_path: Path) -> None:
    finds_the_best(costs_of(write(tmp_path, **SPACES[name])))


def test_paces_are_kept_apart(tmp_path: Path) -> None:
    """Networks drawn within a budget are never better than what is found, and that is what it says it is."""
    costs, rnd = costs_of(write(tmp_path, **SPACES["several paces"])), random.Random(3)
    assert len(costs.paces) > 1
    draws = [[rnd.randrange(count) for count in costs.counts] for _ in range(400)]
    figures = [costs.of_network(picks) for picks in draws]
    for _ in range(3):
        losses = [[rnd.uniform(0, 3) for _ in range(count)] for count in costs.counts]
        losses = [[it - min(of_one) for it in of_one] for of_one in losses]
        limits = dict(rnd.choice(figures))
        found = best_jointly_within(costs, losses, limits)
        assert found is not None and found.bound <= found.loss
        kept = costs.of_network(found.picks)
        assert all(kept[figure] <= limit for figure, limit in limits.items())
        for picks, cost in zip(draws, figures, strict=True):
            if all(cost[figure] <= limit for figure, limit in limits.items()):
                loss = sum(of_one[pick] for of_one, pick in zip(losses, picks, strict=True))
                assert loss >= found.bound - 1e-9


def test_the_nearest_network_exceeds_by_the_smallest_factor(tmp_path: Path) -> None:
    finds_the_nearest(costs_of(write(tmp_path, **SPACES["tiny"])))


def test_no_budget_takes_the_best_of_all_and_other_networks_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path, **SPACES["tiny"])
    costs, edges = costs_of(path), edges_drawn(path, 3)
    places = places_drawn(costs, random.Random(3))
    loose = derive_jointly_within(edges, "v1", places, costs, {"lut": 10**9})
    assert loose.cells == derive(edges, "v1") and loose.chosen == most_probable(places)
    assert loose.displaced == loose.displaced_places == []
    assert loose.answer.picks == costs.picks(loose.cells, loose.chosen)
    limit = costs.of_network(loose.answer.picks)["lut"] - 1
    tight = derive_jointly_within(edges, "v1", places, costs, {"lut": limit})
    assert costs.of_network(tight.answer.picks)["lut"] <= limit
    assert tight.displaced or tight.displaced_places
    with pytest.raises(StageError, match="no network of this search stays within lut <= 10"):
        derive_jointly_within(edges, "v1", places, costs, {"lut": 10})
    with pytest.raises(
        StageError, match="prices other bit widths or channels than the search chose from"
    ):
        derive_jointly_within(edges, "v1", places[:1], costs, {"lut": 10**9})
    others = {
        cell: [Edge(it.source, it.node, ("conv 9x9",), (1.0,), False, (1,)) for it in its]
        for cell, its in edges.items()
    }
    with pytest.raises(StageError, match="prices other cells than the search chose from"):
        derive_jointly_within(others, "v1", places, costs, {"lut": 10**9})


@pytest.mark.parametrize(
    ("name", "fps"), [("tiny", 100_000), ("tiny", 5_000_000), ("tiny channels", 100_000)]
)
def test_the_expected_cost_is_the_mean_and_its_gradient_that_of_differences(
    name: str, fps: int, tmp_path: Path
) -> None:
    torch = pytest.importorskip("torch")
    path = write(tmp_path, **{**SPACES[name], "board": f"U250; fps = {fps}"})
    costs, edges = costs_of(path), edges_drawn(path, 3)
    of_edges = [
        EdgeOps(cell, it.source, it.node, it.ops, it.changes_channels)
        for cell, its in edges.items()
        for it in its
    ]
    expected = ExpectedJointCost(
        costs, of_edges, "v1", {"lut": 1e-3, "bram18": 0.3, "cycles": 1e-4}
    )
    generator = torch.Generator().manual_seed(0)
    sizes = [*(len(it.ops) for it in of_edges), *(len(its) for _, its in costs.places)]
    alphas = [torch.randn(size, generator=generator).double() for size in sizes]
    shares = [torch.softmax(alpha, 0).tolist() for alpha in alphas]
    chances = shares[len(of_edges) :]
    for (cell, node), options in costs.options.items():
        of_node = dict.fromkeys(((it.op, it.source) for it in options), 0.0)
        for edge, of_one in zip(of_edges, shares, strict=False):
            if (edge.cell, edge.node) == (cell, node):
                for op, share in zip(edge.ops, of_one, strict=True):
                    is_replaced = edge.changes_channels and op == MAX_POOL
                    of_node["conv 1x1" if is_replaced else op, edge.source] += share
        chances.append([share / sum(of_node.values()) for share in of_node.values()])
    is_the_mean(expected, costs, every(costs), chances, alphas)


@pytest.mark.parametrize(("name", "most_lut"), [("tiny", 6500), ("tiny channels", 6000)])
def test_the_program_derives_both(name: str, most_lut: int, tmp_path: Path) -> None:
    usual = {"arguments": "width = 8", "bits": ""}
    text = SPEC % {**usual, **SPACES[name], "budget": f"; budget {{ lut < {most_lut} }}"}
    path = compiled(tmp_path, text)
    settings = json.loads((tmp_path / "settings" / "search.json").read_text())
    costs = JointCosts.of(json.loads((tmp_path / "settings" / "derive.json").read_text()))
    edges, places = edges_drawn(path, 5), places_drawn(costs, random.Random(8))
    scores = {"validation_top1": 0.9, "validation_loss": 0.1}
    found = Found(7, derive(edges, "v1"), edges, scores, places, most_probable(places))
    about = {
        "network": "tiny",
        "policy": "v1",
        "estimator": {"name": "binary_gate"},
        "data": "digits",
        "epochs": 2,
        "batch": 64,
        "bit_lists": settings.get("bits", []),
        "backbone": settings.get("channels"),
    }
    write_found(tmp_path / "results" / "search", found, provenance_of(found, about))
    run("derive.py", tmp_path)
    out = tmp_path / "results" / "derive"
    about = json.loads((out / "genotype.json").read_text())["provenance"]
    text = (out / "found.nash").read_text()
    block = text[text.index("genotype ") :]
    assert about["cost"] == estimated(path, block)
    assert (
        about["cost"]["lut"]
        < most_lut
        <= costs.of_network(costs.picks(found.cells, found.chosen))["lut"]
    )
    assert about["budget"]["is_proven"] and about["budget"]["loss_nats"] > 0
    assert about["budget"]["displaced"]
    again = load(path.with_name("found.nash"))
    assert not again.is_searched and math.isfinite(about["budget"]["gap_nats"])


def refused(path: Path) -> str:
    with pytest.raises(SpecError) as error:
        hardware_terms(load(path))
    return "\n".join(f"{it.code} {it.message}" for it in error.value.diagnostics)


def test_a_budget_that_nothing_meets_is_refused_with_the_nearest(tmp_path: Path) -> None:
    tiny = SPACES["tiny"]
    small = refused(write(tmp_path, **tiny, budget="; budget { lut < 100 }"))
    assert "no network of this search meets the budget: the nearest needs" in small
    slow = refused(write(tmp_path, **tiny, budget="; budget { fps >= 100M }"))
    assert "the fastest needs" in slow
    hardware_terms(load(write(tmp_path, **tiny, budget="; budget { lut < 100k }")))


def test_more_networks_or_states_than_can_be_looked_at_are_refused(
    tmp_path: Path, monkeypatch
) -> None:
    path = write(tmp_path, **SPACES["tiny"], budget="; budget { lut < 100k }")
    solver = support_module("budget.joint_within")
    monkeypatch.setitem(solver.StateGraph.__init__.__globals__, "MOST_ARCS", 10)
    text = refused(path)
    assert text.startswith("NASH312 too many ops and bit widths depend on each other")
    monkeypatch.setattr("nashc.space.covering.MOST_NETWORKS", 10)
    text = refused(path)
    assert text.startswith("NASH312 too many bit widths meet in one layer to price them with all")
    assert text.endswith("36 networks")


def test_more_channels_than_can_be_looked_at_are_refused(tmp_path: Path, monkeypatch) -> None:
    path = write(tmp_path, **SPACES["tiny channels"], budget="; budget { lut < 100k }")
    solver = support_module("budget.joint_within")
    monkeypatch.setitem(solver.StateGraph.__init__.__globals__, "MOST_ARCS", 10)
    text = refused(path)
    assert text.startswith("NASH313 too many ops and numbers of channels depend on each other")
    monkeypatch.setattr("nashc.space.covering.MOST_NETWORKS", 10)
    text = refused(path)
    assert text.startswith("NASH313 too many numbers of channels meet in one layer to price them")


@pytest.mark.torch
@pytest.mark.slow
@pytest.mark.parametrize(
    ("space", "kind_of_place"), [("tiny", "bits"), ("tiny channels", "channels")]
)
def test_a_cost_moves_the_search_of_both(space: str, kind_of_place: str, tmp_path: Path) -> None:
    pytest.importorskip("brevitas")
    pytest.importorskip("sklearn")
    expected = {}
    for name, weight in (("free", 1e-9), ("tight", 3000)):
        budget = f"; epochs = 2; batch = 128; cost {{ lut = {weight} }}; budget {{ lut < 6500 }}"
        usual = {"arguments": "width = 8", "bits": ""}
        path = compiled(tmp_path / name, SPEC % {**usual, **SPACES[space], "budget": budget})
        run("search.py", tmp_path / name)
        results = tmp_path / name / "results"
        lines = (results / "search" / "search.jsonl").read_text().splitlines()
        expected[name] = [json.loads(line)["expected_cost"]["lut"] for line in lines]
        assert (results / "search" / f"{kind_of_place}.png").stat().st_size > 1000
        assert (results / "search" / "stability.png").stat().st_size > 1000
        run("derive.py", tmp_path / name)
        for kind in ("search", "derive"):
            about = json.loads((results / kind / "genotype.json").read_text())["provenance"]
            text = (results / kind / "found.nash").read_text()
            assert about["cost"] == estimated(path, text[text.index("genotype ") :])
        assert about["cost"]["lut"] < 6500
    tight, free = expected["tight"], expected["free"]
    assert tight[1] < min(tight[0], free[1]), expected
