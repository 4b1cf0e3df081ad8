"""What a search with a cost reckons with, by what it chooses: ops of cells, or bit widths, with ops or without. Pure Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from support.budget.costs import SearchCosts, cost_of
from support.budget.expected import EdgeOps, ExpectedCost, Penalty
from support.budget.expected_joint import ExpectedJointCost
from support.budget.joint_costs import JointCosts
from support.derivation.findings import Found

Price = Callable[[Found], dict[str, int]]
"""The figures of what was found."""


def priced(
    table: Mapping[str, Any], edges: Sequence[EdgeOps], settings: Mapping[str, Any]
) -> tuple[Penalty, Price]:
    """table: settings/search_costs.json; settings: settings/search.json."""
    policy, weights = settings["policy"], settings["cost"]
    if "places" not in table:
        costs = SearchCosts.of(table)
        expected = ExpectedCost(costs, edges, policy, weights)
        return expected, lambda found: cost_of(costs, found.cells)
    joint = JointCosts.of(table)
    return ExpectedJointCost(joint, edges, policy, weights), lambda found: joint.of_network(
        joint.picks(found.cells, found.chosen)
    )
