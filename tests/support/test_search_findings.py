"""Whether a search collapsed, decided, and agreed with others of its seeds."""

import math

from support.derivation.cells import Choice, Edge
from support.derivation.findings import (
    Found,
    best_of,
    collapsed_cells,
    findings,
    mean_entropy,
    spread,
    undecided,
    warnings,
)

OPS = ("zero", "identity", "conv 3x3", "conv 5x5")


def found(seed, ops, top1=0.5, weights=(0.1, 0.2, 0.3, 0.4), trained=(1, 1, 1, 1)):
    choices = [Choice(node, op, node - 1, 0.4) for node, op in enumerate(ops, 1)]
    edges = [Edge(node - 1, node, OPS, weights, False, trained) for node in range(1, len(ops) + 1)]
    scores = {"validation_top1": top1, "validation_loss": 1.0}
    return Found(seed, {"group0": choices}, {"group0": edges}, scores)


def test_a_collapse_is_more_identities_than_anything_else():
    skip, conv = "identity", "conv 3x3"
    assert collapsed_cells(found(1, [skip, skip, skip, conv]).cells) == ["group0"]
    assert collapsed_cells(found(1, [skip, skip, conv, conv]).cells) == []
    assert collapsed_cells(found(1, [skip]).cells) == []  # one node is no pattern
    said = warnings(found(1, [skip, skip, skip, conv]))
    assert len(said) == 1
    assert said[0].startswith(
        "warning: skip-connection collapse: most nodes of group0 keep an identity"
    )


def test_cells_of_one_node_collapse_together():
    """As `cell in each layer` has them."""

    def kept(*ops):
        return {f"group0.conv{i}": [Choice(1, op, 0, 0.4)] for i, op in enumerate(ops, 1)}

    skip, conv = "identity", "conv 3x3"
    assert collapsed_cells(kept(skip, conv, skip)) == ["group0.conv1", "group0.conv3"]
    assert collapsed_cells(kept(skip, conv, skip, conv)) == []
    assert collapsed_cells({**kept(skip, conv), "group1": [Choice(1, skip, 0, 0.4)] * 3}) == [
        "group1"
    ]


def test_a_search_that_decided_nothing_says_so():
    even = found(1, ["conv 3x3"], weights=(0.25, 0.26, 0.25, 0.24))
    assert undecided(even) == ["group0 0-1"]
    assert "1 of 1 edges are undecided" in warnings(even)[0]
    assert undecided(found(1, ["conv 3x3"])) == []


def test_ops_that_no_update_ran_are_named():
    untrained = found(1, ["conv 3x3"], trained=(3, 0, 2, 0))
    assert findings(untrained)["never_trained"] == ["group0 0-1 identity", "group0 0-1 conv 5x5"]
    assert warnings(untrained) == [
        "warning: no weight update ever ran 2 ops: group0 0-1 identity, group0 0-1 conv 5x5"
    ]


def test_entropy_of_the_edges():
    entropy, highest = mean_entropy(found(1, ["conv 3x3"], weights=(0.5, 0.5, 0.0, 0.0)))
    assert math.isclose(entropy, math.log(2))
    assert math.isclose(highest, math.log(4))


def test_the_spread_of_seeds():
    first = found(1, ["conv 3x3", "identity"], 0.5)
    second = found(2, ["conv 3x3", "conv 5x5"], 0.7)
    third = found(3, ["conv 3x3", "identity"], 0.6)
    agreed = spread([first, second, third])
    assert math.isclose(agreed["validation_top1_mean"], 0.6)
    assert math.isclose(agreed["validation_top1_std"], 0.1)
    assert math.isclose(agreed["agreement"], 4 / 6)  # node 1 in three pairs, node 2 in one
    assert [seed["seed"] for seed in agreed["seeds"]] == [1, 2, 3]
    assert best_of([first, second, third]) is second
    assert best_of([found(5, ["identity"]), found(4, ["identity"])]).seed == 4
