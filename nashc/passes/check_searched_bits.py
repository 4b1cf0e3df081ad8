"""What a list of bit widths asks of a search must be something that the search can choose."""

from __future__ import annotations

from nashc.diagnostics import Diagnostic, Label, Problems
from nashc.ir import Graph, Node
from nashc.passes.bit_places import bit_places, is_relu, with_weights
from nashc.schema import Spec
from nashc.schema.bit_rules import BitRule

_REACH = "let the path name convolutions and their activations: group* = [w2a2, w4a4]"


def check_searched_bits(graph: Graph, spec: Spec, problems: Problems) -> Graph:
    """The same graph; NASH312 where bit widths cannot be searched as asked."""
    lists = [rule for rule in spec.bit_rules if rule.alternatives]
    if not lists:
        return graph
    _check_search(lists[0], spec, problems)
    for rule in lists:
        _check_reach(rule, graph, problems)
        if not spec.genotype:  # whose branches may be without a layer that others have
            _check_choice(rule, graph, problems)
    _check_once(graph, spec, problems)
    return graph


def _check_search(rule: BitRule, spec: Spec, problems: Problems) -> None:
    if spec.search is None:
        text = f"`{rule.pattern}` lets a search choose, and there is no `search`"
        hint = "search { data = ...; precision = quantised }, or one width"
        problems.add(Diagnostic("NASH312", text, rule.span, help=hint))
    elif spec.search.precision != "quantised":
        text = f"`{rule.pattern}` lets the search choose bit widths, and its network has none in precision `{spec.search.precision}`"
        span = spec.spans.values.get(("search", "precision"))
        others = (Label(span, "the precision of the search"),) if span else ()
        hint = "search { precision = quantised }"
        problems.add(Diagnostic("NASH312", text, rule.span, others=others, help=hint))


def _check_reach(rule: BitRule, graph: Graph, problems: Problems) -> None:
    """A list chooses for convolutions and for the activations before them."""
    for node in graph.nodes:
        is_fixed = (node.op == "linear" and rule.bits.weight is not None) or (
            node.op == "avgpool" and rule.bits.act is not None
        )
        if is_fixed and rule.matches(node.name):
            what = "a fully connected layer" if node.op == "linear" else "an average"
            text = f"`{rule.pattern}` reaches `{node.name}`, and the bit widths of {what} are not searched"
            problems.add(Diagnostic("NASH312", text, rule.span, help=_REACH))
        is_across = node.name.startswith("nas.") and "." not in rule.pattern
        if is_across and any(map(rule.matches, (*with_weights(node), node.name))):
            text = f"`{rule.pattern}` reaches the cell over the whole network, whose branches lie in all parts"
            hint = "name its nodes, nas.node* = [w2a2, w4a4], or the parts"
            problems.add(Diagnostic("NASH312", text, rule.span, help=hint))
            return


def _check_choice(rule: BitRule, graph: Graph, problems: Problems) -> None:
    """A list is for something; of layers of the head, `_check_reach` has told."""
    is_of_head = any(n.op in ("linear", "avgpool") and rule.matches(n.name) for n in graph.nodes)
    if is_of_head or any(_sets(rule, *it) for node in graph.nodes for it in _kinds(node)):
        return
    text = f"`{rule.pattern}` reaches nothing whose bit widths a search could choose"
    problems.add(Diagnostic("NASH312", text, rule.span, help=_REACH))


def _check_once(graph: Graph, spec: Spec, problems: Problems) -> None:
    """Nothing behind a list sets a layer that it reaches: what the search finds is written as lines behind all others."""
    names: dict[str, BitRule] = {}
    for place in bit_places(graph, spec):
        other = names.setdefault(place.name, place.rule)
        if other is not place.rule:
            text = f"`{other.pattern}` and `{place.rule.pattern}` both choose for `{place.name}`"
            others = (Label(other.span, "the first"),)
            hint = "choose for it in one list: [w2a2, w4a4]"
            problems.add(Diagnostic("NASH312", text, place.rule.span, others=others, help=hint))
            return
    told = set()
    for node in graph.nodes:
        for path, kind in _kinds(node):
            rules = [rule for rule in spec.bit_rules if _sets(rule, path, kind)]
            first = next((i for i, rule in enumerate(rules) if rule.alternatives), len(rules))
            for rule in rules[first + 1 :]:
                if (rules[first].pattern, rule.pattern) in told:
                    continue
                told.add((rules[first].pattern, rule.pattern))
                text = f"`{rule.pattern}` sets `{path}`, which the search chooses by `{rules[first].pattern}`"
                others = (Label(rules[first].span, "searched here"),)
                hint = "let one of the two paths leave the layers of the other out"
                problems.add(Diagnostic("NASH312", text, rule.span, others=others, help=hint))


def _sets(rule: BitRule, path: str, kind: str) -> bool:
    return getattr(rule.bits, kind) is not None and rule.matches(path)


def _kinds(node: Node) -> list[tuple[str, str]]:
    found = [(path, "weight") for path in with_weights(node)]
    return found + ([(node.name, "act")] if is_relu(node) else [])
