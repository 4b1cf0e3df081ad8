"""Checks after each step of FINN, which is silent when it cuts a graph apart: structure always, values on request.

Values are held against the integer graph on the golden images of export.py, tensor by tensor, and the integer graph's
classes and logits against those of the trained network.
"""

from __future__ import annotations

import copy
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from support.finn.names import layer_of
from support.progress import StageError


def check_graph(model: Any, step: str, origins: dict[str, str]) -> None:
    """Every tensor is given once, has a shape and an integer type; hardware layers expect what their tensors are.

    origins: layer -> its line in the spec. Errors: StageError naming the step, the node and that line.
    """
    given = {tensor.name for tensor in (*model.graph.input, *model.graph.initializer)}
    read = {tensor for node in model.graph.node for tensor in node.input}
    read.update(tensor.name for tensor in model.graph.output)
    for node in model.graph.node:
        for tensor in node.input:
            if tensor and tensor not in given:
                raise _broken(step, node, f"reads {tensor}, which nothing before it gives", origins)
        for tensor in node.output:
            if tensor in given:
                raise _broken(step, node, f"gives {tensor}, which another node gives too", origins)
            problem = _problem_of_tensor(model, tensor, is_read=tensor in read)
            if problem:
                raise _broken(step, node, f"gives {tensor} {problem}", origins)
        given.update(node.output)
        problem = _problem_of_layer(model, node)
        if problem:
            raise _broken(step, node, problem, origins)
    for node in model.graph.node:
        if not any(tensor in read for tensor in node.output):
            raise _broken(step, node, "gives a stream that nothing empties", origins)


def _problem_of_tensor(model: Any, tensor: str, *, is_read: bool) -> str:
    from qonnx.core.datatype import DataType

    if not model.get_tensor_shape(tensor):
        return "without a shape"
    if is_read and model.get_tensor_datatype(tensor) == DataType["FLOAT32"]:
        return "as real numbers"
    layout = model.get_tensor_layout(tensor)
    if layout is not None and layout not in (["N", "H", "W", "C"], ["N", "C"]):
        return f"in the layout {layout}"
    return ""


def _problem_of_layer(model: Any, node: Any) -> str:
    """Where a hardware layer and its tensors do not say the same."""
    from qonnx.custom_op.registry import getCustomOp

    if not node.domain.startswith("finn.custom_op.fpgadataflow"):
        return ""
    layer = getCustomOp(node)
    for what, tensor in (("input", node.input[0]), ("output", node.output[0])):
        expected = [int(size) for size in getattr(layer, f"get_normal_{what}_shape")()]
        shape = model.get_tensor_shape(tensor)
        if np.prod(expected) != np.prod(shape):
            return f"expects {what}s of shape {expected}, the tensor has {shape}"
        datatype = getattr(layer, f"get_{what}_datatype")()
        if datatype != model.get_tensor_datatype(tensor):
            found = model.get_tensor_datatype(tensor).name
            return f"expects {what}s of type {datatype.name}, the tensor has {found}"
    return ""


@dataclass(frozen=True)
class Golden:
    """What the integer graph gives for the golden images, by tensor."""

    pixels: np.ndarray  # [N, H, W, C]
    tensors: dict[str, np.ndarray]

    @staticmethod
    def load(path: Path, integer: Any) -> Golden:
        """Errors: StageError if the integer graph does not give the logits of the trained network."""
        from support.verification.execution import Runner

        if not path.is_file():
            raise StageError(f"no golden vectors at {path}", "run export.py without --integer-only")
        try:
            with np.load(path, allow_pickle=False) as golden:
                pixels = golden["images"].transpose(0, 2, 3, 1)
                logits = golden["integer_logits"]
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise StageError(
                f"{path} is not the golden.npz of an export", "run export.py again"
            ) from error
        made = [tensor for node in integer.graph.node for tensor in node.output]
        tensors = Runner(integer, made).run(pixels)
        found = tensors[integer.get_metadata_prop("logits_tensor")]
        if not np.array_equal(found, logits):
            image = int(np.argwhere((found != logits).any(axis=1))[0, 0])
            raise StageError(
                f"the integer graph gives other logits than the trained network for image {image}",
                "verify.py tells the first layer that differs",
            )
        return Golden(pixels, tensors)

    def check(self, model: Any, step: str, origins: dict[str, str]) -> None:
        """Errors: StageError naming the first node that gives other integers than the integer graph."""
        from support.verification.execution import Runner

        model = in_python(model)
        common = [
            tensor
            for node in model.graph.node
            for tensor in node.output
            if tensor in self.tensors and not tensor.endswith(".window")
        ]
        found = Runner(model, common).run(self.pixels)
        producers = {tensor: node for node in model.graph.node for tensor in node.output}
        for tensor in common:
            expected = self.tensors[tensor]
            given = found[tensor].reshape(expected.shape)
            if not np.array_equal(given, expected):
                place = tuple(np.argwhere(given != expected)[0])
                text = (
                    f"gives {given[place]:.0f} instead of {expected[place]:.0f} "
                    f"for golden image {place[0]} at {[int(index) for index in place[1:]]}"
                )
                raise _broken(step, producers[tensor], text, origins)
        classes = found[model.graph.output[0].name].reshape(-1)
        if not np.array_equal(classes, self.tensors["class"].reshape(-1)):
            raise _broken(step, model.graph.node[-1], "gives other classes", origins)


def in_python(model: Any) -> Any:
    """A copy whose HLS and RTL layers are the layers they were made from, which run in Python without Vivado."""
    model = copy.deepcopy(model)
    for node in model.graph.node:
        for style in ("hls", "rtl"):
            if node.domain == f"finn.custom_op.fpgadataflow.{style}":
                node.domain = "finn.custom_op.fpgadataflow"
                node.op_type = node.op_type.removesuffix(f"_{style}")
    return model


def _broken(step: str, node: Any, text: str, origins: dict[str, str]) -> StageError:
    line = origins.get(layer_of(node.name))
    where = f" ({line})" if line else ""
    return StageError(f"after {step}, {node.name or node.op_type}{where} {text}")
