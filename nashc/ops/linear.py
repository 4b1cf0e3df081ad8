"""Fully connected layer without bias, quantised weights."""

from __future__ import annotations

from pydantic import Field, PositiveInt

from nashc.ops.base import Misfit, Op, OpParams, Work
from nashc.vocab.datatypes import accumulator, is_integer
from nashc.vocab.tensor import TensorType


class Params(OpParams):
    out: PositiveInt = Field(description="outputs")
    weight_bits: int = Field(ge=1, le=8, description="bits of a weight; 1 is BIPOLAR")
    role: str = Field(description="which bit widths apply")


def infer(params: Params, x: TensorType) -> TensorType:
    """NC in and out; the data type is the accumulator's, exact for the worst weights."""
    if len(x.shape) != 2:
        raise Misfit(
            "NASH201",
            "a fully connected layer needs a vector, and this value is an image",
            f"its input is {x.shape[1]}x{x.shape[2]}x{x.shape[3]}",
            "put `avgpool` before it",
        )
    if not is_integer(x.dtype):
        raise Misfit(
            "NASH202",
            "a fully connected layer needs quantised input",
            "its input is not quantised",
            "put `act` before it",
        )
    return TensorType(
        (x.shape[0], params.out), accumulator(x.dtype, params.weight_bits, x.shape[1])
    )


def work(params: Params, inputs: tuple[TensorType, ...], y: TensorType) -> Work:
    weights = inputs[0].shape[1] * params.out
    return Work(weights, weights * params.weight_bits)


OP = Op(name="linear", params=Params, inputs=(1, 1), infer=infer, work=work)
