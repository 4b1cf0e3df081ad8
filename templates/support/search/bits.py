"""Bit widths that a search chooses: layers of one float weight and a quantiser for each width, of which one is active.

A `BitChoice` is shared by all layers of its place. What it gates are tensors: a weight w or the input x of an activation
goes through y = sum_j g_j q_j(x) with the one-hot gate g of support/search/gates.py. Backward,

    dL/dg_j = sum over the layers of <dL/dy, q_j(x)>

reaches alpha. Of weights that equals <dL/dz, conv(x, q_j(w))>, since a convolution z is linear in its weights, and no other
width is ever convolved: the widths cost a pass over the weights each (Cai and Vasconcelos, 2020).

Each width of an activation has a scale of its own. Batch norms take the statistics of their batch, so of the width that is
active; gain and bias are shared by the widths.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import brevitas.nn as qnn
import torch
from brevitas.quant_tensor import QuantTensor
from torch import Tensor, nn

from support.layers.grid import Quantise
from support.layers.inner_product import inner_product
from support.layers.quantisers import UnsignedAct
from support.layers.weight_grid import quantised_weights
from support.search.alternatives import Alternatives
from support.search.channels import Channels
from support.search.gates import Gate


class BitChoice(Alternatives):
    """The widths of one place, `w2a4` for 2-bit weights and 4-bit activations; a half that is not searched is left out."""

    def __init__(self, place: str, *widths: str) -> None:
        super().__init__(widths)
        self.place = place

    def widths_of(self, kind: str) -> tuple[int, ...]:
        """kind: "w" or "a"."""
        rests = (word.partition(kind)[2] for word in self.ops)
        return tuple(int(rest.partition("a")[0]) for rest in rests)

    def quantised(self, x: Tensor, quantisers: Sequence[Quantise], y: Tensor) -> Tensor:
        """y, which the active one of the quantisers made of x; in an architecture step with what it says about alpha."""
        if not self.is_asked:
            return y
        return _GradientOfWidths.apply(self.alpha, y, x, self.gate, quantisers)


class SearchedConv2d(nn.Conv2d):
    """A convolution whose float weights are quantised to the chosen width, as `qnn.QuantConv2d` of that width does.

    bits: the choice, or one width. inputs: the channels that it reads, where these are searched.
    """

    def __init__(
        self, *sizes: int, bits: BitChoice | int, inputs: Channels | None = None, **options: Any
    ) -> None:
        super().__init__(*sizes, **options)
        widths = (bits,) if isinstance(bits, int) else bits.widths_of("w")
        quantisers: list[Quantise] = [partial(quantised_weights, bits=it) for it in widths]
        if inputs:
            quantisers = [partial(inputs.quantised, quantise=it) for it in quantisers]
        self._quantisers = quantisers
        self._bits = (bits,)  # in a tuple, which keeps it from being a module of this one, too

    def forward(self, x: Tensor) -> Tensor:
        [bits] = self._bits
        if isinstance(bits, int):
            weight = self._quantisers[0](self.weight)
        else:
            weight = self._quantisers[bits.gate.sampled](self.weight)
            weight = bits.quantised(self.weight, self._quantisers, weight)
        return self._conv_forward(_value(x), weight, None)


class SearchedReLU(nn.Module):
    """A quantised ReLU with a quantiser for each width that the alternatives have."""

    def __init__(self, bits: BitChoice, return_quant_tensor: bool = False) -> None:
        super().__init__()
        self._bits = (bits,)
        of_alternatives = bits.widths_of("a")
        distinct = sorted(set(of_alternatives))
        self.widths = nn.ModuleList(
            qnn.QuantReLU(
                act_quant=UnsignedAct, bit_width=width, return_quant_tensor=return_quant_tensor
            )
            for width in distinct
        )
        self._index = [distinct.index(width) for width in of_alternatives]

    def forward(self, x: Tensor) -> Any:
        [bits] = self._bits
        quantisers = [self.widths[index] for index in self._index]
        y = quantisers[bits.gate.sampled](x)
        value = bits.quantised(x, quantisers, _value(y))
        return y.set(value=value) if isinstance(y, QuantTensor) else value


def bit_choices(network: nn.Module) -> dict[str, BitChoice]:
    """By place, in the order of the network."""
    return {it.place: it for it in network.modules() if isinstance(it, BitChoice)}


def _value(x: Any) -> Tensor:
    return x.value if isinstance(x, QuantTensor) else x


class _GradientOfWidths(torch.autograd.Function):
    """y unchanged; backward passes dL/dy on to y, and what it says about the widths to alpha."""

    @staticmethod
    def forward(
        ctx: Any, alpha: Tensor, y: Tensor, x: Tensor, gate: Gate, quantisers: Sequence[Quantise]
    ) -> Tensor:
        ctx.save_for_backward(x, y)
        ctx.gate, ctx.quantisers = gate, quantisers
        return y.view_as(y)

    @staticmethod
    def backward(ctx: Any, grad_y: Tensor) -> tuple[Tensor, Tensor, None, None, None]:
        x, y = ctx.saved_tensors
        gate, quantisers = ctx.gate, ctx.quantisers
        of_paths = [
            inner_product(grad_y, y if j == gate.sampled else _value(quantisers[j](x)))
            for j in gate.paths
        ]
        of_alpha = gate.gradient_of_alpha(torch.stack(of_paths), len(quantisers))
        return of_alpha, grad_y, None, None, None
