"""The quantisers of a network, as Brevitas injectors: what the bits of a spec mean while it trains.

Weights have a scale per output channel that follows the weights (statistics, nothing to store); activations learn theirs,
in the logarithm. No scale is collected over the first batches: such a quantiser behaves differently before and
after, and a checkpoint in between would not resume to the same network.
"""

from __future__ import annotations

import warnings

from brevitas.inject import value
from brevitas.inject.enum import (
    BitWidthImplType,
    FloatToIntImplType,
    QuantType,
    RestrictValueType,
    ScalingImplType,
    ScalingPerOutputType,
    StatsOp,
)
from brevitas.quant.base import NarrowIntQuant, UintQuant
from brevitas.quant.scaled_int import TruncTo8bit
from brevitas.quant.solver import ActQuantSolver, WeightQuantSolver

from support.layers.activation_grid import ActivationGrid, activation_proxy
from support.layers.grid import SCALE_MIN
from support.layers.weight_grid import BinaryGrid, TensorBinaryGrid, TensorWeightGrid, WeightGrid

__all__ = [
    "BinaryWeight",
    "FloorTrunc",
    "IntWeight",
    "JoinAct",
    "TensorBinaryWeight",
    "TensorIntWeight",
    "UnsignedAct",
]

# Brevitas 0.13 renames the dimensions of tensors, and torch 2.12 says once a run that this is experimental.
warnings.filterwarnings("ignore", message="Named tensors and all their associated APIs")

# Where a ReLU of the sum of a few batch-normed branches is cut off before training says better: about the least square
# error for few bits, nearly the whole range for many. The upper end of a 1-bit activation is its value s of {0, s}.
RELU_MAX = {1: 1.5, 2: 2.5, 3: 3.5, 4: 4.0, 5: 5.0, 6: 6.0, 7: 8.0, 8: 10.0}
JOIN_MAX = 10.0


class IntWeight(NarrowIntQuant, WeightQuantSolver):
    """2 to 8 bits by `weight_bit_width=`; narrow range (-7..7 for 4 bits), scale = max |w| of the output channel."""

    tensor_quant = WeightGrid
    bit_width = 8
    scaling_impl_type = ScalingImplType.STATS
    scaling_stats_op = StatsOp.MAX
    scaling_per_output_type = ScalingPerOutputType.CHANNEL
    restrict_scaling_type = RestrictValueType.FP
    scaling_min_val = SCALE_MIN


class TensorIntWeight(IntWeight):
    """As IntWeight with one scale for the whole tensor: classes are compared, their logits need one unit."""

    tensor_quant = TensorWeightGrid
    scaling_per_output_type = ScalingPerOutputType.TENSOR


class BinaryWeight(WeightQuantSolver):
    """1 bit: -s or +s, s = mean |w| of the output channel; the gradient passes straight through."""

    tensor_quant = BinaryGrid
    quant_type = QuantType.BINARY
    bit_width = 1
    bit_width_impl_type = BitWidthImplType.CONST
    float_to_int_impl_type = FloatToIntImplType.ROUND
    narrow_range = True
    signed = True
    scaling_impl_type = ScalingImplType.STATS
    scaling_stats_op = StatsOp.AVE
    scaling_per_output_type = ScalingPerOutputType.CHANNEL
    restrict_scaling_type = RestrictValueType.FP
    scaling_min_val = SCALE_MIN


class TensorBinaryWeight(BinaryWeight):
    """As BinaryWeight with one scale for the whole tensor, as TensorIntWeight."""

    tensor_quant = TensorBinaryGrid
    scaling_per_output_type = ScalingPerOutputType.TENSOR


class UnsignedAct(UintQuant, ActQuantSolver):
    """ReLU to 0 .. 2^bits - 1 steps of one learned scale; `bit_width=1` gives {0, s}."""

    proxy_class = activation_proxy
    tensor_quant = ActivationGrid
    bit_width = 8
    min_val = 0.0
    scaling_impl_type = ScalingImplType.PARAMETER
    scaling_per_output_type = ScalingPerOutputType.TENSOR
    restrict_scaling_type = RestrictValueType.LOG_FP
    scaling_min_val = SCALE_MIN

    @value
    def max_val(bit_width):  # noqa: N805 - Brevitas fills the arguments of a value by their names
        return RELU_MAX[int(bit_width)]


class JoinAct(NarrowIntQuant, ActQuantSolver):
    """What enters an add: signed, narrow range, one learned scale shared by all inputs of the add."""

    proxy_class = activation_proxy
    tensor_quant = ActivationGrid
    bit_width = 8
    min_val = -JOIN_MAX
    max_val = JOIN_MAX
    scaling_impl_type = ScalingImplType.PARAMETER
    scaling_per_output_type = ScalingPerOutputType.TENSOR
    restrict_scaling_type = RestrictValueType.LOG_FP
    scaling_min_val = SCALE_MIN


class FloorTrunc(TruncTo8bit):
    """Average pool to `bit_width=` bits: sum, then shift right. Rounds down, as FINN's QuantAvgPool2d does."""
