"""An expected cost against the mean over every network, and its gradient against differences."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from support.budget.costs import FIGURES


def is_the_mean(
    expected: Any,
    costs: Any,
    networks: Iterable[tuple[int, ...]],
    chances: Sequence[Sequence[float]],
    alphas: list[Any],
) -> None:
    """networks: all of them, as picks. chances: of each pick. alphas: torch tensors, of what the search chooses."""
    import torch

    def shares_of(these: list[Any]) -> list[list[float]]:
        return [torch.softmax(alpha, 0).tolist() for alpha in these]

    at_first_pace = replace(costs, paces=costs.paces[-1:])
    mean = dict.fromkeys(FIGURES, 0.0)
    for picks in networks:
        chance = math.prod(of_one[pick] for of_one, pick in zip(chances, picks, strict=True))
        figures = at_first_pace.of_network(picks)
        for figure in mean:
            mean[figure] += chance * figures[figure]
    told = expected.figures(shares_of(alphas))
    assert told == pytest.approx(mean)

    step = 1e-5
    for index, slopes in enumerate(expected.gradient(shares_of(alphas))):
        for position, slope in enumerate(slopes):
            sides = []
            for sign in (1, -1):
                changed = [alpha.clone() for alpha in alphas]
                changed[index][position] += sign * step
                sides.append(expected.penalty(shares_of(changed)))
            assert slope == pytest.approx((sides[0] - sides[1]) / (2 * step), rel=1e-4, abs=1e-7)
