"""Where cells stand: the scopes of a cell, the nodes at each, and what its edges change.

Node 0 is the activation that enters the scope; node j is what leaves its j-th backbone convolution,
after batch norm and, where the block ends there, after the shortcut was added (paper, Figures 2 and 3).
"""

from __future__ import annotations

from dataclasses import dataclass

from nashc.diagnostics import Diagnostic, Problems
from nashc.diagnostics.model import counted, nearest
from nashc.ir import Graph, Node
from nashc.schema import Cell
from nashc.vocab.cellops import CellOp


@dataclass(frozen=True)
class Place:
    """A cell at one scope (a layer, block, group or the network): its nodes as values of the graph, node 0 first."""

    cell: Cell
    scope: str
    nodes: tuple[str, ...]


@dataclass(frozen=True)
class Change:
    """What an edge changes. is_exact: the stride divides the resolution."""

    channels: bool
    stride: int
    is_exact: bool

    @property
    def takes_two_convs(self) -> bool:
        """Whether an identity across it can be two convolutions side by side."""
        return self.stride == 1 or (self.stride == 2 and self.is_exact)

    def allows(self, op: CellOp, cell: Cell) -> bool:
        """Whether `op` can stand on the edge in a network that FINN builds."""
        if op.kind == "identity" and cell.settings.identity_across == "two_convs":
            return self.takes_two_convs
        return op.can_change(self.channels, self.stride)


def places_of(cell: Cell, graph: Graph, problems: Problems) -> list[Place]:
    """The scopes that a cell attaches to; NASH302, NASH303 where there are none or they have other nodes."""
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
            has = counted(len(inside), "convolution")
            text = f"`{scope}` has {has} in a row, so its cell has {counted(len(nodes), 'node')}, not {wanted}"
            hint = f"nodes = {len(nodes)}, or leave `nodes` out"
            problems.add(Diagnostic("NASH303", text, cell.span, help=hint))
        places.append(Place(cell, scope, nodes))
    return places


def change_of(place: Place, source: int, target: int, graph: Graph) -> Change:
    before, after = graph.node(place.nodes[source]).shape, graph.node(place.nodes[target]).shape
    stride = max(1, -(-before[1] // after[1]))
    is_exact = before[1:3] == (after[1] * stride, after[2] * stride)
    return Change(before[-1] != after[-1], stride, is_exact)


def candidates(place: Place, source: int, target: int, graph: Graph) -> tuple[CellOp, ...]:
    """The operations an edge may choose; v1 and v3 let unsuitable max-pools into the search."""
    change = change_of(place, source, target, graph)
    lenient = place.cell.settings.policy in ("v1", "v3")
    return tuple(
        op
        for op in place.cell.ops_of(source, target)
        if change.allows(op, place.cell) or (lenient and op.kind == "maxpool" and change.channels)
    )


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
