"""Executing QONNX and FINN graphs in Python, many images at a time.

Nodes run as qonnx runs them (FINN's and QONNX's own Python, onnxruntime for plain ONNX). Two things differ from
qonnx.core.onnx_exec: the batch is wider than the 1 that FINN's graphs are made for, and instead of rounding tensors
to their data types we check that every value lies in its data type, as it must for the hardware to hold it.
qonnx 1.0.0 mixes up the images of a batch in Im2Col (and with it FINN's ConvolutionInputGenerator). We cut windows
ourselves, and hold the first image of every such node against the node's own result.
"""

from __future__ import annotations

import contextlib
import copy
import warnings
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from onnx import numpy_helper
from qonnx.core.datatype import DataType
from qonnx.core.onnx_exec import execute_node
from qonnx.custom_op.registry import getCustomOp

# Largest array to make, in elements: thresholding compares each value with all its thresholds at once.
ELEMENTS_MAX = 2**26

# The attributes that tell kernel, stride and dilation.
WINDOW_OPS = {
    "Im2Col": ("kernel_size", "stride", "dilations"),
    "ConvolutionInputGenerator": ("ConvKernelDim", "Stride", "Dilation"),
}


@dataclass(frozen=True)
class OutOfRange:
    """A value that its tensor's data type cannot hold."""

    node: str
    tensor: str
    datatype: str
    low: float
    high: float


class Runner:
    """Runs a ModelWrapper on batches; `kept` tensors come back by name (all of the graph's outputs always do)."""

    def __init__(
        self, model: Any, kept: Collection[str] = (), checks_datatypes: bool = False
    ) -> None:
        self.model = model
        self.input = model.graph.input[0].name
        self.outputs = [tensor.name for tensor in model.graph.output]
        self.kept = set(kept) | set(self.outputs)
        self.out_of_range: list[OutOfRange] = []
        self._checks = checks_datatypes
        self._batched: dict[int, _Batched] = {}

    def images_at_once(self) -> int:
        """How many images keep every array below ELEMENTS_MAX."""
        largest = 1
        for node in self.model.graph.node:
            size = int(np.prod(self.model.get_tensor_shape(node.output[0]) or [1]))
            for tensor in node.input[1:]:
                constant = self.model.get_initializer(tensor)
                if constant is not None and constant.ndim == 2 and "hreshold" in tensor:
                    size *= constant.shape[1]
            largest = max(largest, size)
        return max(1, ELEMENTS_MAX // largest)

    def run(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """images: [n, ...] as the graph's input lies, in any number type."""
        if len(images) not in self._batched:
            self._batched[len(images)] = _Batched(self.model, len(images), self.kept)
        batched = self._batched[len(images)]
        with quiet():
            return batched.run(
                {self.input: np.ascontiguousarray(images, np.float32)},
                self._check if self._checks else None,
            )

    def _check(self, node: Any, tensor: str, values: np.ndarray) -> None:
        datatype = self.model.get_tensor_datatype(tensor)
        if datatype == DataType["FLOAT32"]:
            return
        low, high = values.min(), values.max()
        is_integer = not datatype.is_integer() or np.array_equal(values, np.rint(values))
        if low < datatype.min() or high > datatype.max() or not is_integer:
            found = OutOfRange(node.name, tensor, str(datatype), float(low), float(high))
            if all(old.tensor != tensor for old in self.out_of_range):
                self.out_of_range.append(found)


class _Batched:
    """The graph with a wider first dimension in every tensor that depends on the input."""

    def __init__(self, model: Any, batch: int, kept: set[str]) -> None:
        self.batch = batch
        self.kept = kept
        self.held: set[str] = set()
        self.model = copy.deepcopy(model)
        graph = self.model.graph
        self.constants = {
            constant.name: numpy_helper.to_array(constant) for constant in graph.initializer
        }
        self.opsets = self.model.get_opset_imports()
        self.shapes = {}
        depends = {graph.input[0].name}
        self.constant_nodes, self.nodes = [], []
        for node in graph.node:
            if depends.intersection(node.input):
                depends.update(node.output)
                self.nodes.append(node)
                self._widen(node)
            else:
                self.constant_nodes.append(node)
        for info in (*graph.input, *graph.output, *graph.value_info):
            dims = info.type.tensor_type.shape.dim
            if info.name in depends and dims:
                assert dims[0].dim_value == 1, f"{info.name} has no batch of 1"
                dims[0].dim_value = batch
            self.shapes[info.name] = tuple(dim.dim_value for dim in dims)
        context = self._context(self.constant_nodes)
        for node in self.constant_nodes:
            self._execute(node, context)
        self.constants = {
            name: context[name]
            for name in {*self.constants, *(o for n in self.constant_nodes for o in n.output)}
        }
        self.last_reader = {
            tensor: index for index, node in enumerate(self.nodes) for tensor in node.input
        }

    def run(
        self, inputs: dict[str, np.ndarray], check: Callable[[Any, str, np.ndarray], None] | None
    ) -> dict[str, np.ndarray]:
        context: dict[str, np.ndarray] = {**self.constants, **inputs}
        for index, node in enumerate(self.nodes):
            for tensor in node.output:
                # Some nodes read the shape they must give from what lies there.
                context[tensor] = np.empty(self.shapes[tensor], np.float32)
            self._execute(node, context)
            for tensor in node.output:
                if check is not None and tensor in self.last_reader | dict.fromkeys(self.kept):
                    check(node, tensor, context[tensor])
            for tensor in node.input:
                if self.last_reader[tensor] == index and tensor not in self.kept:
                    context.pop(tensor, None)
        return {name: context[name] for name in self.kept if name in context}

    def _context(self, nodes: list[Any]) -> dict[str, np.ndarray]:
        context = dict(self.constants)
        for node in nodes:
            for tensor in node.output:
                context[tensor] = np.empty(self.shapes[tensor], np.float32)
        return context

    def _execute(self, node: Any, context: dict[str, np.ndarray]) -> None:
        version = self.opsets.get(node.domain, 1)
        if node.op_type not in WINDOW_OPS or self.batch == 1:
            execute_node(node, context, self.model.graph, version)
            return
        images = context[node.input[0]]
        windows = _windows(images, node)
        if node.name not in self.held:
            self.held.add(node.name)
            one = {node.input[0]: images[:1], node.output[0]: np.empty_like(windows[:1])}
            execute_node(node, one, self.model.graph, version)
            assert np.array_equal(one[node.output[0]], windows[:1]), f"{node.name}: windows differ"
        context[node.output[0]] = windows

    def _widen(self, node: Any) -> None:
        """Where FINN's nodes and reshapes carry the batch inside them."""
        for attribute in node.attribute:
            if attribute.name == "numInputVectors":
                attribute.ints[0] *= self.batch
            elif attribute.name == "BatchSize":
                attribute.i *= self.batch
        if node.op_type == "Reshape":
            shape = self.constants[node.input[1]].copy()
            assert shape[0] in (0, 1), f"{node.name} reshapes away from a batch of 1"
            shape[0] = self.batch
            self._set_constant(node.input[1], shape)

    def _set_constant(self, name: str, value: np.ndarray) -> None:
        self.constants[name] = value
        for constant in self.model.graph.initializer:
            if constant.name == name:
                constant.CopyFrom(numpy_helper.from_array(value, name))


def _windows(images: np.ndarray, node: Any) -> np.ndarray:
    """NHWC images -> [N, out_h, out_w, kernel_h * kernel_w * C], of an Im2Col or a ConvolutionInputGenerator."""
    instance = getCustomOp(node)
    names = WINDOW_OPS[node.op_type]
    kernel, stride, dilation = (tuple(instance.get_nodeattr(name)) for name in names)
    if node.op_type == "Im2Col":
        top, left, bottom, right = instance.get_nodeattr("pad_amount")
        value = instance.get_nodeattr("pad_value")
        padding = ((0, 0), (top, bottom), (left, right), (0, 0))
        images = np.pad(images, padding, constant_values=value)
    span = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    cut = np.lib.stride_tricks.sliding_window_view(images, span, axis=(1, 2))
    cut = cut[:, :: stride[0], :: stride[1], :, :: dilation[0], :: dilation[1]]
    n, height, width = cut.shape[:3]
    return np.ascontiguousarray(cut.transpose(0, 1, 2, 4, 5, 3)).reshape(n, height, width, -1)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """qonnx warns of every shape that its batch of 1 did not foresee."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield
