"""Max pooling over a square window; the channels stay."""

from __future__ import annotations

from pydantic import Field, NonNegativeInt, PositiveInt

from nashc.ops.base import Misfit, Op, OpParams, check_window, no_work, window_output
from nashc.vocab.tensor import TensorType


class Params(OpParams):
    window: PositiveInt = Field(description="side of the square window, pixels")
    stride: PositiveInt = Field(description="step between windows, pixels")
    pad: NonNegativeInt = Field(description="padding on each side, pixels")


def infer(params: Params, x: TensorType) -> TensorType:
    """NHWC in and out, the data type stays. Errors: NASH201."""
    if len(x.shape) != 4:
        raise Misfit("NASH201", "a max-pool needs an image, and this value is a vector")
    n, h, w, c = x.shape
    check_window((h, w), params.window, params.pad)
    shape = tuple(window_output(side, params.window, params.stride, params.pad) for side in (h, w))
    return TensorType((n, *shape, c), x.dtype)


OP = Op(name="maxpool", params=Params, inputs=(1, 1), infer=infer, work=no_work)
