"""Whether a budget leaves a network to find. Asked of the very code that will choose it when the search ends.

templates/support holds that code, in pure Python and without imports outside of it: were there a second solver here, the two
could disagree, and a search of days would end without a network.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from functools import cache
from types import ModuleType
from typing import Any

from nashc import resources
from nashc.diagnostics import Diagnostic, SpecError
from nashc.schema import Spec
from nashc.space.terms import fps, most_cycles
from nashc.text import Span

WORDS = {"cycles": "cycles", "lut": "LUT", "bram18": "BRAM18", "uram": "URAM", "dsp": "DSP"}


def check_feasible(spec: Spec, table: Mapping[str, Any], limits: Mapping[str, int]) -> None:
    """NASH481 if no network of the space is within the limits, with the nearest one. table: search_costs.json."""
    solver = support_module("within_budget")
    costs = solver.SearchCosts.of(table)
    nodes = [
        [solver.Candidate(option, 0.0) for option in options.values()]
        for cell in costs.options.values()
        for options in cell.values()
    ]
    is_proven = True
    try:
        if solver.best_within(costs, nodes, limits):
            return
    except solver.Undecided:
        is_proven = False
    near = solver.nearest(costs, nodes, limits)
    if near is None:
        fastest = _fastest(solver, costs, nodes)
        raise SpecError([too_slow(spec, fastest)])
    options = [node[pick].option for node, pick in zip(nodes, near.picks, strict=True)]
    raise SpecError([too_small(spec, costs.of_network(options), limits, is_proven)])


def needs(figures: Mapping[str, int], limits: Mapping[str, int]) -> tuple[str, str]:
    """The first figure that is over its limit, and all of them in words."""
    over = [name for name, limit in limits.items() if figures[name] > limit]
    return over[0], ", ".join(f"{figures[it]:,} {WORDS[it]} of {limits[it]:,}" for it in over)


def place_of_limit(spec: Spec, figure: str) -> Span | None:
    """Of the setting that limits a figure."""
    for name in (figure, "fps", "fits") if figure == "cycles" else (figure, "fits"):
        if ("search", "budget", name) in spec.spans.values:
            break
    return spec.spans.value(("search", "budget", name))


def _fastest(solver: ModuleType, costs: Any, nodes: Any) -> int:
    """The fewest cycles of a network of the space."""
    low = 0
    high = costs.of_network(node[0].option for node in nodes)["cycles"]
    while low + 1 < high:
        middle = (low + high) // 2
        if solver.best_within(costs, nodes, {"cycles": middle}):
            high = middle
        else:
            low = middle
    return int(high)


def too_slow(spec: Spec, cycles: int) -> Diagnostic:
    assert spec.search and spec.target
    budget, target = spec.search.budget, spec.target
    rate = fps(cycles, target)
    text = f"no network of this search meets the budget: the fastest needs {cycles:,} cycles, {rate:,.1f} frames a second"
    fewest = budget.cycles.count(None) if budget.cycles else None
    is_rate = budget.fps is not None and (
        fewest is None or most_cycles(budget.fps, target) <= fewest
    )
    name = "fps" if is_rate else "cycles"
    hint = f"fps >= {int(rate)} can be met" if is_rate else f"cycles <= {cycles} can be met"
    if not is_rate:
        hint += "; FINN folds for fewer if `fps` in `target` asks for more"
    elif target.fps is None:
        hint += "; `fps` in `target` lets FINN fold for more"
    elif budget.fps and target.fps < budget.fps.amount:
        hint += f"; FINN folds for `fps = {target.fps}` in `target`: aim higher there"
    else:
        hint += "; a faster clock gives more"
    return Diagnostic("NASH481", text, spec.spans.value(("search", "budget", name)), help=hint)


def too_small(
    spec: Spec, figures: Mapping[str, int], limits: Mapping[str, int], is_proven: bool
) -> Diagnostic:
    assert spec.target
    verb = "meets" if is_proven else "was found to meet"
    name, needed = needs(figures, limits)
    text = f"no network of this search {verb} the budget: the nearest needs {needed}"
    rate = fps(figures["cycles"], spec.target)
    hint = (
        f"narrower bits, a smaller backbone or a larger board; the nearest gives {rate:,.1f} frames a second, "
        "and a lower `fps` in `target` needs less"
    )
    return Diagnostic("NASH481", text, place_of_limit(spec, name), help=hint)


@cache
def support_module(name: str) -> ModuleType:
    """A file of templates/support as the generated programs import it, without a trace in sys.modules."""

    def is_support(module: str) -> bool:
        return module.partition(".")[0] == "support"

    others = {other: module for other, module in sys.modules.items() if is_support(other)}
    for other in others:
        del sys.modules[other]
    package = ModuleType("support")
    package.__path__ = [str(resources.template_root() / "support")]
    sys.modules["support"] = package
    try:
        return importlib.import_module(f"support.{name}")
    finally:
        for loaded in [module for module in sys.modules if is_support(module)]:
            del sys.modules[loaded]
        sys.modules.update(others)
