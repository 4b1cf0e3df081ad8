"""The best bit widths within a hardware budget, found exactly: branch and bound over the places. Pure Python.

Every alternative of a place has a loss, 0 for the most probable one; the choice with the least sum of losses whose network
stays within the limits is sought, pace by pace (support/search_costs.py).

Parts couple places that are neighbours, so the places are decided in the order of the network, and what is left to decide
depends on the few decided places that share a part with later ones, the frontier. For prices >= 0 on the limited resources,
the least of losses plus priced costs of what is left is found exactly for every frontier by elimination, and this minus
what the budget is worth bounds the loss of every network within the budget from below (Lagrangian duality). Unit prices
give the least use of one resource. nashc asks the same code at compile time whether any choice fits.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from support.search_bit_costs import BitCosts, BitPart
from support.search_costs import FIGURES, Part
from support.within_budget import Answer, Undecided, is_within, nearest_by

MOST_VISITS = 400_000
"""Partial choices that are looked at for a pace before the best one so far is taken."""
_ROUNDS = 60
_EPSILON = 1e-9

Losses = Sequence[Sequence[float]]
"""For each place and alternative, how much worse than the best one that is, >= 0."""


def best_bits_within(costs: BitCosts, losses: Losses, limits: Mapping[str, int]) -> Answer | None:
    """The least loss within limits, by figure; None if nothing is within them. Errors: Undecided.

    picks of the answer: for each place the index of its alternative.
    """
    free = tuple(min(range(len(it)), key=it.__getitem__) for it in losses)
    if is_within(costs.of_network(free), limits):
        return Answer(free, _sum(losses, free), _sum(losses, free))
    best: Answer | None = None
    left = math.inf
    for pace in range(len(costs.paces)):
        search = _AtPace(costs, losses, limits, pace, best)
        best, left = search.run(), min(left, search.left)
    if best is None and left < math.inf:
        best = _any_within(costs, losses, limits)
    return best and Answer(best.picks, best.loss, min(best.loss, left))


def _any_within(costs: BitCosts, losses: Losses, limits: Mapping[str, int]) -> Answer | None:
    """What nashc found at compile time, when nothing had a loss yet: that will do. Errors: Undecided."""
    if not any(map(any, losses)):
        raise Undecided
    found = best_bits_within(costs, [[0.0] * len(it) for it in losses], limits)
    return found and Answer(found.picks, _sum(losses, found.picks), -math.inf)


def nearest_bits(costs: BitCosts, limits: Mapping[str, int]) -> Answer | None:
    """As `nearest_by`, among all choices of widths."""
    losses = [[0.0] * len(alternatives) for _, alternatives in costs.places]
    return nearest_by(lambda most: best_bits_within(costs, losses, most), costs.of_network, limits)


def _sum(losses: Losses, picks: Sequence[int]) -> float:
    return sum(of_place[pick] for of_place, pick in zip(losses, picks, strict=True))


class _AtPace:
    """The search among the networks that are folded for one pace."""

    def __init__(
        self,
        costs: BitCosts,
        losses: Losses,
        limits: Mapping[str, int],
        pace: int,
        best: Answer | None,
    ) -> None:
        self.costs, self.losses, self.given = costs, losses, limits
        self.pace, self.best = pace, best
        self.limited = [index for index, name in enumerate(FIGURES) if index and name in limits]
        self.limits = [limits[FIGURES[index]] for index in self.limited]
        self.most_cycles = limits.get("cycles", math.inf)
        self.count = len(losses)
        # Each part counts where its last place is decided; those without any at the first place.
        self.parts: list[list[BitPart]] = [[] for _ in range(self.count)]
        for part in costs.parts:
            self.parts[max(part.places, default=0)].append(part)
        self.frontiers = [
            tuple(
                sorted(
                    {
                        before
                        for part in costs.parts
                        for before in part.places
                        if before < place <= max(part.places)
                    }
                )
            )
            for place in range(self.count)
        ]
        self.left = math.inf
        """No choice at this pace that was not looked at has a lower loss."""
        self._visits = 0
        self._uses: list[dict[tuple[int, ...], list[int] | None]] = [{} for _ in losses]

    def run(self) -> Answer | None:
        """The best of this pace, or `best` if that is better."""
        self.least = []
        for index in range(len(self.limited)):
            unit = [float(index == other) for other in range(len(self.limited))]
            rest = self._rest(0.0, unit)
            if rest[0].get((), (math.inf, 0))[0] > self.limits[index]:
                return self.best
            self.least.append(rest)
        if not self.limited and not self._rest(0.0, [])[0]:
            return self.best
        self._set_prices()
        self._descend([], 0.0, [0] * len(self.limited))
        return self.best

    def _costs(self, place: int, picks: Sequence[int]) -> list[int] | None:
        """Limited resources of the parts that `place` completes; None where one of them is not allowed at this pace."""
        found = [0] * len(self.limited)
        for part in self.parts[place]:
            it = part.at(picks)
            if not self._is_allowed(it):
                return None
            for column, index in enumerate(self.limited):
                found[column] += it.cost[self.pace][index]
        return found

    def _is_allowed(self, part: Part) -> bool:
        is_fast = part.cost[self.pace][0] <= self.most_cycles
        return is_fast and part.slowest <= self.costs.paces[self.pace]

    # ---- bounds ------------------------------------------------------------------------------------

    def _rest(
        self, loss_weight: float, price: Sequence[float]
    ) -> list[dict[tuple[int, ...], tuple[float, int]]]:
        """For each place and what its frontier picked: the least of weighted losses and priced costs from there on, and the
        pick of this place that gives it. What cannot be completed is left out."""
        found: list[dict[tuple[int, ...], tuple[float, int]]] = [{} for _ in range(self.count)]
        found.append({(): (0.0, 0)})
        picks = [0] * self.count
        for place in reversed(range(self.count)):
            frontier = self.frontiers[place]
            after = self.frontiers[place + 1] if place + 1 < self.count else ()
            for values in _product([len(self.losses[it]) for it in frontier]):
                for before, value in zip(frontier, values, strict=True):
                    picks[before] = value
                best = (math.inf, 0)
                for pick, loss in enumerate(self.losses[place]):
                    picks[place] = pick
                    later = found[place + 1].get(tuple(picks[it] for it in after))
                    if later is None:
                        continue
                    use = self._known(place, picks)
                    if use is None:
                        continue
                    value = loss_weight * loss + later[0] + _dot(price, use)
                    best = min(best, (value, pick))
                if best[0] < math.inf:
                    found[place][values] = best
        return found

    def _known(self, place: int, picks: Sequence[int]) -> list[int] | None:
        """`_costs`, kept: of all bounds only the prices differ."""
        known = self._uses[place]
        key = (*(picks[it] for it in self.frontiers[place]), picks[place])
        if key not in known:
            known[key] = self._costs(place, picks)
        return known[key]

    def _set_prices(self) -> None:
        """Prices that make the bound high: subgradient steps. Any prices >= 0 give a bound, so stopping early does no harm."""
        price = [0.0] * len(self.limits)
        self.highest, step = -math.inf, 1.0
        worst = sum(max(of_place) for of_place in self.losses) + 1.0
        for _ in range(_ROUNDS if self.limits else 1):
            rest = self._rest(1.0, price)
            picks = self._followed(rest)
            self._take(picks)
            use = [0] * len(self.limits)
            for place in range(self.count):
                own = self._known(place, picks)
                assert own is not None, "what was followed is allowed"
                use = [a + b for a, b in zip(use, own, strict=True)]
            over = [used - limit for used, limit in zip(use, self.limits, strict=True)]
            bound = rest[0][()][0] - _dot(price, self.limits)
            if bound > self.highest:
                self.highest, self.price, self.rest = bound, price, rest
            else:
                step *= 0.8
            slope = [
                excess / max(1, limit) for excess, limit in zip(over, self.limits, strict=True)
            ]
            length = sum(it * it for it in slope)
            if length == 0:
                break
            size = step * max((self.best.loss if self.best else worst) - bound, _EPSILON) / length
            price = [
                max(0.0, old + size * it / max(1, limit))
                for old, it, limit in zip(price, slope, self.limits, strict=True)
            ]

    def _followed(self, rest: Sequence[Mapping[tuple[int, ...], tuple[float, int]]]) -> list[int]:
        picks: list[int] = []
        for place in range(self.count):
            picks.append(rest[place][tuple(picks[it] for it in self.frontiers[place])][1])
        return picks

    # ---- the search --------------------------------------------------------------------------------

    def _descend(self, picks: list[int], loss: float, use: list[int]) -> None:
        place = len(picks)
        if place == self.count:
            self._take(picks)
            return
        options = []
        after = self.frontiers[place + 1] if place + 1 < self.count else ()
        for pick, more in enumerate(self.losses[place]):
            here = [*picks, pick]
            own = self._known(place, here)
            key = tuple(here[it] for it in after)
            if own is None or key not in self.rest[place + 1]:
                continue
            now = [a + b for a, b in zip(use, own, strict=True)]
            short = (
                used + least[place + 1][key][0] > limit
                for used, least, limit in zip(now, self.least, self.limits, strict=True)
            )
            if any(short):
                continue
            later = self.rest[place + 1][key][0]
            bound = loss + more + later + _dot(self.price, now) - _dot(self.price, self.limits)
            options.append((max(bound, loss + more), pick, loss + more, now))
        for bound, pick, so_far, now in sorted(options):
            self._visits += 1
            if self._visits > MOST_VISITS:
                self.left = max(0.0, self.highest)
                return
            if self.best is None or bound < self.best.loss - _EPSILON:
                self._descend([*picks, pick], so_far, now)

    def _take(self, picks: Sequence[int]) -> None:
        """Keep a choice if it is within the limits as FINN folds it, and the best so far."""
        loss = _sum(self.losses, picks)
        is_better = self.best is None or loss < self.best.loss - _EPSILON
        if is_better and is_within(self.costs.of_network(picks), self.given):
            self.best = Answer(tuple(picks), loss, -math.inf)


def _dot(a: Sequence[float], b: Sequence[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


def _product(counts: Sequence[int]) -> list[tuple[int, ...]]:
    found: list[tuple[int, ...]] = [()]
    for count in counts:
        found = [(*before, value) for before in found for value in range(count)]
    return found
