"""The hardware terms of a search as numbers: most of each figure, and what a unit of each weighs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nashc.cost.cost import RESOURCES
from nashc.diagnostics import Diagnostic, Problems, SpecError
from nashc.schema import Spec
from nashc.schema.bounds import Least
from nashc.schema.models import Target
from nashc.space.pricing import FIGURES
from nashc.vocab.boards import Board


def check_terms(spec: Spec) -> None:
    """NASH482 where `cost` or `budget` cannot be reckoned at all."""
    problems = Problems()
    search, target = spec.search, spec.target
    assert search
    name = "budget" if search.budget.is_asked else "cost"
    span = spec.spans.value(("search", name))
    if target is None:
        text = f"`{name}` needs to know for which board"
        problems.fail(Diagnostic("NASH482", text, span, help="target { board = U250 }"))
    if target.folding and spec.is_searched:
        text = f"`{name}` reckons with FINN's own folding, and `target` asks for another one"
        hint = "leave `folding` out here, and set it for the network that is found"
        where = spec.spans.value(("target", "folding"))
        problems.add(Diagnostic("NASH482", text, where, help=hint))
    for figure in RESOURCES:
        weight = getattr(search.cost, figure)
        if weight and not getattr(target.board.resources, figure):
            text = f"{target.board.name} has no {figure}, so there is no share of it to weigh"
            where = spec.spans.value(("search", "cost", figure))
            problems.add(Diagnostic("NASH482", text, where, help=f"leave `{figure}` out"))
    problems.check()


def check_cycles(spec: Spec, table: Mapping[str, Any]) -> None:
    """NASH482 where a cost of cycles tells no two networks apart. table: search_costs.json."""
    assert spec.search
    if not spec.search.cost.cycles:
        return
    nodes: dict[tuple[str, int], list[int]] = {}
    for option in table["options"]:
        nodes.setdefault((option["cell"], option["node"]), []).extend(cycles_of(option))
    always = [cycles_of(part) for part in table.get("parts", [table.get("fixed")])]
    fewest = max(min(its) for its in (*always, *nodes.values()))
    values = (cycles_of(value) for value in table["values"])
    if max(map(max, (*always, *nodes.values(), *values))) > fewest:
        return
    text = f"cycles tell no two networks of this search apart: each takes {fewest:,}"
    hint = "leave `cycles` out: no choice changes what the slowest layer takes, or makes another slower"
    where = spec.spans.value(("search", "cost", "cycles"))
    raise SpecError([Diagnostic("NASH482", text, where, help=hint)])


def cycles_of(part: Any) -> list[int]:
    """All that an entry of the table has at the first pace, whatever it depends on."""
    if isinstance(part, Mapping) and "cost" in part:
        return [part["cost"][0][FIGURES.index("cycles")]]
    inner = part.get("choices", part.get("parts")) if isinstance(part, Mapping) else part
    return [cycles for each in inner for cycles in cycles_of(each)]


def limits(spec: Spec) -> dict[str, int]:
    """The most of each figure that the budget allows; what it does not name is free."""
    assert spec.search and spec.target
    budget, target = spec.search.budget, spec.target
    found: dict[str, int] = {}

    def lower_to(figure: str, limit: int) -> None:
        found[figure] = min(limit, found.get(figure, limit))

    board = target.board if isinstance(budget.fits, str) else budget.fits
    for figure in RESOURCES:
        if isinstance(board, Board):
            lower_to(figure, getattr(board.resources, figure))
        bound = getattr(budget, figure)
        if bound:
            lower_to(figure, bound.count(getattr(target.board.resources, figure)))
    if budget.cycles:
        lower_to("cycles", budget.cycles.count(None))
    if budget.fps:
        lower_to("cycles", most_cycles(budget.fps, target))
    return found


def most_cycles(rate: Least, target: Target) -> int:
    """The most cycles of a frame at which the rate is still met; 0 if one cycle is too many."""
    cycles = int(1e9 / target.clock / rate.amount) + 1
    while cycles and not rate.is_met(fps(cycles, target)):
        cycles -= 1
    return cycles


def fps(cycles: int, target: Target) -> float:
    """As `nashc estimate` reckons it."""
    return 1e9 / target.clock / cycles


def weights(spec: Spec, backbone_cycles: int) -> dict[str, float]:
    """Of one unit of each figure in the loss of the architecture step: weight / what its share is of."""
    assert spec.search and spec.target
    whole = {**vars(spec.target.board.resources), "cycles": backbone_cycles}
    given: dict[str, Any] = spec.search.cost.model_dump()
    return {figure: weight / whole[figure] for figure, weight in given.items() if weight}
