"""The image that enters the network: integer pixels."""

from __future__ import annotations

from pydantic import Field, PositiveInt

from nashc.ops.base import Op, OpParams, no_work
from nashc.vocab.tensor import TensorType


class Params(OpParams):
    dtype: str = Field(description="QONNX data type of a pixel")
    shape: tuple[PositiveInt, PositiveInt, PositiveInt] = Field(
        description="height, width, channels"
    )


def infer(params: Params) -> TensorType:
    return TensorType((1, *params.shape), params.dtype)


OP = Op(name="input", params=Params, inputs=(0, 0), infer=infer, work=no_work)
