"""The network as FINN wants it: integers only, one ONNX graph in NHWC, written down layer by layer.

A builder value stands for real numbers: real = gain[c] * integer + bias[c], per channel c, in float64. Convolutions
scale the gain, batch norms change both and leave the integers alone, an activation turns all of it into one table of
integer thresholds. Layer names become node names and tensor names and survive into FINN's reports.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from qonnx.core.datatype import DataType
from qonnx.util.basic import qonnx_make_model

from support.brevitas_values import (
    activation_quantiser,
    batchnorm_affine,
    integer_weights,
    truncation_bits,
)
from support.progress import StageError
from support.thresholds import complemented_thresholds, thresholds

GENERAL = "qonnx.custom_op.general"
OPSETS = (("", 13), (GENERAL, 2))
# FINN and QONNX keep all tensors in float32, which holds every integer up to here.
FLOAT32_EXACT = 2**24


@dataclass(frozen=True)
class Pool:
    """A max-pool that waits until its input is quantised."""

    layer: str
    window: int
    stride: int
    pad: int


@dataclass(frozen=True)
class Value:
    tensor: str
    shape: tuple[int, ...]  # NHWC, or [1, channels] after the last linear layer
    low: int  # smallest and largest integer that can occur
    high: int
    gain: np.ndarray  # float64 [channels]
    bias: np.ndarray
    is_quantised: bool = False  # on the grid of an activation, as against a sum of products
    pools: tuple[Pool, ...] = ()  # still to be done; shape is already that after them


@dataclass(frozen=True)
class Boundary:
    """Where an activation of the Brevitas model meets its integers: real = scale * integer."""

    layer: str
    tensor: str
    scale: float
    module: Any


class IntegerGraph:
    """One call per layer, in the order of the network; `write` gives the ONNX model."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.boundaries: list[Boundary] = []
        self.notes: list[str] = []
        self.layers_of: dict[
            int, list[str]
        ] = {}  # id of a module -> its layers, in the order of calls
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[str, np.ndarray] = {}
        self._tensors: dict[str, tuple[tuple[int, ...], str]] = {}
        self._names: set[str] = set()
        self._read: set[str] = set()
        self._input_range: dict[str, tuple[int, int]] = {}  # of each matrix product
        self._input: Value | None = None
        self._logits: Value | None = None

    # ---- layers --------------------------------------------------------------------------------

    def input(self, name: str, shape: tuple[int, int, int, int], dtype: str, scale: float) -> Value:
        datatype = DataType[dtype]
        if datatype.signed():
            raise StageError(f"{name}: the input must be unsigned integers, not {dtype}")
        self._tensor(name, shape, dtype)
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
        """A qnn.QuantConv2d: Im2Col and MatMul; a bias goes into the affine part."""
        self._needs_quantised(name, x)
        self._remember(name, module)
        weights = integer_weights(name, module)
        if module.groups != 1:
            raise StageError(f"{name}: grouped convolutions cannot be lowered to FINN yet")
        if isinstance(module.padding, str) or module.padding_mode != "zeros":
            raise StageError(f"{name}: only numeric zero padding can be lowered")
        _, height, width, channels = x.shape
        kernel, stride = tuple(module.kernel_size), tuple(module.stride)
        pad, dilation = tuple(module.padding), tuple(module.dilation)
        out_channels = len(weights.values)
        out_h = _windows(height, kernel[0], stride[0], pad[0], dilation[0])
        out_w = _windows(width, kernel[1], stride[1], pad[1], dilation[1])
        columns = x.tensor
        if kernel != (1, 1) or stride != (1, 1) or pad != (0, 0):
            columns = self._node(
                "Im2Col",
                f"{name}.window",
                [x.tensor],
                (1, out_h, out_w, kernel[0] * kernel[1] * channels),
                self._datatype_of(x.tensor),
                domain=GENERAL,
                stride=list(stride),
                kernel_size=list(kernel),
                pad_amount=[pad[0], pad[1], pad[0], pad[1]],
                pad_value=0,
                depthwise=0,
                dilations=list(dilation),
                input_shape=f"(1,{height},{width},{channels})",
            )
        matrix = weights.values.transpose(2, 3, 1, 0).reshape(-1, out_channels)
        bias = np.zeros(out_channels)
        if module.bias is not None:
            bias = module.bias.detach().double().cpu().numpy()
        if np.ptp(x.gain) or x.bias.any():
            raise StageError(f"{name}: its input must have one scale and no offset")
        gain = weights.scales * x.gain[0]
        return self._matmul(
            name, columns, matrix, weights.datatype, x, (1, out_h, out_w), gain, bias
        )

    def batchnorm(self, name: str, x: Value, module: Any) -> Value:
        """Changes what the integers mean, not the integers; channels of negative gain are turned round."""
        self._remember(name, module)
        gain, bias = batchnorm_affine(module)
        y = replace(x, gain=x.gain * gain, bias=x.bias * gain + bias)
        if x.pools:
            return y
        falling = y.gain < 0
        if not falling.any():
            return y
        weight = f"{x.tensor}.weight"
        if weight in self._constants and x.tensor not in self._read:
            matrix = np.where(falling, -self._constants[weight], self._constants[weight])
            self._constants[weight] = matrix + 0.0
            low, high = _range(matrix, self._input_range[x.tensor])
            self._set_datatype(x.tensor, _smallest(low, high))
            return replace(y, gain=np.abs(y.gain), low=low, high=high)
        signs = self._constant(f"{name}.signs", np.where(falling, -1.0, 1.0), "INT2")
        low, high = min(x.low, -x.high), max(x.high, -x.low)
        tensor = self._node("Mul", name, [x.tensor, signs], x.shape, _smallest(low, high))
        return replace(y, tensor=tensor, gain=np.abs(y.gain), low=low, high=high)

    def act(self, name: str, x: Value, module: Any) -> Value:
        """A quantised activation (QuantReLU, QuantHardTanh, QuantIdentity) as thresholds, and the pools that waited."""
        self._remember(name, module)
        quantiser = activation_quantiser(name, module)
        if x.pools:
            y = self._act_before_pools(name, x, quantiser)
        else:
            table = thresholds(
                x.gain,
                x.bias,
                quantiser.scale,
                quantiser.lowest,
                quantiser.highest,
                x.low,
                x.high,
            )
            y = self._multithreshold(name, x, table, quantiser)
        self.boundaries.append(Boundary(name, y.tensor, quantiser.scale, module))
        return y

    def add(self, name: str, a: Value, b: Value) -> Value:
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
        tensor = self._node("Add", name, [a.tensor, b.tensor], a.shape, _smallest(low, high))
        return replace(a, tensor=tensor, low=low, high=high)

    def maxpool(self, name: str, x: Value, window: int, stride: int, pad: int) -> Value:
        """Padding never wins a maximum of unsigned integers; sums of products are quantised before they are pooled."""
        if not x.is_quantised:
            pool = Pool(name, window, stride, pad)
            return replace(x, shape=_pooled(x.shape, pool), pools=(*x.pools, pool))
        return self._maxpool(x, Pool(name, window, stride, pad))

    def avgpool(self, name: str, x: Value, module: Any) -> Value:
        """A TruncAvgPool2d over a square: the sum of its window, low bits cut off."""
        self._needs_quantised(name, x)
        self._remember(name, module)
        kernel, stride = _side(name, module.kernel_size), _side(name, module.stride)
        if x.low < 0:
            raise StageError(f"{name}: the input of an average pool must be unsigned")
        obits = truncation_bits(name, module)
        ibits = DataType[self._datatype_of(x.tensor)].bitwidth()
        total_bits = ((2**ibits - 1) * kernel * kernel).bit_length()
        shift = max(0, total_bits - obits)
        _, height, width, channels = x.shape
        shape = (
            1,
            _windows(height, kernel, stride),
            _windows(width, kernel, stride),
            channels,
        )
        high = (x.high * kernel * kernel) >> shift
        gain = x.gain / (kernel * kernel) * 2.0**shift
        if kernel == 1 and shift == 0:
            return x
        tensor = self._node(
            "QuantAvgPool2d",
            name,
            [x.tensor],
            shape,
            f"UINT{obits}",
            domain=GENERAL,
            kernel=kernel,
            stride=stride,
            ibits=ibits,
            obits=obits,
            signed=0,
            data_layout="NHWC",
        )
        return replace(x, tensor=tensor, shape=shape, low=0, high=high, gain=gain)

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
        height, width, channels = x.shape[1:] if len(x.shape) == 4 else (1, 1, x.shape[1])
        matrix = weights.values.reshape(-1, channels, height, width).transpose(2, 3, 1, 0)
        matrix = matrix.reshape(height * width * channels, -1)
        flat = x.tensor
        if len(x.shape) == 4:
            shape = f"{name}.flat.shape"
            self._constants[shape] = np.array([1, -1], np.int64)
            flat = self._node(
                "Reshape",
                f"{name}.flat",
                [x.tensor, shape],
                (1, height * width * channels),
                self._datatype_of(x.tensor),
            )
        gain = weights.scales * x.gain[0]
        return self._matmul(
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
        nodes, read = self._nodes_that_count(result)
        read.add(self._input.tensor)
        constants = {name: value for name, value in self._constants.items() if name in read}
        tensors = {name: about for name, about in self._tensors.items() if name in read}
        if classify:
            constants["classify.k"] = np.array([1], np.int64)
            tensors["classify.value"] = ((1, 1), self._datatype_of(result))
            tensors["class"] = ((1, 1), "UINT32")
            nodes.append(
                helper.make_node(
                    "TopK",
                    [result, "classify.k"],
                    ["classify.value", "class"],
                    name="classify",
                    axis=-1,
                    largest=1,
                    sorted=1,
                )
            )
        output = "class" if classify else result
        graph = helper.make_graph(
            nodes,
            self.name,
            [self._value_info(self._input.tensor, tensors)],
            [self._value_info(output, tensors)],
            initializer=[numpy_helper.from_array(v, k) for k, v in constants.items()],
            value_info=[
                self._value_info(name, tensors)
                for name in tensors
                if name not in (self._input.tensor, output)
            ],
        )
        opsets = [helper.make_opsetid(domain, version) for domain, version in OPSETS]
        model = qonnx_make_model(graph, producer_name="", opset_imports=opsets)
        for name, (shape, datatype) in tensors.items():
            # What ModelWrapper.set_tensor_datatype and _layout write, without their linear scan for each tensor.
            annotation = model.graph.quantization_annotation.add(tensor_name=name)
            annotation.quant_parameter_tensor_names.add(key="finn_datatype", value=datatype)
            if name not in constants:
                layout = str(["N", "H", "W", "C"] if len(shape) == 4 else ["N", "C"])
                annotation.quant_parameter_tensor_names.add(key="tensor_layout", value=layout)
        for key, value in self._metadata().items():
            model.graph.metadata_props.add(key=key, value=value)
        return model

    def _nodes_that_count(self, result: str) -> tuple[list[onnx.NodeProto], set[str]]:
        """The nodes that `result` depends on, and all tensors they read or give.

        States of a cell that no edge reads would become streams that nothing empties, and cost hardware.
        """
        wanted, nodes = {result}, []
        for node in reversed(self._nodes):
            if wanted.intersection(node.output):
                nodes.append(node)
                wanted.update(node.input)
        return nodes[::-1], wanted

    def _metadata(self) -> dict[str, str]:
        assert self._logits is not None
        _, read = self._nodes_that_count(self._logits.tensor)
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

    def _matmul(
        self,
        name: str,
        columns: str,
        matrix: np.ndarray,
        datatype: str,
        x: Value,
        positions: tuple[int, ...],
        gain: np.ndarray,
        bias: np.ndarray,
    ) -> Value:
        low, high = _range(matrix, (x.low, x.high))
        self._input_range[name] = (x.low, x.high)
        weight = self._constant(f"{name}.weight", matrix, datatype)
        shape = (*positions, matrix.shape[1])
        tensor = self._node("MatMul", name, [columns, weight], shape, _smallest(low, high))
        return Value(tensor, shape, low, high, gain, bias)

    def _act_before_pools(self, name: str, x: Value, quantiser: Any) -> Value:
        """act(bn(max a)) without pooling wide signed sums, of which FINN cannot pad any.

        Rising channels: the maximum of the activations. Falling ones (negative batch-norm gain): the activation of the
        maximum is the smallest activation, so we keep highest - activation, pool that and turn it back.
        """
        pools = ", ".join(pool.layer for pool in x.pools)
        if quantiser.is_signed:
            raise StageError(
                f"{name}: a signed activation after the max-pool {pools} cannot be lowered",
                "put an unsigned activation (relu) after the pool, or the pool after the activation",
            )
        table = complemented_thresholds(
            x.gain, x.bias, quantiser.scale, quantiser.highest, x.low, x.high
        )
        before = replace(x, shape=self._tensors[x.tensor][0], pools=())
        y = self._multithreshold(name, before, table, quantiser)
        for pool in x.pools:
            y = self._maxpool(y, replace(pool, layer=self._unused(pool.layer)))
        falling = x.gain < 0
        if not falling.any():
            return y
        turned = f"{y.tensor}.turned"
        tops = np.where(falling, float(quantiser.highest), 0.0)
        tops_name = self._constant(f"{turned}.tops", tops, quantiser.datatype)
        difference = self._node(
            "Sub", turned, [y.tensor, tops_name], y.shape, f"INT{quantiser.bits + 1}"
        )
        tensor = self._node("Abs", f"{turned}.magnitude", [difference], y.shape, quantiser.datatype)
        return replace(y, tensor=tensor)

    def _multithreshold(self, name: str, x: Value, table: np.ndarray, quantiser: Any) -> Value:
        if np.abs(table).max() > FLOAT32_EXACT:
            self.notes.append(f"{name}: thresholds beyond 2**24 are rounded to float32")
        never = x.high + 1
        datatype = _smallest(min(x.low, int(table.min())), max(never, int(table.max())))
        steps = self._constant(f"{name}.thresholds", table, datatype)
        tensor = self._node(
            "MultiThreshold",
            name,
            [x.tensor, steps],
            x.shape,
            quantiser.datatype,
            domain=GENERAL,
            out_dtype=quantiser.datatype,
            out_scale=1.0,
            out_bias=float(quantiser.lowest),
            data_layout="NHWC" if len(x.shape) == 4 else "NC",
        )
        channels = x.shape[-1]
        return Value(
            tensor,
            x.shape,
            quantiser.lowest,
            quantiser.highest,
            np.full(channels, quantiser.scale),
            np.zeros(channels),
            is_quantised=True,
        )

    def _maxpool(self, x: Value, pool: Pool) -> Value:
        if x.low < 0 and pool.pad:
            raise StageError(
                f"{pool.layer}: FINN cannot pad a max-pool of signed values",
                "pool an unsigned activation (relu), or pool without padding",
            )
        shape = _pooled(x.shape, pool)
        tensor = self._node(
            "MaxPoolNHWC",
            pool.layer,
            [x.tensor],
            shape,
            self._datatype_of(x.tensor),
            domain=GENERAL,
            kernel_shape=[pool.window, pool.window],
            strides=[pool.stride, pool.stride],
            pads=[pool.pad] * 4,
        )
        return replace(x, tensor=tensor, shape=shape)

    def _remember(self, name: str, module: Any) -> None:
        self.layers_of.setdefault(id(module), []).append(name)

    def _needs_quantised(self, name: str, x: Value) -> None:
        if x.pools or not x.is_quantised:
            raise StageError(
                f"{name}: its input {x.tensor} is not quantised",
                "put an activation with a bit width before it",
            )

    def _node(
        self,
        op: str,
        name: str,
        inputs: list[str],
        shape: tuple[int, ...],
        datatype: str,
        domain: str = "",
        **attributes: Any,
    ) -> str:
        self._read.update(inputs)
        self._tensor(name, shape, datatype)
        self._nodes.append(
            helper.make_node(op, inputs, [name], name=name, domain=domain, **attributes)
        )
        return name

    def _constant(self, name: str, values: np.ndarray, datatype: str) -> str:
        self._constants[name] = np.ascontiguousarray(values, np.float32) + np.float32(0)  # no -0.0
        self._tensor(name, values.shape, datatype)
        return name

    def _tensor(self, name: str, shape: tuple[int, ...], datatype: str) -> None:
        assert name not in self._names, f"two layers are called {name}"
        self._names.add(name)
        self._tensors[name] = (tuple(shape), datatype)

    def _unused(self, name: str) -> str:
        """`name`, or with a number: a pool that two activations share is done once for each."""
        candidates = (name, *(f"{name}.{n}" for n in range(1, len(self._names) + 1)))
        return next(candidate for candidate in candidates if candidate not in self._names)

    def _datatype_of(self, tensor: str) -> str:
        return self._tensors[tensor][1]

    def _set_datatype(self, tensor: str, datatype: str) -> None:
        self._tensors[tensor] = (self._tensors[tensor][0], datatype)

    @staticmethod
    def _value_info(
        name: str, tensors: dict[str, tuple[tuple[int, ...], str]]
    ) -> onnx.ValueInfoProto:
        container = TensorProto.INT64 if name == "class" else TensorProto.FLOAT
        return helper.make_tensor_value_info(name, container, list(tensors[name][0]))


def _range(matrix: np.ndarray, inputs: tuple[int, int]) -> tuple[int, int]:
    """Smallest and largest result of any column for inputs in the given closed interval, and 0."""
    low, high = inputs
    matrix = np.asarray(matrix, np.float64)
    smallest = np.minimum(matrix * low, matrix * high).sum(axis=0).min()
    largest = np.maximum(matrix * low, matrix * high).sum(axis=0).max()
    return min(0, int(smallest)), max(0, int(largest))


def _smallest(low: int, high: int) -> str:
    """The narrowest integer type of at least 2 bits that holds the closed interval."""
    if low >= 0:
        return f"UINT{max(2, high.bit_length())}"
    return f"INT{max(2, (-low - 1).bit_length() + 1, high.bit_length() + 1)}"


def _windows(size: int, kernel: int, stride: int, pad: int = 0, dilation: int = 1) -> int:
    return (size + 2 * pad - dilation * (kernel - 1) - 1) // stride + 1


def _pooled(shape: tuple[int, ...], pool: Pool) -> tuple[int, ...]:
    n, h, w, c = shape
    return (
        n,
        _windows(h, pool.window, pool.stride, pool.pad),
        _windows(w, pool.window, pool.stride, pool.pad),
        c,
    )


def _side(name: str, size: int | tuple[int, int]) -> int:
    if isinstance(size, tuple):
        if size[0] != size[1]:
            raise StageError(f"{name}: FINN pools over squares, this window is {size[0]}x{size[1]}")
        return int(size[0])
    return int(size)
