"""The hardware terms of a search for bit widths or channels: their table, what they may ask, and whether a budget leaves any choice."""

from __future__ import annotations

from typing import Any

from nashc.schema import Spec
from nashc.space.feasible import check_feasible
from nashc.space.joint_table import JointTable
from nashc.space.place_table import PlaceTable
from nashc.space.terms import check_cycles, check_terms, cycles_of, limits, weights


def terms_of_places(spec: Spec) -> tuple[dict[str, Any], dict[str, int], dict[str, float]]:
    """The content of settings/search_costs.json, limits and weights. Errors: NASH481, NASH482, NASH312, NASH313."""
    check_terms(spec)
    table = JointTable(spec).to_json() if spec.searches_cells else PlaceTable(spec).to_json()
    most = limits(spec)
    check_feasible(spec, table, most)
    check_cycles(spec, table)
    return table, most, weights(spec, max(max(cycles_of(part)) for part in table["parts"]))
