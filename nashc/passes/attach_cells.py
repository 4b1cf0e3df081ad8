"""NAS cells beside the backbone: a branch into every node, from the genotype or as choices.

Into node j goes the branch; the sum feeds the next activation, and an activation of the NAS bit width for later branches.
`cell_places.py` says what the nodes are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from nashc.diagnostics import Problems
from nashc.ir import Graph, Node
from nashc.passes.cell_places import Place, candidates, change_of, places_of
from nashc.passes.check_cells import check_cells, check_choice
from nashc.schema import Choice, Spec
from nashc.text import Span


def attach_cells(graph: Graph, spec: Spec, problems: Problems) -> Graph:
    """The graph with all cells; NASH3xx where a cell or the genotype does not fit.

    A branch that nothing reads goes first: its convolutions would be nodes that no search could fill.
    """
    graph = graph.pruned()
    places = [place for cell in spec.cells for place in places_of(cell, graph, problems)]
    check_cells(places, graph, spec, problems)
    attacher = _Attacher(graph, spec, problems)
    for place in places:
        attacher.attach(place)
    problems.check()
    return attacher.result()


class _Attacher:
    """Adds branches in the order of the graph; `current` is what a joint has become."""

    def __init__(self, graph: Graph, spec: Spec, problems: Problems) -> None:
        self.graph, self.spec, self.problems = graph, spec, problems
        self.new: dict[str, list[Node]] = {}
        self.current: dict[str, str] = {}

    def attach(self, place: Place) -> None:
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

    def _state(self, place: Place, prefix: str, index: int, states: dict[int, str]) -> str:
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

    def _choices(self, place: Place, prefix: str, target: int, states: dict[int, str]) -> list[str]:
        names = []
        for source in range(target):
            ops = candidates(place, source, target, self.graph)
            if not ops:
                continue
            stride = change_of(place, source, target, self.graph).stride
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
        self, place: Place, prefix: str, target: int, choice: Choice, states: dict[int, str]
    ) -> str | None:
        problem = check_choice(place, target, choice, self.graph)
        if problem:
            self.problems.add(problem)
            return None
        state = self._state(place, prefix, choice.source, states)
        change = change_of(place, choice.source, target, self.graph)
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
        place: Place,
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

    def _put(self, place: Place, target: int, node: Node) -> None:
        self.new[place.nodes[target]].append(node)

    def result(self) -> Graph:
        """The graph with all planned nodes behind their joints, readers of a joint redirected."""
        nodes: list[Node] = []
        for node in self.graph.nodes:
            nodes.append(replace(node, inputs=tuple(self.current.get(i, i) for i in node.inputs)))
            nodes.extend(self.new.get(node.name, ()))
        return Graph(self.graph.name, tuple(nodes)).pruned()
