"""What every op file declares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict

from nashc.vocab.tensor import TensorType


class OpParams(BaseModel):
    """Parameters of an op; each field has a description, which the reference prints."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class Misfit(Exception):
    """The inputs do not suit the op; becomes a diagnostic at the node's place in the spec."""

    def __init__(self, code: str, message: str, label: str = "", help: str = "") -> None:
        super().__init__(message)
        self.code, self.message, self.label, self.help = code, message, label, help


@dataclass(frozen=True)
class Work:
    """What one frame costs, whatever the board: multiply-accumulates and stored weight bits."""

    macs: int = 0
    weight_bits: int = 0


@dataclass(frozen=True, kw_only=True)
class Op:
    """One operation of the IR.

    inputs: how many values it takes, (fewest, most).
    infer: parameters and input types (NHWC) to the type of the result; raises Misfit.
    work: parameters, input types and result type to Work.
    """

    name: str
    params: type[OpParams]
    inputs: tuple[int, int]
    infer: Callable[..., TensorType]
    work: Callable[[Any, tuple[TensorType, ...], TensorType], Work]


def no_work(_params: Any, _inputs: tuple[TensorType, ...], _result: TensorType) -> Work:
    """For ops without multiplications or weights."""
    return Work()


def window_output(size: int, window: int, stride: int, pad: int) -> int:
    """Output side of a square window that slides over `size` pixels."""
    return (size + 2 * pad - window) // stride + 1


def check_window(size: tuple[int, int], window: int, pad: int) -> None:
    """Raise Misfit when not one window fits into the padded image."""
    if min(size) + 2 * pad < window:
        raise Misfit(
            "NASH203",
            f"a {window}x{window} window does not fit a {size[0]}x{size[1]} image",
            f"the image is {size[0]}x{size[1]} here",
            "use a smaller window, or fewer strides before it",
        )
