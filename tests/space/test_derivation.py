"""What is derived under a budget: within it by `nashc estimate`, and the best there is."""

from itertools import product
from pathlib import Path

import pytest

from support.budget.costs import SearchCosts, cost_of
from support.derivation.cells import Choice, derive, genotype_text
from support.derivation.within import derive_within
from support.progress import StageError
from tests.space.spaces import Space, costs_of, edges_drawn, estimated, without_max_pools

POLICIES = ("v1", "v2", "v3", "v4")
CELLS = "  cell in each group { policy = %s; ops = [%s] }"
OPS = "zero, maxpool 3x3, identity, conv 1x1, conv 3x3"


def space_of(policy: str, folder: Path, fps: int = 20_000) -> Path:
    ops = OPS.replace("maxpool 3x3, ", "") if policy == "v4" else OPS
    return Space(CELLS % (policy, ops), fps=fps).write(folder)


def drawn(path: Path, policy: str, seed: int):
    edges = edges_drawn(path, seed)
    return without_max_pools(edges) if policy == "v4" else edges


@pytest.mark.parametrize("policy", POLICIES)
def test_the_found_network_costs_what_the_table_says_and_no_more_than_allowed(
    policy: str, tmp_path: Path
) -> None:
    path = space_of(policy, tmp_path)
    costs, changed = costs_of(path), 0
    for seed in range(4):
        cells = drawn(path, policy, seed)
        free = derive(cells, policy)
        limit = (9 * cost_of(costs, free)["lut"] + least_lut(costs)) // 10
        derived = derive_within(cells, policy, costs, {"lut": limit})
        found = derived.cells
        figures = cost_of(costs, found)
        assert figures == estimated(path, genotype_text(found))
        assert figures["lut"] <= limit
        assert derived.answer.is_best
        pairs = zip(flat(free), flat(found), strict=True)
        different = [(a, b) for a, b in pairs if (a.op, a.source) != (b.op, b.source)]
        assert [(a, b) for _, a, b in derived.displaced] == different
        changed += bool(different)
    assert changed


@pytest.mark.parametrize("policy", POLICIES)
def test_a_budget_that_all_meet_changes_nothing(policy: str, tmp_path: Path) -> None:
    path = space_of(policy, tmp_path)
    costs = costs_of(path)
    for seed in range(5):
        cells = drawn(path, policy, seed)
        derived = derive_within(cells, policy, costs, {"lut": 10**9})
        assert derived.cells == derive(cells, policy)
        assert not derived.displaced


def test_no_network_within_the_budget_is_better(tmp_path: Path) -> None:
    """Held to all networks of a small space: the product of the weights is the largest that fits."""
    path = Space("  cell in group1 { ops = [maxpool 3x3, identity, conv 1x1, conv 3x3] }").write(
        tmp_path
    )
    costs = costs_of(path)
    for seed in range(5):
        cells = edges_drawn(path, seed)
        lut = sorted(cost_of(costs, {"group1": its})["lut"] for its, _ in all_of(cells["group1"]))
        for limit in (lut[0], lut[len(lut) // 3], lut[-1]):
            limits = {"lut": limit, "bram18": 40}
            [found] = derive_within(cells, "v3", costs, limits).cells.values()
            product_of = {
                tuple((it.op, it.source) for it in its): weight
                for its, weight in all_of(cells["group1"])
            }
            best = max(
                weight
                for its, weight in all_of(cells["group1"])
                if (cost := cost_of(costs, {"group1": its}))["lut"] <= limit
                and cost["bram18"] <= 40
            )
            mine = product_of[tuple((it.op, it.source) for it in found)]
            assert mine == pytest.approx(best)


def flat(cells):
    return [choice for choices in cells.values() for choice in choices]


def all_of(edges):
    """All networks of one cell under v3, each with the product of its weights."""
    nodes = sorted({edge.node for edge in edges})
    per_node = [
        [
            (Choice(node, op, edge.source, weight), weight)
            for edge in edges
            if edge.node == node
            for op, weight in zip(edge.ops, edge.weights, strict=True)
            if op != "zero" and not (edge.changes_channels and op == "maxpool 3x3")
        ]
        for node in nodes
    ]
    for picked in product(*per_node):
        weight = 1.0
        for _, of_one in picked:
            weight *= of_one
        yield [choice for choice, _ in picked], weight


def least_lut(costs: SearchCosts) -> int:
    """Of the networks that keep one and the same kind of op from the first node: a bound that is met."""
    options = [
        min(its.values(), key=lambda it: it.part.cost[0][1])
        for nodes in costs.options.values()
        for its in nodes.values()
    ]
    return costs.of_network(options)["lut"]


def test_a_table_of_another_space_is_noticed(tmp_path: Path) -> None:
    path = space_of("v3", tmp_path)
    cells = edges_drawn(path, 0)
    other = costs_of(Space("  cell in group0 { ops = [identity] }").write(tmp_path))
    with pytest.raises(StageError, match=r"costs in settings/ have no .* into node 1 of group1"):
        derive_within({"group1": cells["group1"]}, "v3", other, {"lut": 1})


def test_nothing_fits(tmp_path: Path) -> None:
    path = space_of("v3", tmp_path)
    with pytest.raises(StageError, match="no network of this search stays within lut <= 10"):
        derive_within(edges_drawn(path, 0), "v3", costs_of(path), {"lut": 10})
