"""The candidates of a search with the spec's own quantisers: the layers that `model.py` will have, of the same bit widths.

An op reads what the activation in front of it has quantised, and its result goes through the quantiser in front of the
add, both of which the supernet has; neither a sign nor a ReLU stands in between, as in the trained network. An edge that
samples `zero` adds zero: with one edge into each node and zero on all others the supernet is the network of that genotype.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import brevitas.nn as qnn

from support.layers.quantisers import BinaryWeight, IntWeight
from support.search.bits import BitChoice, SearchedConv2d
from support.search.channels import Channels
from support.search.convs import ConvNorm
from support.search.ops import SearchOp, Width, most


@dataclass(frozen=True)
class Quantised:
    """bits: of the weights, 1 to 8 or searched. of_identity: of those that stand for an identity across a change, where they
    differ."""

    bits: int | BitChoice
    of_identity: int | BitChoice | None = None

    def conv(self, inputs: Width, outputs: Width, kernel: int, stride: int) -> SearchOp:
        return _conv_norm(self.bits, inputs, outputs, kernel, stride, kernel // 2)

    def across(self, inputs: Width, outputs: Width, stride: int) -> SearchOp:
        """One convolution over the pixels that a stride leaves out, as the identity is trained."""
        return _conv_norm(self.of_identity or self.bits, inputs, outputs, stride, stride, 0)


def _conv_norm(
    bits: int | BitChoice, inputs: Width, outputs: Width, kernel: int, stride: int, pad: int
) -> SearchOp:
    sizes, options = (most(inputs), most(outputs), kernel), {"stride": stride, "padding": pad}
    chosen = inputs if isinstance(inputs, Channels) else None
    if chosen or isinstance(bits, BitChoice):
        return ConvNorm(SearchedConv2d(*sizes, bits=bits, inputs=chosen, bias=False, **options))
    weights: dict[str, Any] = {"weight_quant": IntWeight, "weight_bit_width": bits}
    if bits == 1:
        weights = {"weight_quant": BinaryWeight}
    return ConvNorm(qnn.QuantConv2d(*sizes, bias=False, **options, **weights))
