"""NAS cells beside the backbone: a branch into every node, from the genotype or as choices.

A cell stands over a scope (a layer, block, group or the network). Node 0 is the activation that
enters the scope; node j is what leaves its j-th backbone convolution, after batch norm and, where
the block ends there, after the shortcut was added (paper, Figures 2 and 3). Into node j goes the
branch; the sum feeds the next activation, and an activation of the NAS bit width for later branches.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

from nashc.diagnostics import Diagnostic, Label, Problems
from nashc.diagnostics.model import nearest
from nashc.ir import Graph, Node
from nashc.schema import Cell, Choice, Spec
from nashc.text import Span
from nashc.vocab.cellops import CONV_1X1, MAXPOOL, CellOp


@dataclass(frozen=True)
class _Place:
    """A cell at one scope: its nodes as values of the graph, node 0 first."""

    cell: Cell
    scope: str
    nodes: tuple[str, ...]


@dataclass(frozen=True)
class _Change:
    """What an edge changes. is_exact: the stride divides the resolution."""

    channels: bool
    stride: int
    is_exact: bool

    def allows(self, op: CellOp, cell: Cell) -> bool:
        """Whether `op` can stand on the edge in a network that FINN builds."""
        if op.kind == "identity" and cell.settings.identity_across == "two_convs":
            return self.stride == 1 or (self.stride == 2 and self.is_exact)
        return op.can_change(self.channels, self.stride)


def attach_cells(graph: Graph, spec: Spec, problems: Problems) -> Graph:
    """The graph with all cells; NASH3xx where a cell or the genotype does not fit."""
    places = [place for cell in spec.cells for place in _places(cell, graph, problems)]
    _check_scopes(places, problems)
    for place in places:
        _check_order(place, graph, problems)
    problems.check()
    _check_genotype(spec, places, problems)
    for place in places:
        _check_edges(place, graph, problems)
    problems.check()
    attacher = _Attacher(graph, spec, problems)
    for place in places:
        attacher.attach(place)
    problems.check()
    return attacher.result()


# ---- scopes -----------------------------------------------------------------------------------


def _check_scopes(places: list[_Place], problems: Problems) -> None:
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


def _check_order(place: _Place, graph: Graph, problems: Problems) -> None:
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


def _places(cell: Cell, graph: Graph, problems: Problems) -> list[_Place]:
    layers = [n for n in graph.nodes if n.op == "conv" and n.params["role"] == "backbone"]
    scopes = list(dict.fromkeys(scope for node in layers for scope in _scopes(cell, node.name)))
    if not scopes:
        known = sorted({part for node in layers for part in _prefixes(node.name)})
        text = f"there is no `{cell.scope}` with convolutions in this network"
        hint = (
            nearest(cell.scope, known)
            if known
            else "leave the cell out, or add a group with a convolution"
        )
        problems.add(Diagnostic("NASH302", text, cell.span, help=hint))
    places = []
    for scope in scopes:
        inside = [n for n in layers if scope == "network" or _within(n.name, scope)]
        nodes = (inside[0].inputs[0], *(_joint(node, graph) for node in inside))
        wanted = cell.settings.nodes
        if wanted is not None and wanted != len(nodes):
            text = (
                f"`{scope}` has {len(inside)} convolutions in a row, so its cell has "
                f"{len(nodes)} nodes, not {wanted}"
            )
            hint = f"nodes = {len(nodes)}, or leave `nodes` out"
            problems.add(Diagnostic("NASH303", text, cell.span, help=hint))
        places.append(_Place(cell, scope, nodes))
    return places


def _scopes(cell: Cell, path: str) -> list[str]:
    """Scopes of this cell that a layer's path lies in."""
    parts = path.split(".")
    if not cell.each:
        return [cell.scope] if cell.scope == "network" or _within(path, cell.scope) else []
    depth = {"group": 1, "block": len(parts) - 1, "layer": len(parts)}[cell.scope]
    return [".".join(parts[: max(depth, 1)])]


def _prefixes(path: str) -> list[str]:
    parts = path.split(".")
    return [".".join(parts[:end]) for end in range(1, len(parts) + 1)]


def _within(path: str, scope: str) -> bool:
    return path == scope or path.startswith(scope + ".")


def _joint(conv: Node, graph: Graph) -> str:
    """The value behind a convolution that goes into the next activation."""
    value = conv.name
    while True:
        readers = graph.consumers[value]
        follow = next((r for r in readers if r.op in ("batchnorm", "add", "maxpool")), None)
        if follow is None:
            return value
        value = follow.name


# ---- legality ---------------------------------------------------------------------------------


def _change(place: _Place, source: int, target: int, graph: Graph) -> _Change:
    before, after = graph.node(place.nodes[source]).shape, graph.node(place.nodes[target]).shape
    stride = max(1, -(-before[1] // after[1]))
    is_exact = before[1:3] == (after[1] * stride, after[2] * stride)
    return _Change(before[-1] != after[-1], stride, is_exact)


def _check_edges(place: _Place, graph: Graph, problems: Problems) -> None:
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
            if not _candidates(place, *edge, graph):
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


def _candidates(place: _Place, source: int, target: int, graph: Graph) -> tuple[CellOp, ...]:
    """The operations an edge may choose; v1 and v3 let unsuitable max-pools into the search."""
    change = _change(place, source, target, graph)
    lenient = place.cell.settings.policy in ("v1", "v3")
    return tuple(
        op
        for op in place.cell.ops_of(source, target)
        if change.allows(op, place.cell) or (lenient and op.kind == "maxpool" and change.channels)
    )


def _may_be_kept(place: _Place, source: int, target: int, graph: Graph) -> bool:
    """Whether the derivation could take an operation of this edge; v1 puts a 1x1 conv for a max-pool."""
    change, replaces = _change(place, source, target, graph), place.cell.settings.policy == "v1"
    return any(
        change.allows(op, place.cell) or (replaces and op.kind == "maxpool")
        for op in place.cell.ops_of(source, target)
        if op.kind != "zero"
    )


def _check_genotype(spec: Spec, places: list[_Place], problems: Problems) -> None:
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
            text = f"the cell of `{scope}` has {expected} nodes to fill, and the genotype gives {len(choices)}"
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


def _check_choice(place: _Place, target: int, choice: Choice, graph: Graph) -> Diagnostic | None:
    op, cell = choice.op, place.cell
    legal = [other for other in cell.ops_of(choice.source, target) if other.kind != "zero"]
    change = _change(place, choice.source, target, graph)
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
    fit = ", ".join(str(other) for other in legal if change.allows(other, cell))
    hint = f"take a convolution here ({fit})" if fit else "allow a convolution on this edge"
    where = f"from node {choice.source} ({before}) to node {target} ({after})"
    if op.kind == "maxpool":
        text = f"policy {cell.settings.policy} keeps no max-pool that changes channels: {where}"
        return Diagnostic("NASH305", text, choice.span, others=others, help=hint)
    text = f"`{op}` cannot change channels or resolution: {where}"
    if op.kind == "identity" and cell.settings.identity_across == "forbid":
        hint += ", or set `identity_across = two_convs` in the cell"
    return Diagnostic("NASH306", text, choice.span, others=others, help=hint)


# ---- rewriting ----------------------------------------------------------------------------------


class _Attacher:
    """Adds branches in the order of the graph; `current` is what a joint has become."""

    def __init__(self, graph: Graph, spec: Spec, problems: Problems) -> None:
        self.graph, self.spec, self.problems = graph, spec, problems
        self.new: dict[str, list[Node]] = {}
        self.current: dict[str, str] = {}

    def attach(self, place: _Place) -> None:
        """Plan the branches of one cell, node by node."""
        states: dict[int, str] = {0: place.nodes[0]}
        choices = (self.spec.genotype or {}).get(place.scope)
        prefix = "nas" if place.scope == "network" else f"{place.scope}.nas"
        for target in range(1, len(place.nodes)):
            joint = place.nodes[target]
            self.new.setdefault(joint, [])
            if choices is None:
                branches = self._choices(place, prefix, target, states)
            else:
                branch = self._chosen(place, prefix, target, choices[target - 1], states)
                branches = [branch] if branch else []
            before = self.current.get(joint, joint)
            name = f"{prefix}.node{target}.add"
            self.new[joint].append(
                Node(name, "add", (before, *branches), {}, None, place.cell.span)
            )
            self.current[joint] = name

    def _state(self, place: _Place, prefix: str, index: int, states: dict[int, str]) -> str:
        """The value that branches take from a node, made when first asked for."""
        if index not in states:
            joint = place.nodes[index]
            name = f"{prefix}.node{index}.act"
            params = {
                "kind": "relu",
                "bits": self.spec.bits_of(name, "nas").act,
                "quantiser": name,
                "role": "nas",
            }
            total = f"{prefix}.node{index}.add"
            self.new[joint].append(Node(name, "act", (total,), params, None, place.cell.span))
            states[index] = name
        return states[index]

    def _choices(
        self, place: _Place, prefix: str, target: int, states: dict[int, str]
    ) -> list[str]:
        names = []
        for source in range(target):
            ops = _candidates(place, source, target, self.graph)
            if not ops:
                continue
            stride = _change(place, source, target, self.graph).stride
            name, here = f"{prefix}.edge{source}_{target}", f"{prefix}.node{target}"
            params = {
                "cell": place.scope,
                "source": source,
                "target": target,
                "ops": tuple(map(str, ops)),
                "out": self.graph.node(place.nodes[target]).shape[-1],
                "stride": stride,
                "weight_bits": self._weight_bits(f"{here}.conv"),
                "identity_bits": self._weight_bits(f"{here}.identity"),
            }
            state = self._state(place, prefix, source, states)
            self._put(place, target, Node(name, "choice", (state,), params, None, place.cell.span))
            names.append(name)
        return names

    def _chosen(
        self, place: _Place, prefix: str, target: int, choice: Choice, states: dict[int, str]
    ) -> str | None:
        problem = _check_choice(place, target, choice, self.graph)
        if problem:
            self.problems.add(problem)
            return None
        state = self._state(place, prefix, choice.source, states)
        change = _change(place, choice.source, target, self.graph)
        stride, window, span = change.stride, choice.op.window, choice.span
        here = f"{prefix}.node{target}"
        if choice.op.kind == "identity" and not change.channels and stride == 1:
            return state
        if choice.op.kind == "maxpool":
            params: dict[str, object] = {"window": window, "stride": stride, "pad": window // 2}
            return self._normalised(
                place, target, f"{here}.maxpool", "maxpool", state, params, span
            )
        # An identity across a change becomes one convolution over the pixels that two would share: see decision 6.
        is_across = choice.op.kind == "identity"
        name = f"{here}.identity" if is_across else f"{here}.conv"
        params = {
            "out": self.graph.node(place.nodes[target]).shape[-1],
            "kernel": stride if is_across else window,
            "stride": stride,
            "pad": 0 if is_across else window // 2,
            "weight_bits": self._weight_bits(name),
            "role": "nas",
        }
        return self._normalised(place, target, name, "conv", state, params, span)

    def _weight_bits(self, name: str) -> int:
        return self.spec.bits_of(name, "nas").weight or 1

    def _normalised(
        self,
        place: _Place,
        target: int,
        name: str,
        op: str,
        state: str,
        params: Mapping[str, object],
        span: Span,
    ) -> str:
        """An operation followed by batch norm (paper, section III-B)."""
        self._put(place, target, Node(name, op, (state,), params, None, span))
        self._put(place, target, Node(f"{name}.bn", "batchnorm", (name,), {}, None, span))
        return f"{name}.bn"

    def _put(self, place: _Place, target: int, node: Node) -> None:
        self.new[place.nodes[target]].append(node)

    def result(self) -> Graph:
        """The graph with all planned nodes behind their joints, readers of a joint redirected."""
        nodes: list[Node] = []
        for node in self.graph.nodes:
            nodes.append(replace(node, inputs=tuple(self.current.get(i, i) for i in node.inputs)))
            nodes.extend(self.new.get(node.name, ()))
        return Graph(self.graph.name, tuple(nodes)).pruned()
