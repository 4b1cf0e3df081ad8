"""FINN's transformations, applied without the detours that are most of their time on a large network."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

Say = Callable[[str], None]


def nothing(_text: str) -> None:
    """Say nothing of what is being done."""


def apply(model: Any, transformations: list[Any], say: Say = nothing) -> Any:
    with _quick_qonnx():
        for transformation in transformations:
            say(type(transformation).__name__)
            model = model.transform(transformation, make_deepcopy=False)
    return model


@contextlib.contextmanager
def _quick_qonnx() -> Iterator[None]:
    """Two detours of qonnx 1.0.0 that are most of FINN's time on a large network, cut short.

    Shape inference does nothing when all shapes are known. Whether a type allows each of a million thresholds is asked
    of the array, not of a million Python numbers.
    """
    from qonnx.core.datatype import IntType
    from qonnx.transformation.infer_shapes import InferShapes

    infer_shapes, vectorize = InferShapes.apply, np.vectorize

    def infer_unknown_shapes(self: Any, model: Any) -> tuple[Any, bool]:
        if model.check_all_tensor_shapes_specified():
            return model, False
        return infer_shapes(self, model)

    def vectorize_allowed(function: Any, *args: Any, **kwargs: Any) -> Any:
        datatype = getattr(function, "__self__", None)
        if isinstance(datatype, IntType) and function.__name__ == "allowed":
            low, high = datatype.min(), datatype.max()
            return lambda values: (values >= low) & (values <= high) & (values == np.round(values))
        return vectorize(function, *args, **kwargs)

    InferShapes.apply, np.vectorize = infer_unknown_shapes, vectorize_allowed
    try:
        yield
    finally:
        InferShapes.apply, np.vectorize = infer_shapes, vectorize
