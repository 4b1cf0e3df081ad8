"""FINN's transformations, applied without the detours that are most of their time on a large network.

What comes out is what FINN's own `model.transform` gives (tests/support/test_finn_quick.py holds both side by side); what
is left out, in qonnx 1.0.0, is copies of the model, scans of all its tensors for one name, and inference of all shapes
and types after every single change.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from qonnx.core.datatype import DataType, IntType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op import base
from qonnx.transformation.infer_datatypes import InferDataTypes
from qonnx.transformation.infer_shapes import InferShapes

from support.integers.values import signed_sums

Say = Callable[[str], None]


def nothing(_text: str) -> None:
    """Say nothing of what is being done."""


def apply(model: Any, transformations: list[Any], say: Say = nothing) -> Any:
    """`model` changed in place by the transformations, in order; each is told to `say` before it begins."""
    quick = model if type(model) is QuickModel else QuickModel(model.model)
    return _applied(quick, transformations, say)


def apply_inferring(model: Any, transformations: list[Any], say: Say = nothing) -> Any:
    """Like `apply`, but types are inferred whenever a transformation asks for it, since it may read them next."""
    return _applied(InferringModel(model.model), transformations, say)


def _applied(quick: QuickModel, transformations: list[Any], say: Say) -> QuickModel:
    with hurried():
        for transformation in transformations:
            say(type(transformation).__name__)
            quick = quick.transform(transformation)
    return quick


class QuickModel(ModelWrapper):
    """A ModelWrapper that is changed in place and knows where its tensors and nodes were last found."""

    DEFERS = True

    def __init__(self, *args: Any, **options: Any) -> None:
        self._places: dict[str, dict[str, int]] = {}
        self._waiting: set[type] | None = (
            None  # inferences that the transformation under way asked for
        )
        super().__init__(*args, **options)

    def transform(
        self, transformation: Any, make_deepcopy: bool = False, cleanup: bool = True, **options: Any
    ) -> QuickModel:
        """Shapes and types are inferred once, when the outermost transformation is done, instead of at each change.

        That is right where all types are known before: the transformations to hardware keep what the tensors hold.
        """
        del make_deepcopy
        inference = type(transformation)
        if inference is InferShapes and self._shapes_are_known():
            return self
        if not self.DEFERS:
            return self._quick(super().transform(transformation, False, cleanup, **options))
        if self._waiting is not None:
            if inference not in (InferShapes, InferDataTypes):
                return self._quick(super().transform(transformation, False, cleanup, **options))
            self._waiting.add(inference)
            return self
        self._waiting = set()
        try:
            model = self._quick(super().transform(transformation, False, cleanup, **options))
            waiting = self._waiting
        finally:
            self._waiting = None
        for wanted in (InferShapes, InferDataTypes):
            if wanted in waiting:
                model = model.transform(wanted())
        return model

    def _quick(self, model: ModelWrapper) -> QuickModel:
        """Some transformations, shape inference among them, return a model of their own making."""
        return model if isinstance(model, QuickModel) else type(self)(model.model)

    def _shapes_are_known(self) -> bool:
        """FINN's moves leave tensors of shape (), which is what qonnx calls specified."""
        return all(self.get_tensor_shape(name) for node in self.graph.node for name in node.output)

    def get_tensor_datatype(self, tensor_name: str) -> Any:
        annotation = self._find(self.graph.quantization_annotation, "tensor_name", tensor_name)
        for entry in annotation.quant_parameter_tensor_names if annotation is not None else ():
            if entry.key == "finn_datatype":
                return _datatype(entry.value)
        return super().get_tensor_datatype(tensor_name)

    def set_tensor_datatype(self, tensor_name: str, datatype: Any) -> None:
        annotation = self._find(self.graph.quantization_annotation, "tensor_name", tensor_name)
        for entry in annotation.quant_parameter_tensor_names if annotation is not None else ():
            if entry.key == "finn_datatype" and datatype is not None:
                entry.value = datatype.name
                return
        super().set_tensor_datatype(tensor_name, datatype)

    def get_tensor_valueinfo(self, tensor_name: str) -> Any:
        for ends in (self.graph.input, self.graph.output):
            for info in ends:
                if info.name == tensor_name:
                    return info
        return self._find(self.graph.value_info, "name", tensor_name)

    def get_tensor_shape(
        self, tensor_name: str, fix_missing_init_shape: bool = False
    ) -> list[int] | None:
        info = self.get_tensor_valueinfo(tensor_name)
        if info is None:
            return super().get_tensor_shape(tensor_name, fix_missing_init_shape)
        return [dim.dim_value for dim in info.type.tensor_type.shape.dim]

    def get_initializer(self, tensor_name: str, return_dtype: bool = False) -> Any:
        if self._producer(tensor_name) is not None or not self._has_initializer(tensor_name):
            return (None, None) if return_dtype else None
        return super().get_initializer(tensor_name, return_dtype)

    def find_producer(self, tensor_name: str) -> Any:
        node = self._producer(tensor_name)
        if node is not None or self._has_initializer(tensor_name):
            return node
        self._places["producer"] = {
            name: i for i, node in enumerate(self.graph.node) for name in node.output
        }
        return self._producer(tensor_name)

    def _producer(self, tensor_name: str) -> Any:
        """The node that gave the tensor when last looked for, if it still does."""
        place = self._places.get("producer", {}).get(tensor_name)
        if place is None or place >= len(self.graph.node):
            return None
        node = self.graph.node[place]
        return node if tensor_name in node.output else None

    def _has_initializer(self, tensor_name: str) -> bool:
        return self._find(self.graph.initializer, "name", tensor_name) is not None

    def _find(self, items: Any, field: str, name: str) -> Any:
        """The item whose `field` is `name`: looked for where it was last, and everywhere if it has moved."""
        kind = type(items[0]).__name__ if items else ""
        places = self._places.setdefault(kind, {})
        place = places.get(name, len(items))
        if place < len(items) and getattr(items[place], field) == name:
            return items[place]
        places.clear()
        places.update((getattr(item, field), i) for i, item in enumerate(items))
        return items[places[name]] if name in places else None


class InferringModel(QuickModel):
    """A quick model for graphs whose types are still being found out."""

    DEFERS = False


@contextlib.contextmanager
def hurried() -> Iterator[None]:
    """What FINN asks again and again is answered at once: attributes of nodes, sums of weights, types of thresholds."""
    from finn.custom_op.fpgadataflow import matrixvectoractivation

    with contextlib.ExitStack() as put_back:
        for owner, name, quick in (
            (np, "vectorize", _vectorize),
            (base, "get_by_name", _by_name),
            (base.CustomOp, "get_nodeattr_def", _attribute_definition),
            (matrixvectoractivation, "calculate_matvec_accumulator_range", _sum_range),
        ):
            put_back.callback(setattr, owner, name, getattr(owner, name))
            setattr(owner, name, quick)
        yield


_numpy_vectorize = np.vectorize


def _vectorize(function: Any, *args: Any, **kwargs: Any) -> Any:
    """Whether a type allows each of a million thresholds is asked of the array, not of a million Python numbers."""
    datatype = getattr(function, "__self__", None)
    if isinstance(datatype, IntType) and function.__name__ == "allowed":
        low, high = datatype.min(), datatype.max()
        return lambda values: (values >= low) & (values <= high) & (values == np.round(values))
    return _numpy_vectorize(function, *args, **kwargs)


def _by_name(container: Any, name: str, name_field: str = "name") -> Any:
    """The first that is called so: that no two are is what qonnx makes sure of each time."""
    return next((item for item in container if getattr(item, name_field) == name), None)


def _attribute_definition(self: Any, name: str) -> tuple[Any, ...]:
    """Type, whether it is required, default, allowed values: of the class, which FINN puts together for each question."""
    known = _attribute_types(type(self))
    if name in known:
        return known[name]
    found = (*self.get_nodeattr_types()[name], None)[:4]
    if isinstance(found[2], str | int | float):  # whoever gets a list may change it
        known[name] = found
    return found


@functools.cache
def _attribute_types(operation: type) -> dict[str, tuple[Any, ...]]:
    """What was asked of the operation until now."""
    del operation
    return {}


def _sum_range(matrix: np.ndarray, inputs: Any) -> tuple[float, float]:
    """Smallest and largest sum that any column gives: two passes over the weights where qonnx takes ten."""
    positive, negative = signed_sums(matrix)
    low, high = float(inputs.min()), float(inputs.max())
    return (positive * low + negative * high).min(), (positive * high + negative * low).max()


@functools.cache
def _datatype(name: str) -> Any:
    return DataType[name]
