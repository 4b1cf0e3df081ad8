"""Activation and quantiser in one: what FINN turns into thresholds."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from nashc.ops.base import Op, OpParams, no_work
from nashc.vocab.tensor import TensorType


class Params(OpParams):
    kind: Literal["relu", "hardtanh", "identity"] = Field(description="the function")
    bits: int = Field(ge=1, le=8, description="bits of the result")
    quantiser: str = Field(description="who owns the scale; nodes with the same owner share it")
    role: str = Field(description="which bit widths apply")


def infer(params: Params, x: TensorType) -> TensorType:
    """ReLU gives UINT; HardTanh and identity give INT in narrow range (paper, section III-B)."""
    return TensorType(x.shape, f"{'UINT' if params.kind == 'relu' else 'INT'}{params.bits}")


OP = Op(name="act", params=Params, inputs=(1, 1), infer=infer, work=no_work)
