"""Two-dimensional convolution without bias, quantised weights."""

from __future__ import annotations

from pydantic import Field, NonNegativeInt, PositiveInt

from nashc.ops.base import Misfit, Op, OpParams, Work, check_window, window_output
from nashc.vocab.datatypes import accumulator, is_integer
from nashc.vocab.tensor import TensorType


class Params(OpParams):
    out: PositiveInt = Field(description="output channels")
    kernel: PositiveInt = Field(description="side of the square kernel, pixels")
    stride: PositiveInt = Field(description="step between windows, pixels")
    pad: NonNegativeInt = Field(description="zero padding on each side, pixels")
    weight_bits: int = Field(ge=1, le=8, description="bits of a weight; 1 is BIPOLAR")
    role: str = Field(description="which bit widths apply: stem, backbone, shortcut, nas or head")


def infer(params: Params, x: TensorType) -> TensorType:
    """NHWC in and out; the data type is the accumulator's, exact for the worst weights."""
    if len(x.shape) != 4:
        raise Misfit("NASH201", "a convolution needs an image, and this value is a vector")
    if not is_integer(x.dtype):
        raise Misfit(
            "NASH202",
            "a convolution needs quantised input",
            "its input is not quantised",
            "put `act` before it: `... -> bn -> act -> conv 3x3(...)`",
        )
    n, h, w, c = x.shape
    check_window((h, w), params.kernel, params.pad)
    shape = tuple(window_output(side, params.kernel, params.stride, params.pad) for side in (h, w))
    terms = params.kernel**2 * c
    return TensorType((n, *shape, params.out), accumulator(x.dtype, params.weight_bits, terms))


def work(params: Params, inputs: tuple[TensorType, ...], y: TensorType) -> Work:
    weights = params.kernel**2 * inputs[0].shape[-1] * params.out
    return Work(weights * y.shape[1] * y.shape[2], weights * params.weight_bits)


OP = Op(name="conv", params=Params, inputs=(1, 1), infer=infer, work=work)
