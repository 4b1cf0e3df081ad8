"""The chooser of ops and widths against all networks there are, in drawn spaces of either and of both, folded for several paces."""

import random
from itertools import product

import pytest

from support.budget.answers import Undecided, is_within
from support.budget.costs import FIGURES, Part
from support.budget.joint_costs import ByPlaces, JointCosts, JointOption
from support.budget.joint_within import best_jointly_within

PACES = (10, 14, 20)
SHAPES = {"widths": (6, 0), "ops": (0, 5), "both": (4, 3)}


def drawn(seed, places, nodes):
    """A space of so many places, which meet their neighbours, and of so many nodes, which read two values."""
    rnd = random.Random(seed)
    counts = [rnd.choice((2, 3)) for _ in range(places)]

    def part(most):
        slow = rnd.choice((0, 0, 5, 9, 12, 14, 20))
        first = [rnd.randint(0, most) for _ in FIGURES[1:]]
        # The slower the pace, the less hardware.
        cost = (
            (max(slow, p - 3), *(max(0, n - 2 * i) for n in first)) for i, p in enumerate(PACES)
        )
        return Part(slow, tuple(cost))

    def by_places(draw):
        first = rnd.randrange(places) if places else 0
        meets = tuple(range(first, min(places, first + rnd.choice((1, 2)))))
        own = tuple(counts[place] for place in meets)
        return ByPlaces(meets, own, tuple(draw() for _ in product(*map(range, own))))

    def option(index, source):
        branch = by_places(lambda: (rnd.random() < 0.3, part(9)))
        return JointOption(f"op{index}", source, "ab"[source], branch)

    options = {
        ("cell", node): tuple(option(i, source) for source in range(min(node, 2)) for i in range(2))
        for node in range(1, nodes + 1)
    }
    rows = [by_places(lambda: tuple((part(4), part(4)) for _ in range(3))) for _ in "ab" if nodes]
    parts = [ByPlaces((), (), (part(9),)), *(by_places(lambda: part(9)) for _ in counts)]
    named = tuple((f"place{i}", tuple(map(str, range(n)))) for i, n in enumerate(counts))
    return JointCosts(PACES, named, tuple(parts), options, dict(zip("ab", rows, strict=False)))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("seed", range(6))
def test_the_best_of_all_networks(shape, seed):
    costs, rnd = drawn(seed, *SHAPES[shape]), random.Random(seed)
    networks = {picks: costs.of_network(picks) for picks in product(*map(range, costs.counts))}
    for _ in range(15):
        losses = [[rnd.choice((0.0, rnd.uniform(0, 3))) for _ in range(n)] for n in costs.counts]
        near, limited = (
            rnd.choice(list(networks.values())),
            rnd.sample(FIGURES, rnd.choice((1, 2, 3))),
        )
        limits = {name: near[name] - rnd.choice((0, 0, 5)) for name in limited}
        fitting = [
            sum(of_one[pick] for of_one, pick in zip(losses, picks, strict=True))
            for picks, figures in networks.items()
            if is_within(figures, limits)
        ]
        found = best_jointly_within(costs, losses, limits)
        assert (found is None) == (not fitting)
        if found:
            assert is_within(networks[found.picks], limits) and found.is_best
            assert found.loss == pytest.approx(min(fitting))


def test_a_search_that_is_cut_off_says_how_far_off_it_may_be(monkeypatch):
    proven = told = 0
    for seed in range(30):
        costs, rnd = drawn(seed, *SHAPES["widths"]), random.Random(seed)
        networks = {picks: costs.of_network(picks) for picks in product(*map(range, costs.counts))}
        losses = [[rnd.uniform(0, 3) for _ in range(n)] for n in costs.counts]
        losses = [[it - min(of_one) for it in of_one] for of_one in losses]
        near = sorted(networks.values(), key=lambda it: it["lut"])[len(networks) // 8]
        limits = {name: near[name] for name in ("lut", "dsp")}
        best = min(
            sum(of_one[pick] for of_one, pick in zip(losses, picks, strict=True))
            for picks, figures in networks.items()
            if is_within(figures, limits)
        )
        for visits in (0, 3):
            monkeypatch.setattr("support.budget.joint_within.MOST_VISITS", visits)
            try:
                found = best_jointly_within(costs, losses, limits)
            except Undecided:
                continue
            assert found.bound <= best + 1e-9 <= found.loss + 2e-9
            told += 1
            proven += found.is_best
    assert 0 < proven < told
