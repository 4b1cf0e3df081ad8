"""The best ops and bit widths within a hardware budget together, from the probabilities that a search ends with. Pure Python.

What support/derive_within.py loses for ops and support/derive_bits_within.py for widths is added up, in nats: the network
is taken that stays within the budget and for which the product of all that it keeps is the largest.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from support.derive import Choice, Edge, ranking
from support.derive_bits_within import DerivedBits, losses_of
from support.derive_places import Place
from support.derive_within import Derived, loss_of
from support.joint_within import Tell, best_jointly_within
from support.progress import StageError
from support.search_joint_costs import JointCosts


@dataclass(frozen=True)
class DerivedBoth:
    """picks: of `costs`."""

    ops: Derived
    widths: DerivedBits
    picks: tuple[int, ...]


def derive_both_within(
    cells: dict[str, Sequence[Edge]],
    policy: str,
    places: Sequence[Place],
    costs: JointCosts,
    limits: Mapping[str, int],
    tell: Tell | None = None,
) -> DerivedBoth:
    """limits: most of each figure of support/search_costs.py. Errors: StageError as `ranking`, and if nothing fits."""
    ranked = {
        (name, node[0][0].node): node
        for name, nodes in ranking(cells, policy).items()
        for node in nodes
    }
    losses = losses_of(places, costs.places)
    kept: list[list[Choice | None]] = []
    for key, options in costs.options.items():
        scores = {(it.op, it.source): (it, score) for it, score in ranked.get(key, ())}
        best = max((score for _, score in scores.values()), default=0.0)
        here = [scores.get((option.op, option.source)) for option in options]
        losses.append([loss_of(best, it[1]) if it else math.inf for it in here])
        kept.append([it and it[0] for it in here])
    if set(ranked) != set(costs.options) or any(min(it) > 0 for it in losses):
        raise StageError(
            "settings/derive.json prices other cells than the search chose from",
            "search again: the cells of the spec changed since",
        )
    answer = best_jointly_within(costs, losses, limits, tell)
    if answer is None:
        said = ", ".join(f"{figure} <= {limit}" for figure, limit in limits.items())
        raise StageError(
            f"no network of this search stays within {said}",
            "nashc check refuses such a budget: compile the spec again, or widen it in settings/derive.json",
        )
    found: dict[str, list[Choice]] = {name: [] for name in cells}
    displaced = []
    for (key, of_node), pick in zip(
        zip(costs.options, kept, strict=True), answer.picks[len(places) :], strict=True
    ):
        choice, best_one = of_node[pick], ranked[key][0][0]
        assert choice is not None, "an infinite loss is not taken"
        found[key[0]].append(choice)
        if (choice.op, choice.source) != (best_one.op, best_one.source):
            displaced.append((key[0], best_one, choice))
    widths = DerivedBits.of(places, answer)
    return DerivedBoth(Derived(found, answer, displaced), widths, answer.picks)
