"""Numbers of channels that a search chooses: layers of the largest width, of which the first so many channels are there.

A `ChannelChoice` is shared by all layers that follow it. Behind their activations the channels are multiplied by
sum_j g_j m_j, with the one-hot gate g of support/search/gates.py and the mask m_j of the first c_j channels (Wan et al., FBNetV2,
2020). The layers behind read zeros from the others, so the network computes what the narrower one would, and backward

    dL/dg_j = sum over the layers of <dL/dz, m_j y>,    z = m y

needs of each channel one inner product, of which those of the first c_j add up: all numbers are asked in one pass.

Weights have scales that follow the weights. So that these are those of the narrower network, the weights that read channels
which are not there are quantised apart.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from support.layers.grid import Quantise
from support.layers.weight_grid import quantised_weights
from support.search.alternatives import Alternatives
from support.search.gates import Gate


class ChannelChoice(Alternatives):
    """The numbers of one place."""

    def __init__(self, place: str, *numbers: int) -> None:
        super().__init__([str(number) for number in numbers])
        self.place = place


class Channels(nn.Module):
    """Of x (N, C, H, W) the channels that are there, the others zero. counts: how many, for each alternative of the choice."""

    def __init__(self, choice: ChannelChoice, *counts: int) -> None:
        super().__init__()
        self._choice = (choice,)  # in a tuple, which keeps it from being a module of this one, too
        self.counts = counts

    @property
    def active(self) -> int:
        [choice] = self._choice
        return self.counts[choice.gate.sampled]

    def forward(self, x: Any) -> Any:
        """x: a tensor, or a quant tensor, whose scale stays."""
        return x.set(value=self._there(x.value)) if hasattr(x, "value") else self._there(x)

    def _there(self, x: Tensor) -> Tensor:
        [choice] = self._choice
        if choice.is_asked:
            return _Masked.apply(x, choice.alpha, choice.gate, self.counts)
        return x if self.active == x.shape[1] else x * _mask(x, self.active)

    def quantised(self, weight: Tensor, quantise: Quantise) -> Tensor:
        """weight: (out, in, ...), whose inputs are these channels."""
        if self.active == weight.shape[1]:
            return quantise(weight)
        parts = weight.split([self.active, weight.shape[1] - self.active], dim=1)
        return torch.cat([quantise(part) for part in parts], dim=1)


class SearchedLinear(nn.Linear):
    """A fully connected layer that reads searched channels; weights in one scale, as `TensorIntWeight` has them."""

    def __init__(self, *sizes: int, bits: int, inputs: Channels, **options: Any) -> None:
        super().__init__(*sizes, **options)
        self.bits = bits
        self._inputs = (inputs,)

    def forward(self, x: Tensor) -> Tensor:
        [inputs] = self._inputs
        weight = inputs.quantised(
            self.weight, lambda it: quantised_weights(it, self.bits, per_channel=False)
        )
        return F.linear(x, weight)


def channel_choices(network: nn.Module) -> dict[str, ChannelChoice]:
    """By place, in the order of the network."""
    return {it.place: it for it in network.modules() if isinstance(it, ChannelChoice)}


def _mask(x: Tensor, active: int) -> Tensor:
    return (torch.arange(x.shape[1], device=x.device) < active).to(x.dtype).view(1, -1, 1, 1)


class _Masked(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, alpha: Tensor, gate: Gate, counts: tuple[int, ...]) -> Tensor:
        ctx.save_for_backward(x)
        ctx.gate, ctx.counts = gate, counts
        return x * _mask(x, counts[gate.sampled])

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None, None]:
        [x] = ctx.saved_tensors
        gate, counts = ctx.gate, ctx.counts
        so_far = (grad * x).sum((0, 2, 3)).cumsum(0)
        of_paths = torch.stack([so_far[counts[j] - 1] for j in gate.paths])
        grad_x = grad * _mask(grad, counts[gate.sampled])
        return grad_x, gate.gradient_of_alpha(of_paths, len(counts)), None, None
