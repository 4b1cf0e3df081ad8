"""The hardware terms of a search for bit widths: what they may ask, their table, and whether a budget leaves any choice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nashc.diagnostics import Diagnostic, SpecError
from nashc.schema import Spec
from nashc.space.bit_table import BitTable
from nashc.space.feasible import support_module, too_slow, too_small
from nashc.space.terms import check_terms, limits, weights


def terms_of_bits(spec: Spec) -> tuple[dict[str, Any], dict[str, int], dict[str, float]]:
    """The content of settings/search_costs.json, limits and weights. Errors: NASH481, NASH482, NASH312."""
    check_terms(spec)
    _check(spec)
    table = BitTable(spec).to_json()
    most = limits(spec)
    _check_feasible(spec, table, most)
    return table, most, weights(spec, 1)


def _check(spec: Spec) -> None:
    assert spec.search
    name = "budget" if spec.search.budget.is_asked else "cost"
    if spec.searches_cells:
        text = f"`{name}` reckons with the ops of cells or with bit widths, and this search chooses both"
        hint = "search the cells first, and the bit widths of what is found; or leave one of them fixed"
        span = spec.spans.value(("search", name))
        raise SpecError([Diagnostic("NASH312", text, span, help=hint)])
    if spec.search.cost.cycles:
        text = (
            "cycles do not tell bit widths apart: FINN folds each layer for the pace of the target"
        )
        hint = "weigh `lut`, `bram18` or `dsp`; a budget may bound `cycles` and `fps`"
        span = spec.spans.value(("search", "cost", "cycles"))
        raise SpecError([Diagnostic("NASH312", text, span, help=hint)])


def _check_feasible(spec: Spec, table: Mapping[str, Any], most: Mapping[str, int]) -> None:
    """NASH481 if no choice of widths is within the limits, with the nearest one."""
    solver = support_module("bits_within")
    costs = solver.BitCosts.of(table)
    losses = [[0.0] * len(alternatives) for _, alternatives in costs.places]
    is_proven = True
    try:
        if solver.best_bits_within(costs, losses, most):
            return
    except solver.Undecided:
        is_proven = False
    near = solver.nearest_bits(costs, most)
    if near is None:
        paces = range(1, costs.paces[-1] + 1)
        raise SpecError([too_slow(spec, _fewest(solver, costs, losses, paces))])
    raise SpecError([too_small(spec, costs.of_network(near.picks), most, is_proven)])


def _fewest(solver: Any, costs: Any, losses: Any, cycles: range) -> int:
    """The fewest cycles of a choice."""
    low, high = cycles.start - 1, cycles.stop
    while low + 1 < high:
        middle = (low + high) // 2
        if solver.best_bits_within(costs, losses, {"cycles": middle}):
            high = middle
        else:
            low = middle
    return high
