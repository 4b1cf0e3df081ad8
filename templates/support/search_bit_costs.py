"""What every choice of bit widths costs in hardware: settings/search_costs.json of a search for widths. Pure Python.

The numbers are exact: what `nashc estimate` says of the network with these widths. Costs are sums over parts. A part is all
hardware that depends on the same few places, as a layer does on the widths of its weights, of what it reads and of what
it gives, and has a cost for every choice of these. Figures and paces are those of support/search_costs.py.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from support.search_costs import FIGURES, Part, Vector, total

Shares = Sequence[Sequence[float]]
"""softmax(alpha) of every place."""


@dataclass(frozen=True)
class BitPart:
    """places: their indices, rising. by_choice: the part for each choice of theirs, the last place counting fastest."""

    places: tuple[int, ...]
    counts: tuple[int, ...]
    by_choice: tuple[Part, ...]

    def at(self, picks: Sequence[int]) -> Part:
        """picks: of all places."""
        index = 0
        for place, count in zip(self.places, self.counts, strict=True):
            index = index * count + picks[place]
        return self.by_choice[index]

    def choices(self) -> Iterator[tuple[tuple[int, ...], Part]]:
        return zip(product(*map(range, self.counts)), self.by_choice, strict=True)


@dataclass(frozen=True)
class BitCosts:
    """paces: cycles, rising. places: name and alternatives of each."""

    paces: tuple[int, ...]
    places: tuple[tuple[str, tuple[str, ...]], ...]
    parts: tuple[BitPart, ...]

    @staticmethod
    def of(data: Mapping[str, Any]) -> BitCosts:
        """From the content of settings/search_costs.json."""
        places = tuple((it["name"], tuple(it["alternatives"])) for it in data["places"])
        parts = []
        for it in data["parts"]:
            counts = tuple(len(places[index][1]) for index in it["places"])
            by_choice = tuple(map(Part.of, it["choices"]))
            assert len(by_choice) == math.prod(counts), it["places"]
            parts.append(BitPart(tuple(it["places"]), counts, by_choice))
        return BitCosts(tuple(data["paces"]), places, tuple(parts))

    def of_network(self, picks: Sequence[int]) -> dict[str, int]:
        """The figures of the network in which each place takes its alternative of that index."""
        chosen = [part.at(picks) for part in self.parts]
        pace = self.pace(max(part.slowest for part in chosen))
        return dict(zip(FIGURES, total([part.cost[pace] for part in chosen]), strict=True))

    def of_widths(self, chosen: Mapping[str, str]) -> dict[str, int]:
        """chosen: the width of each place."""
        return self.of_network([widths.index(chosen[name]) for name, widths in self.places])

    def pace(self, slowest: int) -> int:
        """The index of the pace at which FINN folds all parts when one of them needs so many cycles."""
        return next(index for index, pace in enumerate(self.paces) if slowest <= pace)


class ExpectedBitCost:
    """The resources that a search may expect to end with, and their gradient with respect to the alphas, at the first pace.

    Places draw independently, so the expectation is a polynomial of their probabilities, and its derivative with respect to
    one of them the expected cost if that width is drawn. weights: what a unit of each figure but the cycles adds to the
    loss; cycles are told as those of the most probable widths.
    """

    def __init__(self, costs: BitCosts, weights: Mapping[str, float]) -> None:
        self._costs = costs
        self._weights = [weights.get(figure, 0.0) for figure in FIGURES]

    def figures(self, shares: Shares) -> dict[str, float]:
        """The expectation of each resource, and the cycles of the most probable network."""
        sums = [0.0] * len(FIGURES)
        for part in self._costs.parts:
            for picks, it in part.choices():
                chance = self._chance(part, picks, shares)
                for index, count in enumerate(it.cost[0][1:], 1):
                    sums[index] += chance * count
        likeliest = [max(range(len(of_one)), key=of_one.__getitem__) for of_one in shares]
        sums[0] = self._costs.of_network(likeliest)["cycles"]
        return dict(zip(FIGURES, sums, strict=True))

    def penalty(self, shares: Shares) -> float:
        """What is added to the loss."""
        figures = self.figures(shares)
        pairs = zip(self._weights[1:], FIGURES[1:], strict=True)
        return sum(weight * figures[figure] for weight, figure in pairs)

    def gradient(self, shares: Shares) -> list[list[float]]:
        """Of the penalty, with respect to the alphas of every place."""
        by_share = [[0.0] * len(of_one) for of_one in shares]
        for part in self._costs.parts:
            for picks, it in part.choices():
                worth = self._worth(it.cost[0])
                for place, pick in zip(part.places, picks, strict=True):
                    others = self._chance(part, picks, shares, but=place)
                    by_share[place][pick] += others * worth
        found = []
        for of_one, slopes in zip(shares, by_share, strict=True):
            mean = sum(share * slope for share, slope in zip(of_one, slopes, strict=True))
            found.append(
                [share * (slope - mean) for share, slope in zip(of_one, slopes, strict=True)]
            )
        return found

    def _worth(self, cost: Vector) -> float:
        return sum(w * c for w, c in zip(self._weights[1:], cost[1:], strict=True))

    @staticmethod
    def _chance(
        part: BitPart, picks: Sequence[int], shares: Shares, but: int | None = None
    ) -> float:
        pairs = zip(part.places, picks, strict=True)
        return math.prod(shares[place][pick] for place, pick in pairs if place != but)
