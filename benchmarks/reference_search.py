"""The estimator of the NASH paper, written down straightforwardly: what bench_search.py measures against.

One edge runs the op that was drawn; its backward pass runs every candidate once more for <dL/dy, op_j(x)>, in the weight
step as in the architecture step (there the result is thrown away), as the published search code does. Plain torch
throughout, NCHW. Written from the paper and from that code's behaviour. The parameters have the names of the generated
supernet, so that both can be given the same weights.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def replace_edges(network: nn.Module, *, scale_first: bool = True) -> None:
    """Put a ReferenceEdge in the place of each MixedOp, with its parameters, and torch's own convolutions elsewhere.

    scale_first: weights are multiplied by their scale before the convolution, as in the published code. That makes the
    gradient at sums of zero depend on rounding; for the comparison of gradients the scale comes afterwards.
    """
    for name, module in list(network.named_modules()):
        if isinstance(module, nn.Conv2d):
            module.__class__ = nn.Conv2d
        if type(module).__name__ == "MixedOp":
            parent, _, attribute = name.rpartition(".")
            setattr(network.get_submodule(parent), attribute, ReferenceEdge(module, scale_first))


def plain_optimisers(updates: Any) -> None:
    """torch's own optimisers with the settings of the generated program's."""
    for name, kind in (
        ("weight_optimiser", torch.optim.SGD),
        ("alpha_optimiser", torch.optim.Adam),
    ):
        groups = [dict(group) for group in getattr(updates, name).param_groups]
        setattr(updates, name, kind(groups, lr=groups[0]["lr"]))


def step(updates: Any, images: Tensor, labels: Tensor) -> None:
    """One architecture and one weight update, each side frozen in turn. updates: the optimisers, a Updates."""
    for optimiser, learns, rests in (
        (updates.alpha_optimiser, updates.alphas, updates.weights),
        (updates.weight_optimiser, updates.weights, updates.alphas),
    ):
        for parameters, wanted in ((learns, True), (rests, False)):
            for parameter in parameters:
                parameter.requires_grad_(wanted)
        optimiser.zero_grad()
        F.cross_entropy(updates.network(images), labels).backward()
        if learns is updates.weights:
            nn.utils.clip_grad_norm_(learns, updates.clip)
        optimiser.step()


class ReferenceEdge(nn.Module):
    def __init__(self, mixed: Any, scale_first: bool) -> None:
        super().__init__()
        self.alpha = mixed.alpha
        self.candidates = nn.ModuleList(
            _op(candidate, name, scale_first)
            for name, candidate in zip(mixed.ops, mixed.candidates, strict=True)
        )
        self.sampled: int | None = None  # None: draw one

    def forward(self, x: Tensor) -> Tensor:
        gates = _OneHot.apply(self.alpha, self.sampled)
        for gate, op in zip(gates, self.candidates, strict=True):
            if gate == 1:
                y = op(x)
        return _Gated.apply(gates, x, y, self.candidates)


class _OneHot(torch.autograd.Function):
    """Forward a one-hot draw from softmax(alpha), backward as if it were softmax(alpha)."""

    @staticmethod
    def forward(ctx: Any, alpha: Tensor, sampled: int | None) -> Tensor:
        p = torch.softmax(alpha, 0)
        ctx.save_for_backward(p)
        index = torch.multinomial(p, 1) if sampled is None else torch.tensor([sampled])
        return torch.zeros_like(p).scatter_(0, index, 1)

    @staticmethod
    def backward(ctx: Any, grad_gates: Tensor) -> tuple[Tensor, None]:
        [p] = ctx.saved_tensors
        return grad_gates @ (torch.diag(p) - torch.outer(p, p)), None


class _Gated(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, gates: Tensor, x: Tensor, y: Tensor, candidates: nn.ModuleList) -> Tensor:
        ctx.save_for_backward(gates, x)
        ctx.candidates = candidates
        return y.clone()

    @staticmethod
    def backward(ctx: Any, grad_y: Tensor) -> tuple[Tensor, None, Tensor, None]:
        gates, x = ctx.saved_tensors
        grad_gates = torch.stack([torch.sum(grad_y * op(x)) for op in ctx.candidates]).to(gates)
        return grad_gates, None, grad_y, None


def _op(generated: nn.Module, name: str, scale_first: bool) -> nn.Module:
    kind = type(generated).__name__
    if kind == "BinaryConvNorm":
        return _ConvNorm(generated, int(name[-1]), scale_first)
    if kind == "FactorisedIdentity":
        return _Factorised(generated, scale_first)
    return {"Zero": _Zero, "Identity": _Identity, "MaxPool": _MaxPool}[kind](generated)


class _Zero(nn.Module):
    def __init__(self, generated: Any) -> None:
        super().__init__()
        self.stride, self.outputs = generated.stride, generated.outputs

    def forward(self, x: Tensor) -> Tensor:
        y = x[:, :, :: self.stride, :: self.stride].mul(0.0)
        return torch.cat([y] * (self.outputs // y.shape[1]), 1) if y.shape[1] != self.outputs else y


class _Identity(nn.Module):
    def __init__(self, generated: Any) -> None:
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        return x


class _MaxPool(nn.Module):
    def __init__(self, generated: Any) -> None:
        super().__init__()
        self.stride, self.bn = generated.stride, generated.bn

    def forward(self, x: Tensor) -> Tensor:
        y = F.max_pool2d(x, 3, self.stride, 1)
        copies = self.bn.num_features // y.shape[1]
        return self.bn(torch.cat([y] * copies, 1) if copies > 1 else y)


class _Conv(nn.Module):
    """Binary weights and activations."""

    def __init__(self, generated: Any, kernel: int, scale_first: bool) -> None:
        super().__init__()
        self.weight, self.stride, self.scale_first = (
            _whole(generated.weight, kernel),
            generated.stride,
            scale_first,
        )

    def forward(self, x: Tensor) -> Tensor:
        scale = self.weight.detach().abs().mean()
        weight = _WeightSign.apply(self.weight)
        pad = self.weight.shape[-1] // 2
        if self.scale_first:
            return F.conv2d(_ActivationSign.apply(x), weight * scale, None, self.stride, pad)
        return F.conv2d(_ActivationSign.apply(x), weight, None, self.stride, pad) * scale


class _ConvNorm(nn.Module):
    def __init__(self, generated: Any, kernel: int, scale_first: bool) -> None:
        super().__init__()
        self.conv, self.bn = _Conv(generated.conv, kernel, scale_first), generated.bn

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(torch.relu(self.conv(x)))


class _Factorised(nn.Module):
    def __init__(self, generated: Any, scale_first: bool) -> None:
        super().__init__()
        self.even = _Conv(generated.even, 1, scale_first)
        self.odd = _Conv(generated.odd, 1, scale_first)
        self.bn = generated.bn

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(torch.relu(torch.cat([self.even(x), self.odd(x[:, :, 1:, 1:])], 1)))


def _whole(weight: nn.Parameter, kernel: int) -> nn.Parameter:
    """With the rim that the generated op leaves out since it never meets the image: as large as the rest is on average, so that
    both have one scale."""
    rim = (kernel - weight.shape[-1]) // 2
    if not rim:
        return weight
    size = float(weight.detach().abs().mean(dtype=torch.float64))
    return nn.Parameter(F.pad(weight.detach(), (rim,) * 4, value=size))


class _WeightSign(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, weight: Tensor) -> Tensor:
        return torch.sign(weight)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        return grad.clone()


class _ActivationSign(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return torch.sign(x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        [x] = ctx.saved_tensors
        slope = torch.zeros_like(x)
        slope = torch.where((x >= 0) & (x < 1), 2 - 2 * x, slope)
        slope = torch.where((x >= -1) & (x < 0), 2 + 2 * x, slope)
        return grad * slope
