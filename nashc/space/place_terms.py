"""The hardware terms of a search for bit widths or channels: their table, what they may ask, and whether a budget leaves any choice."""

from __future__ import annotations

from typing import Any

from nashc.diagnostics import Diagnostic, SpecError
from nashc.schema import Spec
from nashc.space.feasible import check_feasible
from nashc.space.joint_table import JointTable
from nashc.space.place_table import PlaceTable
from nashc.space.pricing import FIGURES
from nashc.space.terms import check_terms, limits, weights


def terms_of_places(spec: Spec) -> tuple[dict[str, Any], dict[str, int], dict[str, float]]:
    """The content of settings/search_costs.json, limits and weights. Errors: NASH481, NASH482, NASH312, NASH313."""
    check_terms(spec)
    table = JointTable(spec).to_json() if spec.searches_cells else PlaceTable(spec).to_json()
    most = limits(spec)
    check_feasible(spec, table, most)
    _check_cycles(spec, table)
    return table, most, weights(spec, max(max(_cycles(part)) for part in table["parts"]))


def _check_cycles(spec: Spec, table: dict[str, Any]) -> None:
    """A cost of cycles must be able to tell networks apart."""
    assert spec.search
    if not spec.search.cost.cycles:
        return
    slowest = [_cycles(part) for part in (*table["parts"], *table["options"])]
    fewest = max(min(_cycles(part)) for part in table["parts"])
    if max(map(max, slowest)) > fewest:
        return
    code = "NASH313" if spec.searches_channels else "NASH312"
    text = f"cycles tell no two networks of this search apart: each takes {fewest:,}"
    hint = "weigh `lut`, `bram18` or `dsp`; FINN folds each layer for the `fps` of `target`"
    raise SpecError(
        [Diagnostic(code, text, spec.spans.value(("search", "cost", "cycles")), help=hint)]
    )


def _cycles(part: dict[str, Any]) -> list[int]:
    """Of each of its choices, at the first pace."""
    return [choice["cost"][0][FIGURES.index("cycles")] for choice in part["choices"]]
