"""From search weights to an architecture: what each policy takes, and what it refuses."""

import pytest

from support.derivation.cells import Choice, Edge, derive, genotype_json, genotype_text
from support.progress import StageError

OPS = ("zero", "maxpool 3x3", "identity", "conv 1x1", "conv 3x3")


def edge(source, node, weights, changes_channels=False, ops=OPS, trained=None):
    return Edge(source, node, ops, tuple(weights), changes_channels, trained or (1,) * len(ops))


def chosen(policy, *edges):
    [choices] = derive({"group1": edges}, policy).values()
    return [(it.node, it.op, it.source) for it in choices]


# Node 1 can only come from node 0, which changes the channels; its best op is a max-pool, then conv 3x3.
REDUCING = edge(0, 1, [0.1, 0.5, 0.1, 0.1, 0.2], changes_channels=True)


def test_zero_is_never_taken():
    assert chosen("v3", edge(0, 1, [0.9, 0.02, 0.02, 0.03, 0.03])) == [(1, "conv 1x1", 0)]


def test_a_node_keeps_the_predecessor_of_its_best_op():
    edges = [
        edge(0, 1, [0, 0, 1, 0, 0]),
        edge(0, 2, [0.2, 0.2, 0.2, 0.3, 0.1]),
        edge(1, 2, [0.5, 0.35, 0.05, 0.05, 0.05]),
    ]
    assert chosen("v3", *edges) == [(1, "identity", 0), (2, "maxpool 3x3", 1)]


def test_v1_replaces_a_max_pool_that_cannot_change_the_channels():
    assert chosen("v1", REDUCING) == [(1, "conv 1x1", 0)]


def test_v1_replaces_it_though_the_edge_had_no_such_convolution():
    ops = ("zero", "maxpool 3x3", "conv 3x3")
    only = edge(0, 1, [0, 1, 0], True, ops)
    assert chosen("v1", only) == [(1, "conv 1x1", 0)]
    [choice] = derive({"group1": [only]}, "v1")["group1"]
    assert not choice.is_trained  # the pool was, not what stands in its place


def test_an_identity_across_a_change_is_there_because_the_spec_allows_it():
    assert chosen("v3", edge(0, 1, [0, 0.4, 0.6, 0, 0], True)) == [(1, "identity", 0)]


def test_an_op_that_never_ran_is_ranked_by_its_alpha_and_marked():
    untrained = edge(0, 1, [0, 0.1, 0.2, 0.3, 0.4], trained=(3, 3, 3, 3, 0))
    cells = derive({"group0": [untrained]}, "v3")
    assert cells["group0"] == [Choice(1, "conv 3x3", 0, 0.4, is_trained=False)]
    assert "  # never trained in the search: node 1\n" in genotype_text(cells)


def test_v1_leaves_a_max_pool_that_keeps_the_channels():
    assert chosen("v1", edge(0, 1, [0, 1, 0, 0, 0])) == [(1, "maxpool 3x3", 0)]


def test_v3_takes_the_next_best():
    assert chosen("v3", REDUCING) == [(1, "conv 3x3", 0)]


def test_v2_stays_on_the_edge_of_the_best_op_where_v3_looks_on():
    edges = [
        edge(0, 1, [0, 0, 1, 0, 0]),
        edge(0, 2, [0.1, 0.5, 0.1, 0.1, 0.2], changes_channels=True),
        edge(1, 2, [0.1, 0.4, 0.2, 0.2, 0.1]),
    ]
    assert chosen("v2", *edges)[1] == (2, "conv 3x3", 0)
    assert chosen("v3", *edges)[1] == (2, "maxpool 3x3", 1)


@pytest.mark.parametrize("policy", ["v1", "v2", "v3"])
def test_equal_weights_go_to_the_earlier_predecessor_and_then_to_the_earlier_op(policy):
    even = [0.2] * 5
    edges = [edge(0, 1, even), edge(1, 2, even), edge(0, 2, even)]
    assert chosen(policy, *edges) == [(1, "maxpool 3x3", 0), (2, "maxpool 3x3", 0)]


def test_of_equal_weights_the_first_that_is_suitable():
    even = [0.2] * 5
    edges = [edge(1, 2, even), edge(0, 2, even, changes_channels=True)]
    assert chosen("v3", *edges) == [(2, "identity", 0)]
    assert chosen("v1", *edges) == [(2, "conv 1x1", 0)]


def test_equal_weights_where_max_pools_are_no_ops():
    ops = ("zero", "identity", "conv 1x1")
    assert chosen("v4", edge(0, 1, [0.4, 0.3, 0.3], ops=ops)) == [(1, "identity", 0)]


def test_v2_has_nothing_left_on_the_edge_of_the_best_op():
    pools = edge(0, 2, [0.1, 0.9], True, ("zero", "maxpool 3x3"))
    with pytest.raises(StageError, match="node 2: policy v2 rejects every candidate"):
        chosen("v2", pools, edge(1, 2, [0.2] * 5))
    assert chosen("v3", pools, edge(1, 2, [0.2] * 5)) == [(2, "maxpool 3x3", 1)]


def test_what_never_ran_at_all_is_derived_all_the_same():
    never = edge(0, 1, [0.2] * 5, trained=(0,) * 5)
    [choice] = derive({"group0": [never]}, "v3")["group0"]
    assert (choice.op, choice.is_trained) == ("maxpool 3x3", False)


def test_nothing_left():
    ops = ("zero", "maxpool 3x3")
    with pytest.raises(StageError) as caught:
        chosen("v3", edge(0, 1, [0.5, 0.5], changes_channels=True, ops=ops))
    assert caught.value.message == (
        "group1, node 1: policy v3 rejects every candidate (maxpool 3x3 from 0)"
    )
    assert "conv 1x1" in caught.value.help


@pytest.mark.parametrize("policy", ["v1", "v2", "v3"])
def test_only_zero(policy):
    with pytest.raises(StageError, match=r"node 1: .* \(only zero\)"):
        chosen(policy, edge(0, 1, [1.0], ops=("zero",)))


def test_v4_refuses_a_set_with_max_pools():
    with pytest.raises(StageError, match="policy v4 searches without max-pools"):
        chosen("v4", REDUCING)


def test_unknown_policy():
    with pytest.raises(StageError, match="no policy is called 'v5'"):
        chosen("v5", REDUCING)


def test_forms_of_a_genotype():
    cells = {
        "group0": [Choice(1, "identity", 0, 0.41), Choice(2, "maxpool 3x3", 1, 0.25)],
        "group1": [Choice(1, "conv 5x5", 0, 0.3)],
    }
    assert genotype_json(cells) == {
        "group0": [
            {"node": 1, "op": "identity", "from": 0},
            {"node": 2, "op": "maxpool 3x3", "from": 1},
        ],
        "group1": [{"node": 1, "op": "conv 5x5", "from": 0}],
    }
    assert genotype_text(cells, ["Found with seed 2.", ""]) == (
        "# Found with seed 2.\n"
        "#\n"
        "genotype {\n"
        "  # weights: node 1 0.4100, node 2 0.2500\n"
        "  group0 = identity from 0, maxpool 3x3 from 1\n"
        "  # weights: node 1 0.3000\n"
        "  group1 = conv 5x5 from 0\n"
        "}\n"
    )
