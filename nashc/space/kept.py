"""A network that stands in a spec with a budget is held to it, found by a search or not."""

from __future__ import annotations

from collections.abc import Mapping

from nashc.cost.backends import Wanted
from nashc.cost.models import MODELS
from nashc.diagnostics import Diagnostic, Label, SpecError
from nashc.lower import lower
from nashc.schema import Spec
from nashc.space.feasible import needs, place_of_limit
from nashc.space.pricing import FIGURES, MODEL, Pricing
from nashc.space.terms import limits


def check_kept(spec: Spec) -> None:
    """NASH481 if a network breaks the budget that its spec gives a search: found, edited since, or written by hand.

    spec: one with a budget and nothing left to search; as FINN itself folds it.
    """
    figures, most = figures_of(spec), limits(spec)
    if all(figures[name] <= limit for name, limit in most.items()):
        return
    name, said = needs(figures, most)
    text = f"the network breaks the budget of the search: it needs {said}"
    hint = "change it or search again, raise the budget, or take it out of this spec"
    others = [Label(span, "with this genotype") for span in spec.genotype_spans.values()][:1]
    where = place_of_limit(spec, name)
    raise SpecError([Diagnostic("NASH481", text, where, others=tuple(others), help=hint)])


def figures_of(spec: Spec) -> Mapping[str, int]:
    """What `nashc estimate` says of a spec with nothing left to search."""
    assert spec.target
    pricing = Pricing(spec.target)
    wanted = Wanted.of(spec)
    nodes = MODELS[MODEL].hardware(lower(spec), spec.target.board.part, None, wanted)
    pace = max(pricing.slowest(nodes), pricing.target_cycles or 0)
    return dict(zip(FIGURES, pricing.cost(nodes, pace), strict=True))
