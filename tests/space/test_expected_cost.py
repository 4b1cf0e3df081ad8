"""The expected cost is the mean over all networks, and its gradient that of finite differences."""

import math
import random
from itertools import product
from pathlib import Path

import pytest

from support.budget.costs import FIGURES
from support.budget.expected import EdgeOps, ExpectedCost
from tests.space.spaces import Space, costs_of, edges_drawn

SPACES = {
    "v3": (
        Space(
            "  cell in group1 { policy = v3; ops = [zero, maxpool 3x3, identity, conv 5x5] }",
            fps=3_000,
        ),
        "v3",
    ),
    "v1": (Space("  cell in group1 { policy = v1; ops = [zero, maxpool 3x3, conv 3x3] }"), "v1"),
    "two bits of one": (
        Space("  cell in group1 { ops = [identity, maxpool 3x3, conv 1x1] }", "w1a1", "w2a1"),
        "v3",
    ),
}
WEIGHTS = {"lut": 1e-4, "bram18": 1e-2, "dsp": 0.1, "cycles": 1e-4}


def expected(space: Space, policy: str, folder: Path):
    path = space.write(folder)
    costs = costs_of(path)
    edges = [
        EdgeOps(cell, it.source, it.node, it.ops, it.changes_channels)
        for cell, its in edges_drawn(path, 0).items()
        for it in its
    ]
    return ExpectedCost(costs, edges, policy, WEIGHTS), costs, edges


def softmax(alpha):
    powers = [math.exp(it) for it in alpha]
    return [power / sum(powers) for power in powers]


def drawn(edges, seed):
    rnd = random.Random(seed)
    return [[rnd.gauss(0, 1.5) for _ in edge.ops] for edge in edges]


@pytest.mark.parametrize("name", SPACES)
def test_it_is_the_mean_over_all_networks(name, tmp_path):
    mine, costs, edges = expected(*SPACES[name], tmp_path)
    shares = list(map(softmax, drawn(edges, 1)))
    policy = SPACES[name][1]
    per_node = {}
    for edge, of_edge in zip(edges, shares, strict=True):
        for op, share in zip(edge.ops, of_edge, strict=True):
            is_replaced = op == "maxpool 3x3" and edge.changes_channels
            if op != "zero" and not (is_replaced and policy != "v1"):
                kept = "conv 1x1" if is_replaced else op
                option = costs.option(edge.cell, edge.node, kept, edge.source)
                per_node.setdefault((edge.cell, edge.node), []).append((option, share))
    mean = dict.fromkeys(FIGURES, 0.0)
    whole = 0.0
    for network in product(*per_node.values()):
        chance = math.prod(share for _, share in network)
        whole += chance
        for figure, count in costs.of_network(option for option, _ in network).items():
            mean[figure] += chance * count
    found = mine.figures(shares)
    assert found == pytest.approx({figure: it / whole for figure, it in mean.items()}, rel=1e-12)


@pytest.mark.parametrize("name", SPACES)
def test_its_gradient_is_that_of_finite_differences(name, tmp_path):
    mine, _, edges = expected(*SPACES[name], tmp_path)
    alphas, step = drawn(edges, 2), 1e-5

    def penalty(edge, op, by):
        moved = [list(alpha) for alpha in alphas]
        moved[edge][op] += by
        return mine.penalty(list(map(softmax, moved)))

    found = mine.gradient(list(map(softmax, alphas)))
    largest = max(abs(slope) for of_edge in found for slope in of_edge)
    for edge, of_edge in enumerate(found):
        for op, slope in enumerate(of_edge):
            measured = (penalty(edge, op, step) - penalty(edge, op, -step)) / (2 * step)
            assert slope == pytest.approx(measured, abs=1e-7 * largest)
    assert largest > 0


def test_an_edge_that_has_decided_for_zero(tmp_path):
    mine, _, edges = expected(*SPACES["v3"], tmp_path)
    shares = [[1.0] + [0.0] * (len(edge.ops) - 1) for edge in edges]
    assert all(math.isfinite(slope) for of_edge in mine.gradient(shares) for slope in of_edge)
