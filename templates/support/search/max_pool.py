"""Max-pools among the candidates of a search."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from support.layers.pools import max_pool
from support.search.norms import along_affine, along_normalised
from support.search.ops import Node, SearchOp, Width, batch_norm, most
from support.training.batch_norm import gradients, normalised


class MaxPool(SearchOp):
    """3x3 max-pool and batch norm. Across a channel change the pool stands beside itself until the channels are there, the last
    time with as many as are missing. Where channels are searched, what stands beside itself are those that are there."""

    def __init__(self, inputs: Width, outputs: Width, stride: int = 1) -> None:
        super().__init__()
        self._inputs = (inputs,)  # in a tuple, which keeps it from being a module of this one, too
        self.stride = stride
        self.bn = batch_norm(most(outputs))

    def forward(self, x: Tensor, gate: Tensor | None = None) -> Tensor:
        return _PoolNorm.apply(x, self.bn.weight, self.bn.bias, gate, self)

    def along(self, grad: Tensor, node: Node) -> Tensor:
        return along_normalised(grad, self.beside_itself(node.pooled(self.stride)), self.bn)

    def beside_itself(self, pooled: Tensor) -> Tensor:
        there, outputs = self._there(), len(self.bn.weight)
        if outputs == pooled.shape[1]:
            return pooled
        copies, rest = divmod(outputs, there)
        parts = [pooled[:, :there]] * copies
        parts += [pooled[:, :rest]] if rest else []  # an empty one would cost the layout
        return torch.cat(parts, dim=1) if len(parts) > 1 else parts[0]

    def gradient_of_one(self, grad: Tensor, pooled: Tensor) -> Tensor:
        """Of all that stand beside each other."""
        if grad.shape == pooled.shape:
            return grad
        found = torch.zeros_like(pooled)
        for part in grad.split(self._there(), dim=1):
            found[:, : part.shape[1]] += part
        return found

    def _there(self) -> int:
        [inputs] = self._inputs
        return inputs if isinstance(inputs, int) else inputs.active


class _PoolNorm(torch.autograd.Function):
    """Both in one. The pool is made again in backward: its values and where they lie would take three times the memory of x."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, gain: Tensor, bias: Tensor, gate: Tensor | None, op: MaxPool
    ) -> Tensor:
        pooled = op.beside_itself(max_pool(x, op.stride))
        y, mean, inverse_std = normalised(pooled, gain, bias, op.bn.eps)
        ctx.save_for_backward(x, gain, bias, mean, inverse_std)
        ctx.op = op
        return y

    @staticmethod
    def backward(ctx: Any, grad_y: Tensor) -> tuple[Tensor | None, ...]:
        x, gain, bias, mean, inverse_std = ctx.saved_tensors
        window = (3, 3), (ctx.op.stride,) * 2, (1, 1)
        pooled, where = torch.ops.aten.max_pool2d_with_indices(x, *window)
        grad_x, *others = gradients(
            grad_y, ctx.op.beside_itself(pooled), gain, mean, inverse_std, ctx.needs_input_grad[0]
        )
        if grad_x is not None:
            grad_pooled = ctx.op.gradient_of_one(grad_x, pooled)
            grad_x = torch.ops.aten.max_pool2d_with_indices_backward(
                grad_pooled, x, *window, (1, 1), False, where
            )
        grad_gate = along_affine(gain, bias, *others) if ctx.needs_input_grad[3] else None
        return grad_x, *others, grad_gate, None
