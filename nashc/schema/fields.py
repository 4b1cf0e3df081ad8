"""Kinds of values that settings may have, as pydantic types with messages in the user's words."""

from __future__ import annotations

from typing import Annotated, Any, NoReturn

from pydantic import BeforeValidator, JsonValue
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

from nashc.schema.values import Call, Quantity, Word, describe
from nashc.vocab.bits import HIGHEST, LOWEST, Bits, out_of_range, read_bits
from nashc.vocab.cellops import LEGAL_OPS, CellOp


def refuse(code: str, message: str, help: str = "") -> NoReturn:
    """Refuse a value with a code of our own; `mistakes.py` turns it into a diagnostic."""
    raise PydanticCustomError(code, "{text}", {"text": message, "help": help})


INTERNAL: dict[str, JsonValue] = {"is_internal": True}
"""`json_schema_extra` of a field that no spec can write: validators fill it in."""


def is_internal(field: FieldInfo) -> bool:
    return field.json_schema_extra == INTERNAL


_NANOSECONDS = {"ns": 1.0, "us": 1e3, "ms": 1e6}
_HERTZ_PERIOD = {"GHz": 1.0, "MHz": 1e3, "kHz": 1e6}


def _clock(value: Any) -> float:
    """A clock period in ns from a frequency or a period."""
    if isinstance(value, float):
        return value
    if not isinstance(value, Quantity):
        refuse(
            "NASH116", f"a clock needs a unit, and this is {describe(value)}", "200 MHz, or 5 ns"
        )
    if value.value <= 0:
        refuse("NASH105", "a clock must be greater than 0", "200 MHz, or 5 ns")
    if value.unit in _HERTZ_PERIOD:
        return _HERTZ_PERIOD[value.unit] / value.value
    if value.unit in _NANOSECONDS:
        return _NANOSECONDS[value.unit] * value.value
    refuse("NASH116", f"`{value.unit}` is no unit of a clock", "200 MHz, or 5 ns")


def _real(value: Any) -> Any:
    """An int where a float is meant; everything else is left to pydantic."""
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def bit_widths(value: Any) -> Bits:
    """`w2a2`, `w8` or `a4` as Bits. Errors: NASH104, NASH105; NASH312 for a list."""
    if isinstance(value, Bits):
        return value
    if isinstance(value, list):
        text = "the bit widths of a role are fixed: a search chooses for layers that a path names"
        refuse("NASH312", text, "group* = [w2a2, w4a4]")
    bits = read_bits(value) if isinstance(value, Word) else None
    if bits is None:
        refuse("NASH104", f"bit widths are needed, and this is {describe(value)}", "w2a2, w8 or a4")
    if out_of_range(bits):
        text = f"`{value}` is out of range: bit widths go from {LOWEST} to {HIGHEST}"
        refuse("NASH105", text, f"w{_clip(bits.weight)}a{_clip(bits.act)}")
    return bits


def _clip(width: int | None) -> int:
    return min(max(width or LOWEST, LOWEST), HIGHEST)


def cell_op(value: Any) -> CellOp:
    """An operation of Table I of the paper from its spelling in a spec."""
    legal = ", ".join(map(str, LEGAL_OPS))
    if isinstance(value, Word):
        op = CellOp(str(value))
    elif isinstance(value, Call) and value.name and not value.args and not value.named:
        shape = value.shape or (0,)
        if len(set(shape)) != 1 or len(shape) not in (1, 2):
            refuse("NASH304", "windows of cell operations are square", legal)
        op = CellOp(value.name, shape[0])
    else:
        refuse("NASH104", f"an operation is needed, and this is {describe(value)}", legal)
    if op not in LEGAL_OPS:
        refuse("NASH304", f"`{op}` is no operation of a cell", f"legal are {legal}")
    return op


def call(value: Any) -> Any:
    """`adam` or `adam(lr = 1e-3)` as the fields of a model, `name` among them."""
    if isinstance(value, Word):
        return {"name": str(value)}
    if isinstance(value, Call) and value.name and not value.shape:
        if value.args:
            text = f"arguments of `{value.name}` are written with their names"
            refuse("NASH110", text, f"{value.name}(name = value)")
        return {"name": value.name, **value.named}
    if isinstance(value, Quantity | Call | list | int | float | str):
        refuse("NASH104", f"a name is needed, and this is {describe(value)}")
    return value


Clock = Annotated[float, BeforeValidator(_clock)]
Real = Annotated[float, BeforeValidator(_real)]
BitWidths = Annotated[Bits, BeforeValidator(bit_widths)]
Operation = Annotated[CellOp, BeforeValidator(cell_op)]
