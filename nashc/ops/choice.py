"""An edge of a NAS cell before the search has chosen: several candidate operations, one result."""

from __future__ import annotations

from pydantic import Field, NonNegativeInt, PositiveInt

from nashc.ops.base import Op, OpParams, no_work
from nashc.vocab.datatypes import FLOAT
from nashc.vocab.tensor import TensorType


class Params(OpParams):
    cell: str = Field(description="scope of the cell: group0, group0.block1, network ...")
    source: NonNegativeInt = Field(description="node of the cell that the edge leaves")
    target: PositiveInt = Field(description="node of the cell that the edge enters")
    ops: tuple[str, ...] = Field(description="the candidates, as the spec writes them")
    out: PositiveInt = Field(description="channels of the result")
    stride: PositiveInt = Field(description="step between windows, pixels")
    weight_bits: int = Field(
        ge=1, le=8, description="of the convolution that a genotype may put here"
    )
    identity_bits: int = Field(
        ge=1, le=8, description="of the one that stands for an identity across a change"
    )


def infer(params: Params, x: TensorType) -> TensorType:
    """NHWC in and out: a step of the stride for each pixel that is left, whatever the candidate; floats."""
    n, h, w, _ = x.shape
    step = params.stride
    return TensorType((n, -(-h // step), -(-w // step), params.out), FLOAT)


OP = Op(name="choice", params=Params, inputs=(1, 1), infer=infer, work=no_work)
