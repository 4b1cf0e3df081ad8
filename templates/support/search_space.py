"""The edges of a cell during the search: several candidate ops of which one runs at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor, nn

from support.derive import ZERO, Edge
from support.search_ops import search_op

ALPHA_STD = 1e-3


class MixedOp(nn.Module):
    """One edge: each call samples one candidate from softmax(alpha) and returns what that one makes of x.

    Weight step (alpha frozen): an ordinary call of the sampled op; the other candidates do not run.
    Architecture step (alpha wants a gradient): the output is y = sum_j g_j op_j(x) with the one-hot gate g that was drawn,
    and backward passes dL/dg_j = <dL/dy, op_j(x)> of *every* candidate to alpha (binary gates, ProxylessNAS), running the
    others there one after the other, so that memory holds one path.
    """

    def __init__(
        self,
        ops: Iterable[str],
        inputs: int,
        outputs: int,
        stride: int = 1,
        *,
        binary: bool = True,
    ) -> None:
        super().__init__()
        self.ops = tuple(ops)
        self.changes_shape = (inputs, stride) != (outputs, 1)
        self.candidates = nn.ModuleList(
            search_op(name, inputs, outputs, stride, binary=binary) for name in self.ops
        )
        self.alpha = nn.Parameter(ALPHA_STD * torch.randn(len(self.ops)))
        self.sampled = 0
        self.sampled_counts = [0] * len(self.ops)

    def forward(self, x: Tensor) -> Tensor:
        self.sample()
        y = self.candidates[self.sampled](x)
        if not (self.alpha.requires_grad and torch.is_grad_enabled()):
            return y
        return _Gates.apply(self.alpha, y, x, self)

    def sample(self) -> None:
        """Draw the op of this call. On the CPU's generator wherever the network is: one seed, one sequence."""
        probability = self.probabilities()
        self.sampled = int(torch.multinomial(probability, 1))
        self.sampled_counts[self.sampled] += 1

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


def edges(cells: Cells) -> dict[str, list[Edge]]:
    """What `derive` needs to know of the cells: the ops of each edge, their final weights, and where shapes change."""
    return {
        name: [
            Edge(
                source, node, mixed.ops, tuple(mixed.probabilities().tolist()), mixed.changes_shape
            )
            for (source, node), mixed in cell.items()
        ]
        for name, cell in cells.items()
    }


class _Gates(torch.autograd.Function):
    """y unchanged; backward passes dL/dy on to y, and what it says about every candidate to alpha."""

    @staticmethod
    def forward(ctx, alpha: Tensor, y: Tensor, x: Tensor, mixed: MixedOp) -> Tensor:
        ctx.save_for_backward(alpha, y, x)
        ctx.mixed, ctx.sampled = mixed, mixed.sampled
        return y.view_as(y)

    @staticmethod
    def backward(ctx, grad_y: Tensor) -> tuple[Tensor, Tensor, None, None]:
        alpha, y, x = ctx.saved_tensors
        grad_gates = torch.zeros_like(alpha)
        with torch.no_grad():
            for j, (name, op) in enumerate(zip(ctx.mixed.ops, ctx.mixed.candidates, strict=True)):
                if name == ZERO:
                    continue
                output = y if j == ctx.sampled else op(x)
                grad_gates[j] = torch.sum(grad_y * output)
        # g = one-hot draw; its gradient goes on to alpha as if g were p = softmax(alpha):
        # dL/dalpha_i = sum_j dL/dg_j p_j (delta_ij - p_i)
        probability = torch.softmax(alpha, dim=0)
        grad_alpha = probability * (grad_gates - torch.dot(grad_gates, probability))
        return grad_alpha, grad_y, None, None
