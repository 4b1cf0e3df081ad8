"""The edges of a cell during the search: several candidate ops of which one runs at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from weakref import WeakValueDictionary

import torch
from torch import Tensor, nn

from support.budget.expected import EdgeOps
from support.derivation.cells import Edge
from support.search.alternatives import Alternatives
from support.search.candidates import search_op
from support.search.convs import Binary, Convs
from support.search.gates import Gate
from support.search.ops import Node, Width, most


class MixedOp(Alternatives):
    """One edge: a call runs the op that `gate` says.

    Weight step (alpha frozen): an ordinary call of that op; the other candidates do not run.
    Architecture step (alpha wants a gradient): the output is y = sum_j g_j op_j(x) with the one-hot gate g that was drawn,
    and backward passes dL/dg_j = <dL/dy, op_j(x)> of every path of the gate to alpha (support/search/gates.py): that of the op which
    ran falls off its own backward, the others are computed one after the other, so that memory holds one.
    """

    def __init__(
        self,
        ops: Iterable[str],
        inputs: Width,
        outputs: Width,
        stride: int = 1,
        convs: Convs | None = None,
        side: int | None = None,
    ) -> None:
        """inputs, outputs: numbers of channels, or what says how many of them are there; their masks lie outside. convs: what the
        convolutions among the ops are; None: binary ones, as the paper has it. side: of x, in pixels, if windows reach beyond it
        on both sides at once: what can never meet an image is left out."""
        ops, convs = tuple(ops), convs or Binary()
        candidates = [search_op(name, inputs, outputs, stride, convs, side) for name in ops]
        super().__init__(ops)
        self.changes_channels = most(inputs) != most(outputs)
        self.candidates = nn.ModuleList(candidates)

    def forward(self, x: Tensor) -> Tensor:
        op = self.candidates[self.gate.sampled]
        if not self.is_asked:
            return op(x)
        call = _Call(self, self.gate, _node(x))
        return _Others.apply(op(x, _Sampled.apply(self.alpha, call)), call)


Cells = dict[str, dict[tuple[int, int], MixedOp]]
"""By cell and by (from node, to node), in the order of the nodes and then of their predecessors."""


def mixed_ops(cells: Cells) -> Iterator[MixedOp]:
    for cell in cells.values():
        yield from cell.values()


def set_gates(mixed: Sequence[Alternatives], gates: Sequence[Gate]) -> None:
    for choice, gate in zip(mixed, gates, strict=True):
        choice.set_gate(gate)


def edges(cells: Cells) -> dict[str, list[Edge]]:
    """What `derive` needs to know of the cells: the ops of each edge, their final weights, how often they were trained, and where
    the number of channels changes."""
    return {
        name: [
            Edge(
                source,
                node,
                mixed.ops,
                tuple(mixed.probabilities().tolist()),
                mixed.changes_channels,
                tuple(mixed.trained_counts),
            )
            for (source, node), mixed in cell.items()
        ]
        for name, cell in cells.items()
    }


def edge_ops(cells: Cells) -> list[EdgeOps]:
    """What is known of the edges before the search, in the order of `mixed_ops`."""
    return [
        EdgeOps(name, source, node, mixed.ops, mixed.changes_channels)
        for name, cell in cells.items()
        for (source, node), mixed in cell.items()
    ]


class _Call:
    """One call of an edge in an architecture step: what its backward needs, and the gradients of its gates."""

    def __init__(self, mixed: MixedOp, gate: Gate, node: Node) -> None:
        self.mixed, self.gate = mixed, gate
        self.is_mixed_precision = torch.is_autocast_enabled(node.x.device.type)
        self.node: Node | None = node
        self.grad_gates: dict[int, Tensor] = {}

    def run_others(self, grad_y: Tensor) -> None:
        assert self.node is not None
        with torch.autocast(grad_y.device.type, torch.bfloat16, enabled=self.is_mixed_precision):
            for j in self.gate.paths:
                if j != self.gate.sampled:
                    self.grad_gates[j] = self.mixed.candidates[j].along(grad_y, self.node)
        self.node = None  # the last edge that leaves it frees what they shared

    def gradient_of_alpha(self, grad_gate: Tensor) -> Tensor:
        self.grad_gates[self.gate.sampled] = grad_gate
        of_paths = torch.stack([self.grad_gates[j] for j in self.gate.paths])
        return self.gate.gradient_of_alpha(of_paths, len(self.mixed.ops))


class _Sampled(torch.autograd.Function):
    """The gate of the op that runs: 1. Its gradient comes last, after those of the other gates."""

    @staticmethod
    def forward(ctx: Any, alpha: Tensor, call: _Call) -> Tensor:
        ctx.call = call
        return alpha.new_ones(())

    @staticmethod
    def backward(ctx: Any, grad_gate: Tensor) -> tuple[Tensor, None]:
        return ctx.call.gradient_of_alpha(grad_gate), None


class _Others(torch.autograd.Function):
    """y unchanged; backward runs the candidates that did not run, for the gradients of their gates."""

    @staticmethod
    def forward(ctx: Any, y: Tensor, call: _Call) -> Tensor:
        ctx.call = call
        return y.view_as(y)

    @staticmethod
    def backward(ctx: Any, grad_y: Tensor) -> tuple[Tensor, None]:
        ctx.call.run_others(grad_y)
        return grad_y, None


_nodes: WeakValueDictionary[int, Node] = WeakValueDictionary()


def _node(x: Tensor) -> Node:
    """One Node for all edges that leave x. It lives as long as one of them waits for its gradient."""
    node = _nodes.get(id(x))
    if node is None:  # an id is unique while its Node, which holds x, lives
        node = _nodes[id(x)] = Node(x)
    return node
