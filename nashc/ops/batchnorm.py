"""Batch normalisation: one gain and offset per channel when the network is fixed."""

from __future__ import annotations

from nashc.ops.base import Misfit, Op, OpParams, no_work
from nashc.vocab.datatypes import FLOAT
from nashc.vocab.tensor import TensorType


class Params(OpParams):
    pass


def infer(params: Params, x: TensorType) -> TensorType:
    if len(x.shape) != 4:
        text = "a batch normalisation needs an image, and this value is a vector"
        raise Misfit("NASH201", text, help="leave `bn` out: linear(...) -> act")
    return TensorType(x.shape, FLOAT)


OP = Op(name="batchnorm", params=Params, inputs=(1, 1), infer=infer, work=no_work)
