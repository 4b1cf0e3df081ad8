"""The network as FINN wants it: integers only, one ONNX graph in NHWC, written down layer by layer.

A builder value stands for real numbers (`Value`). Convolutions scale its gain, batch norms change what the integers
mean and leave them alone, an activation turns all of it into one table of integer thresholds. Layer names become node
names and tensor names and survive into FINN's reports.
"""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import onnx
from qonnx.core.datatype import DataType

from support.integers.activations import (
    activation,
    activation_of_maximum,
    as_two_bits,
    threshold_node,
)
from support.integers.onnx import GENERAL, OnnxParts
from support.integers.pools import max_pool, window_sum
from support.integers.products import Products
from support.integers.values import (
    ONE_BIT,
    Boundary,
    Pool,
    Value,
    pooled_shape,
    smallest_type,
    square_side,
    unsigned_type,
    window_count,
)
from support.layers.brevitas_values import (
    activation_quantiser,
    batchnorm_affine,
    integer_weights,
    truncation_bits,
)
from support.progress import StageError

# FINN and QONNX keep all tensors in float32, which holds every integer up to here.
FLOAT32_EXACT = 2**24


class IntegerGraph:
    """One call per layer, in the order of the network; `write` gives the ONNX model."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.boundaries: list[Boundary] = []
        self.notes: list[str] = []
        self.maxpools: list[str] = []
        # id of a module -> its layers, in the order of calls
        self.layers_of: dict[int, list[str]] = {}
        self._parts = OnnxParts(name)
        self._products = Products(self._parts)
        self._input: Value | None = None
        self._logits: Value | None = None

    # ---- layers --------------------------------------------------------------------------------

    def input(self, name: str, shape: tuple[int, int, int, int], dtype: str, scale: float) -> Value:
        """The image. shape: NHWC. dtype: QONNX's name. scale: of one step. Errors: StageError unless it is unsigned."""
        datatype = DataType[dtype]
        if datatype.signed():
            raise StageError(f"{name}: the input must be unsigned integers, not {dtype}")
        self._parts.tensor(name, shape, unsigned_type(datatype.bitwidth()))
        channels = shape[-1]
        self._input = Value(
            name,
            shape,
            int(datatype.min()),
            int(datatype.max()),
            np.full(channels, scale),
            np.zeros(channels),
            is_quantised=True,
        )
        return self._input

    def conv(self, name: str, x: Value, module: Any) -> Value:
        """A qnn.QuantConv2d: Im2Col and MatMul; a bias goes into the affine part.

        1-bit weights on a 1-bit value are an XnorPopcountMatMul, FINN's only product of two single bits.
        """
        self._needs_quantised(name, x)
        self._remember(name, module)
        weights = integer_weights(name, module)
        if module.groups != 1:
            raise StageError(f"{name}: grouped convolutions cannot be lowered to FINN yet")
        if isinstance(module.padding, str) or module.padding_mode != "zeros":
            raise StageError(f"{name}: only numeric zero padding can be lowered")
        if weights.datatype != "BIPOLAR":
            x = as_two_bits(self._parts, x)
        columns, values, positions = self._windows(name, x, module, weights.values)
        matrix = values.transpose(2, 3, 1, 0).reshape(-1, len(values))
        bias = np.zeros(len(values))
        if module.bias is not None:
            bias = module.bias.detach().double().cpu().numpy()
        if np.ptp(x.gain) or x.bias.any():
            raise StageError(f"{name}: its input must have one scale and no offset")
        gain = weights.scales * x.gain[0]
        if self._parts.datatype_of(x.tensor) == ONE_BIT:
            return self._products.xnor_popcount(name, columns, matrix, positions, gain, bias)
        return self._products.matmul(
            name, columns, matrix, weights.datatype, x, positions, gain, bias
        )

    def _windows(
        self, name: str, x: Value, module: Any, weights: Any
    ) -> tuple[str, Any, tuple[int, int, int]]:
        """The tensor of what each position of a convolution sees, the weights (O x I x H x W) that meet it, and 1 x H x W positions."""
        _, height, width, channels = x.shape
        kernel, stride = tuple(module.kernel_size), tuple(module.stride)
        pad, dilation = tuple(module.padding), tuple(module.dilation)
        out_h = window_count(height, kernel[0], stride[0], pad[0], dilation[0])
        out_w = window_count(width, kernel[1], stride[1], pad[1], dilation[1])
        positions = (1, out_h, out_w)
        if height == width == out_h == out_w == 1:
            # All but one pixel of the window is padding, and FINN takes an image of one pixel for a 1-D signal.
            return x.tensor, weights[:, :, pad[0] : pad[0] + 1, pad[1] : pad[1] + 1], positions
        if kernel == (1, 1) and stride == (1, 1) and pad == (0, 0):
            return x.tensor, weights, positions
        columns = self._parts.node(
            "Im2Col",
            f"{name}.window",
            [x.tensor],
            (*positions, kernel[0] * kernel[1] * channels),
            self._parts.datatype_of(x.tensor),
            domain=GENERAL,
            stride=list(stride),
            kernel_size=list(kernel),
            pad_amount=[pad[0], pad[1], pad[0], pad[1]],
            pad_value=0,
            depthwise=0,
            dilations=list(dilation),
            input_shape=f"(1,{height},{width},{channels})",
        )
        return columns, weights, positions

    def batchnorm(self, name: str, x: Value, module: Any) -> Value:
        """Changes what the integers mean, not the integers."""
        self._remember(name, module)
        gain, bias = batchnorm_affine(module)
        return replace(x, gain=x.gain * gain, bias=x.bias * gain + bias, normalised_by=name)

    def act(self, name: str, x: Value, module: Any) -> Value:
        """A quantised activation (QuantReLU, QuantHardTanh, QuantIdentity) as thresholds, and the pools that waited."""
        self._remember(name, module)
        quantiser = activation_quantiser(name, module)
        x = self._products.as_turned(x)
        if x.pools:
            y = activation_of_maximum(self._parts, name, x, quantiser)
        else:
            y = activation(self._parts, name, self._products.rising(x), quantiser)
        if np.abs(self._parts.constants[f"{name}.thresholds"]).max() > FLOAT32_EXACT:
            self.notes.append(f"{name}: thresholds beyond 2**24 are rounded to float32")
        self.boundaries.append(Boundary(name, y.tensor, quantiser.scale, module))
        return y

    def add(self, name: str, *values: Value) -> Value:
        """The sum of two values or more: FINN adds two at a time, `name.partial1` is what comes before the last."""
        total, *rest = values
        for index, value in enumerate(rest, 1):
            total = self._add(
                name if index == len(rest) else f"{name}.partial{index}", total, value
            )
        return total

    def _add(self, name: str, a: Value, b: Value) -> Value:
        self._needs_quantised(name, a)
        self._needs_quantised(name, b)
        if a.shape != b.shape:
            raise StageError(f"{name}: add needs equal shapes, got {a.shape} and {b.shape}")
        if not np.array_equal(a.gain, b.gain) or a.bias.any() or b.bias.any():
            raise StageError(
                f"{name}: the inputs of an add must come from one shared quantiser",
                "send both through the same join activation",
            )
        low, high = a.low + b.low, a.high + b.high
        tensor = self._parts.node(
            "Add", name, [a.tensor, b.tensor], a.shape, smallest_type(low, high)
        )
        return replace(a, tensor=tensor, low=low, high=high)

    def maxpool(self, name: str, x: Value, window: int, stride: int, pad: int) -> Value:
        """Padding never wins a maximum of unsigned integers; sums of products are quantised before they are pooled."""
        self.maxpools.append(name)
        if not x.is_quantised:
            pool = Pool(name, window, stride, pad)
            return replace(x, shape=pooled_shape(x.shape, pool), pools=(*x.pools, pool))
        return max_pool(self._parts, x, Pool(name, window, stride, pad))

    def avgpool(self, name: str, x: Value, module: Any) -> Value:
        """A TruncAvgPool2d over a square: the sum of its window, low bits cut off."""
        self._needs_quantised(name, x)
        self._remember(name, module)
        kernel, stride = square_side(name, module.kernel_size), square_side(name, module.stride)
        if x.low < 0:
            raise StageError(f"{name}: the input of an average pool must be unsigned")
        kept, highest = truncation_bits(name, module), x.high * kernel * kernel
        # Brevitas takes ceil(log2(highest)) for its bits, one too few if that is a power of two (single bits only).
        cut = (highest - 1).bit_length() - kept
        gain = x.gain / (kernel * kernel) * 2.0**cut
        if kernel == 1 and cut <= 0 and x.high > 1:
            return x
        if kernel == 1 or kept == 1 or (highest & (highest - 1)) == 0:
            return self._average_by_thresholds(name, x, (kernel, stride), kept, cut, gain)
        cut = max(0, cut)
        y = window_sum(self._parts, name, x, kernel, stride, kept)
        return replace(y, high=highest >> cut, gain=x.gain / (kernel * kernel) * 2.0**cut)

    def _average_by_thresholds(
        self, name: str, x: Value, window: tuple[int, int], kept: int, cut: int, gain: np.ndarray
    ) -> Value:
        """Averages that QuantAvgPool2d cannot give: of one pixel, to one bit, or clipped at the largest sum."""
        highest = x.high * window[0] ** 2
        total = x
        if window[0] > 1:
            total = window_sum(self._parts, f"{name}.partial0", x, *window, highest.bit_length())
        # Entry j is the smallest sum whose low bits, cut off, leave j.
        steps = [min(math.ceil(j * 2.0**cut), highest + 1) for j in range(1, 2**kept)]
        table = np.tile(np.array(steps), (x.shape[-1], 1))
        tensor = threshold_node(self._parts, name, total, table, unsigned_type(kept), 0)
        return replace(total, tensor=tensor, high=2**kept - 1, gain=gain)

    def linear(self, name: str, x: Value, module: Any) -> Value:
        """A qnn.QuantLinear on the flattened value (torch flattens channels first, we last)."""
        self._needs_quantised(name, x)
        self._remember(name, module)
        weights = integer_weights(name, module)
        if module.bias is not None and bool((module.bias != 0).any()):
            raise StageError(
                f"{name}: a linear layer with a bias cannot be lowered to FINN yet",
                "write the layer without a bias",
            )
        if np.ptp(weights.scales):
            raise StageError(f"{name}: a linear layer needs one weight scale for all its outputs")
        # Logits are compared: what a popcount leaves out would have to be added to each of them.
        x = as_two_bits(self._parts, x)
        height, width, channels = x.shape[1:] if len(x.shape) == 4 else (1, 1, x.shape[1])
        matrix = weights.values.reshape(-1, channels, height, width).transpose(2, 3, 1, 0)
        matrix = matrix.reshape(height * width * channels, -1)
        flat = x.tensor
        if len(x.shape) == 4:
            shape = self._parts.shape_constant(f"{name}.flat.shape", [1, -1])
            flat = self._parts.node(
                "Reshape",
                f"{name}.flat",
                [x.tensor, shape],
                (1, height * width * channels),
                self._parts.datatype_of(x.tensor),
            )
        gain = weights.scales * x.gain[0]
        return self._products.matmul(
            name, flat, matrix, weights.datatype, x, (1,), gain, np.zeros(len(gain))
        )

    def output(self, x: Value) -> None:
        if len(x.shape) != 2:
            raise StageError(f"the output of {self.name} must be a vector, it has shape {x.shape}")
        self._logits = x

    @property
    def logits_scale(self) -> float:
        """Real logits are this times the integers."""
        assert self._logits is not None, "output() first"
        return float(self._logits.gain[0])

    # ---- the ONNX model ------------------------------------------------------------------------

    def write(self, classify: bool = True) -> onnx.ModelProto:
        """The graph, with TopK at its end (FINN's LabelSelect) or ending at the integer logits.

        Its metadata tell the tensor and scale of the logits, and every activation boundary.
        """
        assert self._input is not None and self._logits is not None, "input() and output() first"
        result = self._logits.tensor
        return self._parts.model(self._input.tensor, result, self._metadata(), classify)

    def _metadata(self) -> dict[str, str]:
        assert self._logits is not None
        _, read = self._parts.needed_for(self._logits.tensor)
        boundaries = [
            {"layer": b.layer, "tensor": b.tensor, "scale": b.scale}
            for b in self.boundaries
            if b.tensor in read
        ]
        return {
            "logits_tensor": self._logits.tensor,
            "logits_scale": repr(self.logits_scale),
            "boundaries": json.dumps(boundaries),
        }

    # ---- pieces --------------------------------------------------------------------------------

    def _remember(self, name: str, module: Any) -> None:
        self.layers_of.setdefault(id(module), []).append(name)

    def _needs_quantised(self, name: str, x: Value) -> None:
        if x.pools or not x.is_quantised:
            raise StageError(
                f"{name}: its input {x.tensor} is not quantised",
                "put an activation with a bit width before it",
            )
