"""Whether a budget leaves a network to find. Asked of the very code that will choose it when the search ends.

templates/support holds that code, in pure Python and without imports outside of it: were there a second solver here, the two
could disagree, and a search of days would end without a network.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from types import ModuleType
from typing import Any

from nashc import resources
from nashc.diagnostics import Diagnostic, SpecError
from nashc.schema import Spec
from nashc.space.terms import fps, most_cycles
from nashc.text import Span

WORDS = {"cycles": "cycles", "lut": "LUT", "bram18": "BRAM18", "uram": "URAM", "dsp": "DSP"}


@dataclass(frozen=True)
class _Space:
    """All networks that a search may find, as picks. best: an answer of the solver within limits, None if there is none."""

    solver: ModuleType
    count: int
    best: Callable[[Mapping[str, int]], Any]
    figures_of: Callable[[Sequence[int]], Mapping[str, int]]


def check_feasible(spec: Spec, table: Mapping[str, Any], limits: Mapping[str, int]) -> None:
    """NASH481 if no network of the space is within the limits, with the nearest one. table: search_costs.json.

    NASH312 or NASH313 if more choices depend on each other than the search could reckon with.
    """
    space = _of_places(spec, table) if "places" in table else _of_ops(table)
    is_proven = True
    try:
        if space.best(limits):
            return
    except space.solver.Undecided:
        is_proven = False
    near = space.solver.nearest_by(space.best, space.figures_of, limits)
    if near is None:
        raise SpecError([_too_slow(spec, _fewest_cycles(space))])
    raise SpecError([_too_small(spec, space.figures_of(near.picks), limits, is_proven)])


def _of_ops(table: Mapping[str, Any]) -> _Space:
    solver = support_module("budget.within")
    costs = solver.SearchCosts.of(table)
    nodes = [
        [solver.Candidate(option, 0.0) for option in options.values()]
        for cell in costs.options.values()
        for options in cell.values()
    ]
    best = partial(solver.best_within, costs, nodes)
    return _Space(solver, len(nodes), best, partial(solver.figures_of, costs, nodes))


def _of_places(spec: Spec, table: Mapping[str, Any]) -> _Space:
    solver = support_module("budget.joint_within")
    costs = solver.JointCosts.of(table)
    try:
        solver.check_size(costs)
    except solver.Entangled as error:
        raise SpecError([_too_entangled(spec)]) from error
    losses = [[0.0] * count for count in costs.counts]
    best = partial(solver.best_jointly_within, costs, losses)
    return _Space(solver, len(losses), best, costs.of_network)


def _fewest_cycles(space: _Space) -> int:
    """Of a network of the space."""
    low, high = 0, space.figures_of([0] * space.count)["cycles"]
    while low + 1 < high:
        middle = (low + high) // 2
        if space.best({"cycles": middle}):
            high = middle
        else:
            low = middle
    return high


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


def _too_slow(spec: Spec, cycles: int) -> Diagnostic:
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


def _too_small(
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


def _too_entangled(spec: Spec) -> Diagnostic:
    assert spec.search
    what = ["ops"] * spec.searches_cells + ["bit widths"] * spec.searches_bits
    what += ["numbers of channels"] * spec.searches_channels
    text = f"too many {' and '.join(what)} depend on each other to be reckoned with together"
    hint = "fewer alternatives"
    if spec.searches_cells:
        hint = "fewer alternatives or ops, or smaller cells: cell in each group"
    if spec.searches_bits:
        fewer = ", or fewer ops" if spec.searches_cells else ""
        hint = f"one choice of widths for a block or a group, group* = [w2a2, w4a4]{fewer}"
    code = "NASH312" if spec.searches_bits else "NASH313"
    name = "budget" if spec.search.budget.is_asked else "cost"
    return Diagnostic(code, text, spec.spans.value(("search", name)), help=hint)


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
