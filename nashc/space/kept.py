"""What was found and stands in a spec with its budget is held to it, edited by hand or not."""

from __future__ import annotations

from collections.abc import Mapping

from nashc.cost.backends import Wanted
from nashc.cost.models import MODELS
from nashc.diagnostics import Diagnostic, Label, Problems, SpecError
from nashc.lower import lower
from nashc.schema import Spec
from nashc.schema.bit_rules import BitRule, read_bit_rules
from nashc.schema.merge import merge
from nashc.space.feasible import needs, place_of_limit
from nashc.space.pricing import FIGURES, MODEL, Pricing
from nashc.space.terms import limits
from nashc.syntax import ast


def check_kept(spec: Spec) -> None:
    """NASH481 if the genotype of a spec, or what it puts where a file that it extends has lists, breaks the budget.

    spec: one with a budget and nothing left to search; as FINN itself folds it.
    """
    widths, has_channels = _found_widths(spec), _has_found_channels(spec)
    what = ["genotype"] * bool(spec.genotype) + ["bit widths"] * bool(widths)
    what += ["numbers of channels"] * has_channels
    if not what:
        return
    figures, most = figures_of(spec), limits(spec)
    if all(figures[name] <= limit for name, limit in most.items()):
        return
    name, said = needs(figures, most)
    is_one = what == ["genotype"]
    verb, subject = ("breaks", "it needs") if is_one else ("break", "they need")
    text = f"the {' and '.join(what)} {verb} the budget of the search: {subject} {said}"
    hint = "search again, or raise the budget, or take it out of this spec"
    others = [Label(span, "the genotype") for span in spec.genotype_spans.values()][:1]
    others += [Label(rule.span, "searched bit widths") for rule in widths[:1]]
    others += [Label(spec.backbone.span, "searched numbers of channels")] * has_channels
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


def _has_found_channels(spec: Spec) -> bool:
    """Whether a file of the spec has a list in the arguments of its backbone."""
    for module in spec.module.chain:
        network = merge((module.file,), Problems()).get("network")
        setting = network and network.settings.get("backbone")
        value = setting and setting.values[0]
        if isinstance(value, ast.Term) and any(
            isinstance(argument.value, ast.List) for argument in value.arguments or ()
        ):
            return True
    return False


def _found_widths(spec: Spec) -> list[BitRule]:
    """The rules of a spec that stand where a file of it lets a search choose."""
    searched = set()
    for module in spec.module.chain:
        network = merge((module.file,), Problems()).get("network")
        rules = read_bit_rules(network and network.sections.get("bits"), spec.params, Problems())
        searched |= {rule.pattern for rule in rules if rule.alternatives}
    return [rule for rule in spec.bit_rules if rule.pattern in searched]
