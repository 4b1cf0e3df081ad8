"""The search space and what it costs: which networks a search may find, the hardware of each, whether a budget leaves any.

Only specs with `cost` or `budget` in `search` pay for it. `alternatives` says what each node may keep, `table` prices it
by lowering real networks (`network`, `pricing`), `terms` reads weights and limits, `feasible` asks whether anything fits.
Where bit widths or numbers of channels are searched (`places`), `place_terms` and `place_table` do the same; `joint_table`
is the table where cells are searched, too. `parts` chooses the networks that both of these are made from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nashc.schema import Spec


@dataclass(frozen=True)
class HardwareTerms:
    """table: the content of settings/search_costs.json. limits: most of each figure. weights: loss for a unit of each."""

    table: Mapping[str, Any]
    limits: Mapping[str, int]
    weights: Mapping[str, float]


def hardware_terms(spec: Spec) -> HardwareTerms | None:
    """What the search of a spec asks of the hardware; None where it asks nothing. Errors: NASH481, NASH482, NASH312, NASH313."""
    if not (spec.search and spec.search.asks_for_costs):
        return None
    if spec.search.budget.is_asked and not spec.is_searched:
        from nashc.space.kept import check_kept

        if spec.target and not spec.target.folding:  # the budget is of FINN's own folding
            check_kept(spec)
    if spec.searches_places:
        from nashc.space.place_terms import terms_of_places

        return HardwareTerms(*terms_of_places(spec))
    if not spec.cells:
        return None
    from nashc.space.feasible import check_feasible  # these load numpy
    from nashc.space.table import SpaceTable
    from nashc.space.terms import check_cycles, check_terms, limits, weights

    check_terms(spec)
    table = SpaceTable(spec).to_json()
    most = limits(spec)
    if spec.is_searched:
        check_feasible(spec, table, most)
        check_cycles(spec, table)
    return HardwareTerms(table, most, weights(spec, table["fixed"]["cost"][0][0]))
