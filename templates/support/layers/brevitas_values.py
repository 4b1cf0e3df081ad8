"""The numbers inside Brevitas modules: integer weights, scales, bit widths, batch norm as gain and bias.

Read them from a model in float64 (`model.double().eval()`): scales then carry no float32 rounding of their own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from support.progress import StageError


@dataclass(frozen=True)
class IntegerWeights:
    values: np.ndarray  # int64, shape as in torch: [out, in, kh, kw] or [out, in]
    scales: np.ndarray  # float64 [out]
    datatype: str  # "BIPOLAR" or "INTn"


@dataclass(frozen=True)
class ActivationQuantiser:
    """value = scale * clip(round(x / scale), lowest, highest)."""

    scale: float
    bits: int
    is_signed: bool
    is_narrow: bool

    @property
    def lowest(self) -> int:
        if not self.is_signed:
            return 0
        return -(2 ** (self.bits - 1)) + (1 if self.is_narrow else 0)

    @property
    def highest(self) -> int:
        return 2 ** (self.bits - 1) - 1 if self.is_signed else 2**self.bits - 1

    @property
    def datatype(self) -> str:
        if self.bits == 1:
            return "BINARY"
        return f"{'INT' if self.is_signed else 'UINT'}{self.bits}"


def integer_weights(layer: str, module: nn.Module) -> IntegerWeights:
    """The integers that Brevitas multiplies with, and the scale of each output channel. Errors: StageError where FINN needs others."""
    with torch.no_grad():
        quantised = module.quant_weight()
    bits = int(quantised.bit_width)
    scales = quantised.scale.detach().double().cpu().numpy().reshape(-1)
    value = quantised.value.detach().double().cpu()
    if scales.size not in (1, len(value)):
        raise StageError(
            f"{layer}: weight scales must be one per output channel or one in all, found {scales.size}"
        )
    if np.any(np.asarray(quantised.zero_point.detach().cpu()) != 0):
        raise StageError(f"{layer}: weights have a zero point, FINN needs symmetric weights")
    scales = np.broadcast_to(scales, len(value)).copy()
    # In torch, which divides and rounds on all cores.
    exact = value / torch.from_numpy(scales).reshape(-1, *[1] * (value.ndim - 1))
    integers = exact.round()
    assert exact.sub_(integers).abs_().max() < 1e-3, f"{layer}: weights do not lie on their grid"
    if bits == 1:
        assert bool((integers.abs() == 1).all()), f"{layer}: 1-bit weights are not +-1"
    return IntegerWeights(
        integers.to(torch.int64).numpy(), scales, "BIPOLAR" if bits == 1 else f"INT{bits}"
    )


def activation_quantiser(layer: str, module: nn.Module) -> ActivationQuantiser:
    """What a quantised activation does. layer: for messages. Errors: StageError where FINN cannot do it."""
    proxy = module.act_quant
    if not proxy.is_quant_enabled:
        raise StageError(
            f"{layer}: this activation is not quantised", "give it a bit width in the specification"
        )
    with torch.no_grad():
        scale, bits, zero_point = proxy.scale(), proxy.bit_width(), proxy.zero_point()
    if scale.numel() != 1:
        raise StageError(
            f"{layer}: FINN needs one scale for the whole activation, found {scale.numel()}"
        )
    if float(zero_point) != 0:
        raise StageError(f"{layer}: the activation has a zero point, FINN needs a symmetric one")
    if int(bits) == 1 and proxy.is_signed:
        raise StageError(
            f"{layer}: a signed activation of 1 bit holds nothing but 0",
            "give it 2 bits or more: a2 of the role `shortcut`, which sets what enters an add",
        )
    return ActivationQuantiser(
        float(scale), int(bits), bool(proxy.is_signed), bool(proxy.is_narrow_range)
    )


def batchnorm_affine(module: nn.BatchNorm2d) -> tuple[np.ndarray, np.ndarray]:
    """Gain and bias per channel, float64: y = gain * x + bias in evaluation."""
    mean = module.running_mean.detach().double().cpu().numpy()
    variance = module.running_var.detach().double().cpu().numpy()
    gain = 1.0 / np.sqrt(variance + module.eps)
    bias = -mean * gain
    if module.affine:
        gamma = module.weight.detach().double().cpu().numpy()
        gain, bias = gain * gamma, bias * gamma + module.bias.detach().double().cpu().numpy()
    return gain, bias


def truncation_bits(layer: str, module: nn.Module) -> int:
    """Bits that a TruncAvgPool2d keeps. Errors: StageError if it does not cut off like FINN (floor, top bits)."""
    quantiser = module.trunc_quant.tensor_quant
    rounding = type(quantiser.float_to_int_impl).__name__
    scaling = type(quantiser.trunc_scaling_impl).__name__
    if rounding != "FloorSte" or scaling != "TruncMsbScaling":
        raise StageError(
            f"{layer}: FINN cuts averages off (floor, most significant bits); this pool has {rounding}, {scaling}",
            "use trunc_quant=TruncTo8bit",
        )
    return int(quantiser.msb_clamp_bit_width_impl())
