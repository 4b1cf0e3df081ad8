"""Branch and bound against all networks there are, in drawn spaces with shared values, several limits and paces."""

import random
from functools import partial
from itertools import product

import pytest

from support.budget.answers import Undecided, is_within, nearest_by
from support.budget.costs import FIGURES, Option, Part, SearchCosts
from support.budget.rows import Candidate
from support.budget.within import best_within, figures_of


def drawn(seed):
    """A space of 5 nodes that read 3 values, some as they are and some in two bits, folded for one of 3 paces."""
    rnd = random.Random(seed)
    paces = (10, 14, 20)

    def part(most=9, slowest=(0, 0, 5, 9, 12, 14, 20)):
        slow = rnd.choice(slowest)
        first = [rnd.randint(0, most) for _ in range(4)]
        # The slower the pace, the less hardware.
        cost = tuple(
            (max(slow, pace - 3), *(max(0, it - 2 * i) for it in first))
            for i, pace in enumerate(paces)
        )
        return Part(slow, cost)

    nothing = Part(0, ((0,) * 5,) * 3)

    def more(base, by):
        sums = zip(base.cost, by.cost, strict=True)
        return Part(
            max(base.slowest, by.slowest),
            tuple(
                (max(a[0], b[0]), *(x + y for x, y in zip(a[1:], b[1:], strict=True)))
                for a, b in sums
            ),
        )

    def value():
        one, two, wide = (part(4, (0, 5)) for _ in range(3))
        plain = [nothing, one, more(one, two)]
        return tuple((it, more(it, wide) if it is not nothing else more(one, wide)) for it in plain)

    values = {name: value() for name in "abc"}
    nodes = [
        [
            Candidate(
                Option(f"op{index}", source, "abc"[source], rnd.random() < 0.3, part()),
                round(rnd.uniform(0, 3), 3) if index or source else 0.0,
            )
            for source in range(min(number + 1, 3))
            for index in range(3)
        ]
        for number in range(5)
    ]
    fixed = Part(9, tuple((pace - 3, 10, 10, 10, 10) for pace in paces))
    return SearchCosts(paces, fixed, {}, values), nodes


def all_networks(costs, nodes):
    for picks in product(*(range(len(node)) for node in nodes)):
        kept = [node[pick] for node, pick in zip(nodes, picks, strict=True)]
        yield sum(it.loss for it in kept), costs.of_network(it.option for it in kept)


@pytest.mark.parametrize("seed", range(4))
def test_the_best_of_all_networks(seed):
    costs, nodes = drawn(seed)
    everything = list(all_networks(costs, nodes))
    rnd = random.Random(seed)
    for _ in range(30):
        limited = rnd.sample(FIGURES[1:], rnd.choice((1, 2, 3)))
        limits = {name: rnd.randint(18, 45) for name in limited}
        limits |= {"cycles": rnd.choice((9, 12, 14, 20))} if rnd.random() < 0.3 else {}
        losses = [loss for loss, figures in everything if is_within(figures, limits)]
        found = best_within(costs, nodes, limits)
        assert (found is None) == (not losses)
        if found:
            assert is_within(figures_of(costs, nodes, found.picks), limits)
            assert found.is_best
            assert found.loss == pytest.approx(min(losses))


def nearest(costs, nodes, limits):
    free = [[Candidate(it.option, 0.0) for it in node] for node in nodes]
    return nearest_by(partial(best_within, costs, free), partial(figures_of, costs, free), limits)


@pytest.mark.parametrize(
    "limits", [{"lut": 8, "dsp": 8}, {"dsp": 0}, {"lut": 20, "dsp": 0}], ids=str
)
def test_the_nearest_network_where_nothing_fits(limits):
    costs, nodes = drawn(0)
    found = nearest(costs, nodes, limits)
    figures = figures_of(costs, nodes, found.picks)
    factor = max(figures[name] / max(limit, 1) for name, limit in limits.items())
    best = min(
        max(figures[name] / max(limit, 1) for name, limit in limits.items())
        for _, figures in all_networks(costs, nodes)
    )
    assert factor == pytest.approx(best, rel=1e-3)


def test_cycles_that_no_network_keeps():
    costs, nodes = drawn(0)
    assert nearest(costs, nodes, {"cycles": 5, "lut": 1}) is None


def test_a_search_that_is_cut_off_says_how_far_off_it_may_be():
    proven = 0
    for seed in range(8):
        costs, nodes = drawn(seed)
        limits = {"lut": 30, "dsp": 30}
        losses = [loss for loss, it in all_networks(costs, nodes) if is_within(it, limits)]
        for visits in (0, 3, 20):
            try:
                found = best_within(costs, nodes, limits, visits)
            except Undecided:
                continue
            if found:
                assert found.bound <= min(losses) + 1e-9 <= found.loss + 2e-9
                assert not found.is_best or found.loss == pytest.approx(min(losses))
                proven += found.is_best
    assert 0 < proven < 24
