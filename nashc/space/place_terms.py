"""The hardware terms of a search for bit widths or channels: what they may ask, their table, and whether a budget leaves any choice."""

from __future__ import annotations

from typing import Any

from nashc.diagnostics import Diagnostic, SpecError
from nashc.schema import Spec
from nashc.space.feasible import check_feasible
from nashc.space.joint_table import JointTable
from nashc.space.place_table import PlaceTable
from nashc.space.terms import check_terms, limits, weights


def terms_of_places(spec: Spec) -> tuple[dict[str, Any], dict[str, int], dict[str, float]]:
    """The content of settings/search_costs.json, limits and weights. Errors: NASH481, NASH482, NASH312, NASH313."""
    check_terms(spec)
    _check(spec)
    table = JointTable(spec).to_json() if spec.searches_cells else PlaceTable(spec).to_json()
    most = limits(spec)
    check_feasible(spec, table, most)
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
