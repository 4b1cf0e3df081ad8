"""Element-wise sum of two values, or of all branches that meet in a node during the search."""

from __future__ import annotations

from nashc.ops.base import Misfit, Op, OpParams, no_work
from nashc.vocab.datatypes import FLOAT, bounds, is_integer, smallest
from nashc.vocab.tensor import TensorType


class Params(OpParams):
    pass


def infer(params: Params, *inputs: TensorType) -> TensorType:
    """Any layout, one shape; the data type is the smallest that holds every sum. Errors: NASH201."""
    first = inputs[0]
    for other in inputs[1:]:
        if other.shape != first.shape:
            raise Misfit(
                "NASH201",
                f"add needs equal shapes, got {_image(first)} and {_image(other)}",
                f"{_image(first)} meets {_image(other)}",
                "bring both to one shape, for example by a projection: "
                "`down: conv 1x1(out, stride) -> bn`",
            )
    if not all(is_integer(kind.dtype) for kind in inputs):
        return TensorType(first.shape, FLOAT)
    lows, highs = zip(*(bounds(kind.dtype) for kind in inputs), strict=True)
    return TensorType(first.shape, smallest(sum(lows), sum(highs)))


def _image(kind: TensorType) -> str:
    """height x width x channels, as people write them."""
    return "x".join(map(str, kind.shape[1:]))


OP = Op(name="add", params=Params, inputs=(2, 64), infer=infer, work=no_work)
