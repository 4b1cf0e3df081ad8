"""The hardware terms of a search for bit widths or channels: what they may ask, their table, and whether a budget leaves any choice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from nashc.diagnostics import Diagnostic, SpecError
from nashc.schema import Spec
from nashc.space.feasible import support_module, too_slow, too_small
from nashc.space.joint_table import JointTable
from nashc.space.place_table import PlaceTable
from nashc.space.terms import check_terms, limits, weights

Choose = Callable[[Mapping[str, int]], Any]
"""The best choice within some limits, or the nearest one; None if there is none."""


def terms_of_places(spec: Spec) -> tuple[dict[str, Any], dict[str, int], dict[str, float]]:
    """The content of settings/search_costs.json, limits and weights. Errors: NASH481, NASH482, NASH312, NASH313."""
    check_terms(spec)
    _check(spec)
    table = JointTable(spec).to_json() if spec.searches_cells else PlaceTable(spec).to_json()
    most = limits(spec)
    if spec.searches_cells:
        _check_both(spec, table, most)
    else:
        _check_places(spec, table, most)
    return table, most, weights(spec, 1)


def _check(spec: Spec) -> None:
    assert spec.search
    if spec.search.cost.cycles:
        code = "NASH312"
        text = (
            "cycles do not tell bit widths apart: FINN folds each layer for the pace of the target"
        )
        if spec.searches_cells:
            text = "cycles are weighed where a search chooses operations alone; this one chooses bit widths too"
        if spec.searches_channels:
            code = "NASH313"
            text = "cycles are weighed where a search chooses operations alone; this one chooses numbers of channels"
        hint = "weigh `lut`, `bram18` or `dsp`; a budget may bound `cycles` and `fps`"
        span = spec.spans.value(("search", "cost", "cycles"))
        raise SpecError([Diagnostic(code, text, span, help=hint)])


def _check_places(spec: Spec, table: Mapping[str, Any], most: Mapping[str, int]) -> None:
    solver = support_module("bits_within")
    costs = solver.BitCosts.of(table)
    losses = [[0.0] * len(alternatives) for _, alternatives in costs.places]
    best: Choose = partial(solver.best_bits_within, costs, losses)
    nearest: Choose = partial(solver.nearest_bits, costs)
    _check_feasible(spec, costs, most, best, nearest, solver.Undecided)


def _check_both(spec: Spec, table: Mapping[str, Any], most: Mapping[str, int]) -> None:
    solver = support_module("joint_within")
    costs = solver.JointCosts.of(table)
    losses = [[0.0] * count for count in costs.counts]
    best: Choose = partial(solver.best_jointly_within, costs, losses)
    nearest: Choose = partial(solver.nearest_jointly, costs)
    try:
        solver.check_size(costs)
        _check_feasible(spec, costs, most, best, nearest, solver.Undecided)
    except solver.Entangled as error:
        assert spec.search
        name = "budget" if spec.search.budget.is_asked else "cost"
        text = "too many ops and bit widths depend on each other to be reckoned with together"
        hint = "one choice of widths for a block or a group, group* = [w2a2, w4a4], or fewer ops"
        span = spec.spans.value(("search", name))
        raise SpecError([Diagnostic("NASH312", text, span, help=hint)]) from error


def _check_feasible(
    spec: Spec,
    costs: Any,
    most: Mapping[str, int],
    best: Choose,
    nearest: Choose,
    undecided: type[Exception],
) -> None:
    """NASH481 if no choice is within the limits, with the nearest one."""
    is_proven = True
    try:
        if best(most):
            return
    except undecided:
        is_proven = False
    near = nearest(most)
    if near is None:
        raise SpecError([too_slow(spec, _fewest(best, costs.paces[-1]))])
    raise SpecError([too_small(spec, costs.of_network(near.picks), most, is_proven)])


def _fewest(best: Choose, most: int) -> int:
    """The fewest cycles of a choice."""
    low, high = 0, most + 1
    while low + 1 < high:
        middle = (low + high) // 2
        if best({"cycles": middle}):
            high = middle
        else:
            low = middle
    return high
