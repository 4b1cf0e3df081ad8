"""The edges of a cell during the search: several candidate ops of which one runs at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from weakref import WeakValueDictionary

import torch
from torch import Tensor, nn

from support.derive import Edge
from support.expected_cost import EdgeOps
from support.gates import Gate
from support.search_ops import Binary, Convs, Node, inner_product, search_op

ALPHA_STD = 1e-3


class MixedOp(nn.Module):
    """One edge: a call runs the op that `gate` says.

    Weight step (alpha frozen): an ordinary call of that op; the other candidates do not run.
    Architecture step (alpha wants a gradient): the output is y = sum_j g_j op_j(x) with the one-hot gate g that was drawn,
    and backward passes dL/dg_j = <dL/dy, op_j(x)> of every path of the gate to alpha (support/gates.py), the candidates
    being computed there one after the other, so that memory holds one.
    """

    def __init__(
        self,
        ops: Iterable[str],
        inputs: int,
        outputs: int,
        stride: int = 1,
        convs: Convs | None = None,
    ) -> None:
        """convs: what the convolutions among the ops are; None: binary ones, as the paper has it."""
        super().__init__()
        self.ops = tuple(ops)
        self.changes_channels = inputs != outputs
        self.candidates = nn.ModuleList(
            search_op(name, inputs, outputs, stride, convs or Binary()) for name in self.ops
        )
        self.alpha = nn.Parameter(ALPHA_STD * torch.randn(len(self.ops)))
        self.sampled_counts = [0] * len(self.ops)
        self.trained_counts = [0] * len(self.ops)
        self._gate: Gate | None = None

    def forward(self, x: Tensor) -> Tensor:
        assert self._gate is not None, "gates are drawn before the network is called: set_gates"
        y = self.candidates[self._gate.sampled](x)
        if not (self.alpha.requires_grad and torch.is_grad_enabled()):
            return y
        return _ArchitectureGradient.apply(self.alpha, y, x, self, self._gate)

    def set_gate(self, gate: Gate) -> None:
        """For the calls until the next one. Counted: the draws of an epoch, and the weight updates since the start."""
        self._gate = gate
        self.sampled_counts[gate.sampled] += 1
        self.trained_counts[gate.sampled] += not self.alpha.requires_grad

    def probabilities(self) -> Tensor:
        """softmax(alpha), detached, on the CPU."""
        return torch.softmax(self.alpha.detach().cpu(), dim=0)

    def entropy_nats(self) -> float:
        probability = self.probabilities().double()
        return float(-(probability * probability.log()).sum())


Cells = dict[str, dict[tuple[int, int], MixedOp]]
"""By cell and by (from node, to node), in the order of the nodes and then of their predecessors."""


def mixed_ops(cells: Cells) -> Iterator[MixedOp]:
    for cell in cells.values():
        yield from cell.values()


def set_gates(mixed: Sequence[MixedOp], gates: Sequence[Gate]) -> None:
    for edge, gate in zip(mixed, gates, strict=True):
        edge.set_gate(gate)


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


class _ArchitectureGradient(torch.autograd.Function):
    """y unchanged; backward passes dL/dy on to y, and what it says about the candidates to alpha."""

    @staticmethod
    def forward(
        ctx: Any, alpha: Tensor, y: Tensor, x: Tensor, mixed: MixedOp, gate: Gate
    ) -> Tensor:
        ctx.save_for_backward(y)
        ctx.mixed, ctx.gate, ctx.node = mixed, gate, _node(x)
        return y.view_as(y)

    @staticmethod
    def backward(ctx: Any, grad_y: Tensor) -> tuple[Tensor, Tensor, None, None, None]:
        [y] = ctx.saved_tensors
        mixed, gate = ctx.mixed, ctx.gate
        of_paths = [
            inner_product(grad_y, y)
            if j == gate.sampled
            else mixed.candidates[j].along(grad_y, ctx.node)
            for j in gate.paths
        ]
        return (
            gate.gradient_of_alpha(torch.stack(of_paths), len(mixed.ops)),
            grad_y,
            None,
            None,
            None,
        )


_nodes: WeakValueDictionary[int, Node] = WeakValueDictionary()


def _node(x: Tensor) -> Node:
    """One Node for all edges that leave x. It lives as long as one of them waits for its gradient."""
    node = _nodes.get(id(x))
    if node is None:  # an id is unique while its Node, which holds x, lives
        node = _nodes[id(x)] = Node(x)
    return node
