"""The best bit widths and numbers of channels within a hardware budget, from the probabilities that a search ends with. Pure Python.

Those widths are taken whose network stays within the budget and for which the product of the probabilities is the largest.
Where the most probable ones of all places fit, that is what is derived without a budget.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from support.bits_within import best_bits_within
from support.derive_places import Place, most_probable
from support.progress import StageError
from support.search_bit_costs import BitCosts
from support.within_budget import Answer

_TINY = 5e-324


@dataclass(frozen=True)
class DerivedBits:
    """bits: by place. answer: how good they are. displaced: (place, its width without a budget, its width)."""

    bits: dict[str, str]
    answer: Answer
    displaced: list[tuple[str, str, str]]

    @staticmethod
    def of(places: Sequence[Place], answer: Answer) -> DerivedBits:
        """answer: its picks begin with those of the places."""
        pairs = zip(places, answer.picks, strict=False)
        bits = {it.name: it.alternatives[pick] for it, pick in pairs}
        free = most_probable(places)
        displaced = [(name, free[name], kept) for name, kept in bits.items() if kept != free[name]]
        return DerivedBits(bits, answer, displaced)


def derive_bits_within(
    places: Sequence[Place], costs: BitCosts, limits: Mapping[str, int]
) -> DerivedBits:
    """limits: most of each figure of support/search_costs.py. Errors: StageError if nothing fits."""
    answer = best_bits_within(costs, losses_of(places, costs.places), limits)
    if answer is None:
        said = ", ".join(f"{figure} <= {limit}" for figure, limit in limits.items())
        raise StageError(
            f"no network of this search stays within {said}",
            "nashc check refuses such a budget: compile the spec again, or widen it in settings/derive.json",
        )
    return DerivedBits.of(places, answer)


def losses_of(
    places: Sequence[Place], priced: Sequence[tuple[str, tuple[str, ...]]]
) -> list[list[float]]:
    """In nats, of each alternative of each place. priced: the places of the costs. Errors: StageError if these are others."""
    if [(it.name, it.alternatives) for it in places] != list(priced):
        raise StageError(
            "settings/derive.json prices other bit widths or channels than the search chose from",
            "search again: the lists of the spec changed since",
        )
    return [
        [math.log(max(*it.weights, _TINY)) - math.log(max(w, _TINY)) for w in it.weights]
        for it in places
    ]
