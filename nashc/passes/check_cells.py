"""Whether cells and the genotype fit the network that they stand in."""

from __future__ import annotations

from itertools import pairwise

from nashc.diagnostics import Diagnostic, Label, Problems
from nashc.diagnostics.model import counted, nearest
from nashc.ir import Graph
from nashc.passes.cell_places import Place, candidates, change_of
from nashc.schema import Cell, Choice, Spec
from nashc.vocab.cellops import CONV_1X1, MAXPOOL


def check_cells(places: list[Place], graph: Graph, spec: Spec, problems: Problems) -> None:
    """The cells, and the genotype as a whole; raises where one does not fit."""
    _check_scopes(places, problems)
    for place in places:
        _check_order(place, graph, problems)
    problems.check()
    _check_genotype(spec, places, problems)
    for place in places:
        _check_edges(place, graph, problems)
    problems.check()


def check_choice(place: Place, target: int, choice: Choice, graph: Graph) -> Diagnostic | None:
    """What keeps a choice of the genotype from its edge."""
    op, cell = choice.op, place.cell
    legal = [other for other in cell.ops_of(choice.source, target) if other.kind != "zero"]
    change = change_of(place, choice.source, target, graph)
    if cell.settings.policy == "v1" and change.channels and MAXPOOL in legal:
        legal += [CONV_1X1] if CONV_1X1 not in legal else []  # what v1 puts for a max-pool
    others = (Label(cell.span, "the cell"),)
    if op not in legal:
        text = f"edge {choice.source} -> {target} may not be `{op}`: it is not in the op set"
        hint = "legal are " + ", ".join(map(str, legal))
        return Diagnostic("NASH304", text, choice.span, others=others, help=hint)
    if change.allows(op, cell):
        return None
    before = "x".join(map(str, graph.node(place.nodes[choice.source]).shape[1:]))
    after = "x".join(map(str, graph.node(place.nodes[target]).shape[1:]))
    fit = [other for other in legal if change.allows(other, cell)]
    what = "a convolution" if all(other.kind == "conv" for other in fit) else "another operation"
    hint = f"take {what} here ({', '.join(map(str, fit))})"
    hint = hint if fit else "allow a convolution on this edge"
    where = f"from node {choice.source} ({before}) to node {target} ({after})"
    if op.kind == "maxpool" and not change.channels:
        text = f"`{op}` cannot step {change.stride} pixels, FINN's pools leave none out: {where}"
        return Diagnostic("NASH306", text, choice.span, others=others, help=hint)
    if op.kind == "maxpool":
        text = f"policy {cell.settings.policy} keeps no max-pool that changes channels: {where}"
        return Diagnostic("NASH305", text, choice.span, others=others, help=hint)
    text = f"`{op}` cannot change channels or resolution: {where}"
    if cell.settings.identity_across == "two_convs":
        text = f"`{op}` can halve an even resolution, and change it no other way: {where}"
    elif change.takes_two_convs:
        hint += ", or set `identity_across = two_convs` in the cell"
    return Diagnostic("NASH306", text, choice.span, others=others, help=hint)


def _check_scopes(places: list[Place], problems: Problems) -> None:
    """One cell at most attaches to a scope: their layers would have the same names."""
    taken: dict[str, Cell] = {}
    for place in places:
        first = taken.setdefault(place.scope, place.cell)
        if first is not place.cell:
            text = f"two cells attach to `{place.scope}`"
            others = (Label(first.span, "the first"),)
            hint = "keep one of them"
            span = place.cell.span
            problems.add(Diagnostic("NASH102", text, span, "the second", others, hint))


def _check_order(place: Place, graph: Graph, problems: Problems) -> None:
    """Later nodes take from earlier ones: the pieces of a cell must end in the order of their convolutions."""
    index = {node.name: position for position, node in enumerate(graph.nodes)}
    for first, second in pairwise(place.nodes[1:]):
        if index[second] < index[first]:
            text = f"`{second}` and `{first}` run side by side in `{place.scope}`, no node comes after the other"
            others = tuple(
                Label(span, "one of them")
                for span in (graph.node(first).span, graph.node(second).span)
                if span
            )
            hint = (
                "attach the cell to a part without parallel branches, for example: cell in group0"
            )
            problems.add(Diagnostic("NASH311", text, place.cell.span, others=others, help=hint))
            return


def _check_genotype(spec: Spec, places: list[Place], problems: Problems) -> None:
    if spec.genotype is None:
        return
    known = {place.scope: place for place in places}
    for scope, choices in spec.genotype.items():
        span = spec.genotype_spans[scope]
        if scope not in known:
            text = f"there is no cell `{scope}`"
            problems.add(Diagnostic("NASH309", text, span, help=nearest(scope, known)))
            continue
        expected = len(known[scope].nodes) - 1
        if len(choices) != expected:
            text = f"the cell of `{scope}` has {counted(expected, 'node')} to fill, and the genotype gives {len(choices)}"
            others = (Label(known[scope].cell.span, "the cell"),)
            problems.add(Diagnostic("NASH307", text, span, others=others))
    missing = [scope for scope in known if scope not in spec.genotype]
    if missing and spec.genotype_spans:
        text = f"the genotype leaves out {', '.join(f'`{scope}`' for scope in missing)}"
        last = list(spec.genotype_spans.values())[-1]
        problems.add(Diagnostic("NASH307", text, last, help=f"{missing[0]} = ... from 0, ..."))
    elif missing:
        text = "the genotype is empty"
        problems.add(Diagnostic("NASH307", text, places[0].cell.span))


def _check_edges(place: Place, graph: Graph, problems: Problems) -> None:
    count, cell = len(place.nodes), place.cell
    for (_, target), span in cell.edge_spans.items():
        if target >= count:
            text = (
                f"there is no node {target} in the cell of `{place.scope}`: it has 0 to {count - 1}"
            )
            hint = "leave the edge out, or attach the cell to a part with more convolutions"
            problems.add(Diagnostic("NASH301", text, span, help=hint))
    for target in range(1, count):
        edges = [(source, target) for source in range(target) if cell.ops_of(source, target)]
        if not edges:
            text = f"no edge leads into node {target} of the cell in `{place.scope}`"
            hint = "edges = all, or list one: edge 0 -> 1 = [conv 1x1]"
            problems.add(Diagnostic("NASH310", text, cell.span, help=hint))
        for edge in edges:
            if not candidates(place, *edge, graph):
                text = (
                    f"nothing is left to choose on edge {edge[0]} -> {edge[1]} of `{place.scope}`"
                )
                span = cell.edge_spans.get(edge, cell.span)
                hint = "this edge changes channels or resolution: allow a convolution"
                problems.add(Diagnostic("NASH310", text, span, help=hint))

        if edges and not any(_may_be_kept(place, *edge, graph) for edge in edges):
            text = f"node {target} of `{place.scope}` could keep nothing: no operation of its edges fits policy {cell.settings.policy}"
            hint = "allow a convolution on one of them"
            problems.add(Diagnostic("NASH310", text, cell.span, help=hint))


def _may_be_kept(place: Place, source: int, target: int, graph: Graph) -> bool:
    """Whether the derivation could take an operation of this edge; v1 puts a 1x1 conv for a max-pool."""
    change, replaces = change_of(place, source, target, graph), place.cell.settings.policy == "v1"
    return any(
        change.allows(op, place.cell) or (replaces and op.kind == "maxpool")
        for op in place.cell.ops_of(source, target)
        if op.kind != "zero"
    )
