"""The best architecture within a hardware budget, from the weights that a search ends with. Pure Python.

Every candidate that the policy ranks (support/derivation/cells.py) is considered, and the network is taken that stays within the budget
and whose nodes together lose the least: a node that takes another candidate than its best one loses the logarithm of the best
one's score over that of the other. Where the best of all nodes fit, that is what is derived without a budget.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from support.budget.answers import Answer, Tell
from support.budget.costs import SearchCosts, cost_of
from support.budget.rows import Candidate
from support.budget.within import best_within
from support.derivation.cells import Choice, Edge, ranking
from support.progress import StageError

MOST_VISITS = 5_000_000
"""Twenty seconds or so at a pace: little after a search, and enough for a proof but under the tightest budgets."""
_TINY = 5e-324


@dataclass(frozen=True)
class Derived:
    """A network, what it costs, and how good it is. chosen: by place, where bit widths or channels were searched.

    displaced: (cell, what the node would keep without a budget, what it keeps); displaced_places: the same by place.
    """

    cells: dict[str, list[Choice]]
    figures: dict[str, int]
    answer: Answer
    displaced: list[tuple[str, Choice, Choice]]
    chosen: dict[str, str] = field(default_factory=dict)
    displaced_places: Sequence[tuple[str, str, str]] = ()


def derive_within(
    cells: dict[str, Sequence[Edge]],
    policy: str,
    costs: SearchCosts,
    limits: Mapping[str, int],
    tell: Tell | None = None,
) -> Derived:
    """limits: most of each figure of support/budget/costs.py. tell: of `best_within`.

    Errors: StageError as `ranking`, and if nothing fits.
    """
    ranked = ranking(cells, policy)
    places = [(name, node) for name, nodes in ranked.items() for node in nodes]
    candidates = [
        [
            Candidate(costs.option(name, it.node, it.op, it.source), loss_of(node[0][1], score))
            for it, score in node
        ]
        for name, node in places
    ]
    answer = best_within(costs, candidates, limits, MOST_VISITS, tell)
    if answer is None:
        raise nothing_within(limits)
    found: dict[str, list[Choice]] = {name: [] for name in ranked}
    displaced = []
    for (name, node), pick in zip(places, answer.picks, strict=True):
        best, kept = node[0][0], node[pick][0]
        found[name].append(kept)
        if pick:
            displaced.append((name, best, kept))
    return Derived(found, cost_of(costs, found), answer, displaced)


def loss_of(best: float, score: float) -> float:
    """In nats; scores of 0 are as small as floats get."""
    return math.log(max(best, _TINY)) - math.log(max(score, _TINY))


def nothing_within(limits: Mapping[str, int]) -> StageError:
    said = ", ".join(f"{figure} <= {limit}" for figure, limit in limits.items())
    return StageError(
        f"no network of this search stays within {said}",
        "nashc check refuses such a budget: compile the spec again, or widen it in settings/derive.json",
    )
