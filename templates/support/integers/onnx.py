"""The ONNX side of an integer graph: nodes, constants, data types and layouts, put together at the end.

Everything is annotated as FINN's ModelWrapper would, but without its linear scan for each tensor.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from qonnx.util.basic import qonnx_make_model

GENERAL = "qonnx.custom_op.general"
OPSETS = (("", 13), (GENERAL, 2))


class OnnxParts:
    """A graph under way: each node has one output, called like the node."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.constants: dict[str, np.ndarray] = {}
        self.tensors: dict[str, tuple[tuple[int, ...], str]] = {}  # shape and data type
        self.read: set[str] = set()  # tensors that a node takes
        self._nodes: list[onnx.NodeProto] = []

    def node(
        self,
        op: str,
        name: str,
        inputs: list[str],
        shape: tuple[int, ...],
        datatype: str,
        domain: str = "",
        **attributes: Any,
    ) -> str:
        """Add a node; returns the name of its tensor."""
        self.read.update(inputs)
        self.tensor(name, shape, datatype)
        self._nodes.append(
            helper.make_node(op, inputs, [name], name=name, domain=domain, **attributes)
        )
        return name

    def constant(self, name: str, values: np.ndarray, datatype: str) -> str:
        """Add a constant that FINN reads, in its float32 container."""
        self.tensor(name, values.shape, datatype)
        self.set_constant(name, values)
        return name

    def set_constant(self, name: str, values: np.ndarray) -> None:
        # The sum turns -0.0 into 0.0, or two equal exports would differ in their bytes.
        self.constants[name] = np.ascontiguousarray(values, np.float32) + np.float32(0)

    def shape_constant(self, name: str, values: list[int]) -> str:
        """Add a constant of ONNX's own kind, such as the shape of a Reshape."""
        self.constants[name] = np.array(values, np.int64)
        return name

    def tensor(self, name: str, shape: tuple[int, ...], datatype: str) -> None:
        assert name not in self.tensors, f"two layers are called {name}"
        self.tensors[name] = (tuple(shape), datatype)

    def unused(self, name: str) -> str:
        """`name`, or with a number: a pool that two activations share is done once for each."""
        candidates = (name, *(f"{name}.{n}" for n in range(1, len(self.tensors) + 1)))
        return next(candidate for candidate in candidates if candidate not in self.tensors)

    def datatype_of(self, tensor: str) -> str:
        return self.tensors[tensor][1]

    def set_datatype(self, tensor: str, datatype: str) -> None:
        self.tensors[tensor] = (self.tensors[tensor][0], datatype)

    def needed_for(self, result: str) -> tuple[list[onnx.NodeProto], set[str]]:
        """The nodes that `result` depends on, and all tensors they read or give.

        States of a cell that no edge reads would become streams that nothing empties, and cost hardware.
        """
        wanted, nodes = {result}, []
        for node in reversed(self._nodes):
            if wanted.intersection(node.output):
                nodes.append(node)
                wanted.update(node.input)
        return nodes[::-1], wanted

    def model(
        self, start: str, result: str, metadata: dict[str, str], classify: bool
    ) -> onnx.ModelProto:
        """The graph from `start` to `result`, or to TopK behind it (FINN's LabelSelect)."""
        nodes, read = self.needed_for(result)
        read.add(start)
        constants = {name: value for name, value in self.constants.items() if name in read}
        tensors = {name: about for name, about in self.tensors.items() if name in read}
        if classify:
            constants["classify.k"] = np.array([1], np.int64)
            tensors["classify.value"] = ((1, 1), self.datatype_of(result))
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
            [_value_info(start, tensors)],
            [_value_info(output, tensors)],
            value_info=[_value_info(n, tensors) for n in tensors if n not in (start, output)],
        )
        opsets = [helper.make_opsetid(domain, version) for domain, version in OPSETS]
        model = qonnx_make_model(graph, producer_name="", opset_imports=opsets)
        # One by one at the end: each call above copies what it is given.
        for name, value in constants.items():
            model.graph.initializer.append(numpy_helper.from_array(value, name))
        for name, (shape, datatype) in tensors.items():
            annotation = model.graph.quantization_annotation.add(tensor_name=name)
            annotation.quant_parameter_tensor_names.add(key="finn_datatype", value=datatype)
            if name not in constants:
                layout = str(["N", "H", "W", "C"] if len(shape) == 4 else ["N", "C"])
                annotation.quant_parameter_tensor_names.add(key="tensor_layout", value=layout)
        for key, value in metadata.items():
            model.graph.metadata_props.add(key=key, value=value)
        return model


def _value_info(name: str, tensors: dict[str, tuple[tuple[int, ...], str]]) -> onnx.ValueInfoProto:
    container = TensorProto.INT64 if name == "class" else TensorProto.FLOAT
    return helper.make_tensor_value_info(name, container, list(tensors[name][0]))
