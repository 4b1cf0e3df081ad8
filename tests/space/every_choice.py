"""The solver of joint budgets against every choice of a small space."""

from __future__ import annotations

import random
from functools import partial
from itertools import product

import pytest

from support.budget.answers import nearest_by
from support.budget.joint_costs import JointCosts
from support.budget.joint_within import best_jointly_within


def every(costs: JointCosts) -> list[tuple[int, ...]]:
    return list(product(*map(range, costs.counts)))


def finds_the_best(costs: JointCosts) -> None:
    """What is found is within the budget and the best, for budgets and losses drawn at random; some displace the likeliest."""
    figures = {picks: costs.of_network(picks) for picks in every(costs)}
    luts = sorted(it["lut"] for it in figures.values())
    brams = sorted(it["bram18"] for it in figures.values())
    rnd, displaced = random.Random(2), 0
    for _ in range(12):
        losses = [[rnd.uniform(0, 3) for _ in range(count)] for count in costs.counts]
        losses = [[it - min(of_one) for it in of_one] for of_one in losses]
        limits = {"lut": luts[int(len(luts) * rnd.random() ** 3)], "bram18": rnd.choice(brams)}
        if rnd.random() < 0.5:
            limits["cycles"] = rnd.choice(list(figures.values()))["cycles"]
        fitting = {
            picks: sum(of_one[pick] for of_one, pick in zip(losses, picks, strict=True))
            for picks, cost in figures.items()
            if all(cost[figure] <= limit for figure, limit in limits.items())
        }
        found = best_jointly_within(costs, losses, limits)
        if not fitting:
            assert found is None
            continue
        assert found is not None and found.is_best and found.picks in fitting
        assert found.loss == pytest.approx(min(fitting.values()))
        displaced += found.loss > 0
    assert displaced > 3


def finds_the_nearest(costs: JointCosts) -> None:
    """Where nothing fits, the network that exceeds the budget by the smallest factor."""
    limits = {"lut": 100, "bram18": 1}
    excess = {
        picks: max(costs.of_network(picks)[name] / limit for name, limit in limits.items())
        for picks in every(costs)
    }
    free = [[0.0] * count for count in costs.counts]
    found = nearest_by(partial(best_jointly_within, costs, free), costs.of_network, limits)
    assert found and excess[found.picks] == pytest.approx(min(excess.values()), rel=1e-3)
