"""Average over the whole image, truncated to a few bits; the result is a vector."""

from __future__ import annotations

from pydantic import Field

from nashc.ops.base import Misfit, Op, OpParams, no_work
from nashc.vocab.datatypes import is_integer, signed
from nashc.vocab.tensor import TensorType


class Params(OpParams):
    bits: int = Field(ge=1, le=8, description="bits that are left of the sum")


def infer(params: Params, x: TensorType) -> TensorType:
    """NHWC in, NC out. Errors: NASH201 for a vector, NASH202 for what is no result of an activation."""
    if len(x.shape) != 4:
        raise Misfit("NASH201", "an average pool needs an image, and this value is a vector")
    if not is_integer(x.dtype) or signed(x.dtype):
        raise Misfit(
            "NASH202",
            "an average pool needs the result of an activation",
            "its input is not quantised" if not is_integer(x.dtype) else "its input is signed",
            "put `act` before it",
        )
    return TensorType((x.shape[0], x.shape[-1]), f"UINT{params.bits}")


OP = Op(name="avgpool", params=Params, inputs=(1, 1), infer=infer, work=no_work)
