"""Products with weights in an integer graph: matrix products, popcounts, and columns turned round afterwards."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from support.integers.onnx import GENERAL, OnnxParts
from support.integers.values import ONE_BIT, Value, smallest_type, sum_range


class Products:
    """Every product of one graph: their weights may change until somebody reads the sum."""

    def __init__(self, parts: OnnxParts) -> None:
        self._parts = parts
        self._input_range: dict[str, tuple[int, int]] = {}
        # product -> its turned columns, smallest and largest result since
        self._turned: dict[str, tuple[np.ndarray, int, int]] = {}

    def matmul(
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
        """columns: tensor [*positions, terms], of x cut into windows; matrix: int64 [terms, outputs]."""
        low, high = sum_range(matrix, (x.low, x.high))
        self._input_range[name] = (x.low, x.high)
        weight = self._parts.constant(f"{name}.weight", matrix, datatype)
        shape = (*positions, matrix.shape[1])
        tensor = self._parts.node(
            "MatMul", name, [columns, weight], shape, smallest_type(low, high)
        )
        return Value(tensor, shape, low, high, gain, bias)

    def xnor_popcount(
        self,
        name: str,
        columns: str,
        matrix: np.ndarray,
        positions: tuple[int, ...],
        gain: np.ndarray,
        bias: np.ndarray,
    ) -> Value:
        """A product of weights +-1 with inputs {0, 1}, a zero of the padding among them.

        FINN reads both as bits, counts where they agree, and calls that the sum: of K terms, a weight -1 counts where
        its input is 0. So sum(weight * input) = popcount - (number of weights -1), which the thresholds take up.
        """
        terms, outputs = matrix.shape
        self._input_range[name] = (0, 1)
        weight = self._parts.constant(f"{name}.weight", (matrix + 1) / 2, ONE_BIT)
        shape = (*positions, outputs)
        tensor = self._parts.node(
            "XnorPopcountMatMul",
            name,
            [columns, weight],
            shape,
            smallest_type(0, terms),
            domain=GENERAL,
        )
        return Value(tensor, shape, 0, terms, gain, bias, offset=-(matrix < 0).sum(axis=0))

    def rising(self, x: Value) -> Value:
        """The same with no negative gain: by the opposite weights if nobody has read the sum yet, else times -1."""
        falling = x.gain < 0
        if not falling.any():
            return x
        if f"{x.tensor}.weight" in self._parts.constants and x.tensor not in self._parts.read:
            self._turn_weights(x.tensor, falling)
            return self.as_turned(x)
        signs = np.where(falling, -1, 1)
        low, high = min(x.low, -x.high), max(x.high, -x.low)
        tensor = x.normalised_by
        if tensor not in self._parts.tensors:
            signs_name = self._parts.constant(f"{tensor}.signs", signs, "INT2")
            datatype = smallest_type(low, high)
            self._parts.node("Mul", tensor, [x.tensor, signs_name], x.shape, datatype)
        offset = x.offset * signs
        return replace(x, tensor=tensor, gain=np.abs(x.gain), offset=offset, low=low, high=high)

    def _turn_weights(self, tensor: str, falling: np.ndarray) -> None:
        """Give columns of a product the opposite weights; values made of it before are mended by `as_turned`."""
        weight = f"{tensor}.weight"
        matrix = self._parts.constants[weight]
        if self._parts.datatype_of(weight) == ONE_BIT:
            self._parts.set_constant(weight, np.where(falling, 1 - matrix, matrix))
            self._turned[tensor] = (falling, 0, len(matrix))
            return
        matrix = np.where(falling, -matrix, matrix)
        self._parts.set_constant(weight, matrix)
        low, high = sum_range(matrix, self._input_range[tensor])
        self._parts.set_datatype(tensor, smallest_type(low, high))
        self._turned[tensor] = (falling, low, high)

    def as_turned(self, x: Value) -> Value:
        """What a value means since columns of its product were turned."""
        if x.tensor not in self._turned:
            return x
        turned, low, high = self._turned[x.tensor]
        # A popcount becomes number of terms - popcount: where the old bits agreed, the new ones differ.
        terms = high if self._parts.datatype_of(f"{x.tensor}.weight") == ONE_BIT else 0
        gain = np.where(turned, -x.gain, x.gain)
        offset = np.where(turned, -terms - x.offset, x.offset)
        return replace(x, gain=gain, offset=offset, low=low, high=high)
