"""The tables of docs/language.md are those of the program."""

import re
import types
from typing import Any, Literal, Union, get_args, get_origin

import annotated_types
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from nashc.schema import models
from nashc.schema.bounds import Least, Most
from nashc.schema.fields import is_internal
from nashc.vocab.bits import Bits
from nashc.vocab.boards import Board
from tests.paths import ROOT

PAGE = ROOT / "docs" / "language.md"
_TABLE = re.compile(r"(<!-- table: (\w+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)

_KINDS = {
    int: "whole number",
    float: "number",
    str: "text",
    bool: "true or false",
    Bits: "bit widths",
    Board: "board",
    models.Image: "`UINT8 3x32x32`",
    models.Data: "data set",
    Most: "`< 200k`, `<= 80 %`",
    Least: "`>= 1000`",
}
_BY_NAME = {
    "clock": "frequency or period",
    "at": "list of epochs",
    "distil": "`float`",
    "optimiser": "`adam`, `adamw` or `sgd`",
    "alphas": "`adam`",
    "schedule": "`constant`, `cosine`, `polynomial`, `step` or `multistep`",
    "estimator": "`binary_gate`, `two_path` or `gumbel`",
    "ops": "list of operations",
    "fits": "`target` or board",
    "Budget.cycles": "`< 20k`",
    "folding": "`optimal`, `optimal(lut = 80 %)` or text",
    **{f"FoldingFrom.{name}": "`200k`, `80 %`" for name in ("lut", "bram18", "uram", "dsp")},
}


def test_tables_are_current(update: bool) -> None:
    text = PAGE.read_text(encoding="utf-8")
    found = _TABLE.sub(lambda m: m[1] + "\n" + table(getattr(models, m[2])) + "\n" + m[4], text)
    if update:
        PAGE.write_text(found, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == found


def table(model: type[BaseModel]) -> str:
    rows = ["| setting | value | default | |", "|---|---|---|---|"]
    for name, field in model.model_fields.items():
        annotation = field.annotation
        is_section = (
            isinstance(annotation, type)
            and name in ("activation", "bits", "cost", "budget")
            and issubclass(annotation, BaseModel)
        )
        if name in ("name", "kind") or is_section or is_internal(field):
            continue
        rows.append(
            f"| `{name}` | {kind(model, name, field)} | {default(name, field)} | {field.description or ''} |"
        )
    return "\n".join(rows) + "\n"


def kind(model: type[BaseModel], name: str, field: FieldInfo) -> str:
    for key in (f"{model.__name__}.{name}", name):
        if key in _BY_NAME:
            return _BY_NAME[key]
    annotation, limits = _bare(field.annotation), list(field.metadata)
    for part in get_args(field.annotation):
        limits += getattr(part, "__metadata__", ())
    if get_origin(annotation) is Literal:
        return " or ".join(f"`{word}`" for word in get_args(annotation))
    words = _KINDS[annotation]
    signs = {
        annotated_types.Gt: "> {}",
        annotated_types.Ge: ">= {}",
        annotated_types.Lt: "< {}",
        annotated_types.Le: "<= {}",
    }
    for limit in limits:
        if type(limit) in signs:
            value = (
                next(iter(vars(limit).values()))
                if hasattr(limit, "__dict__")
                else getattr(limit, limit.__slots__[0])
            )
            words += f" {signs[type(limit)].format(value)}"
    return words


def _bare(annotation: Any) -> Any:
    if get_origin(annotation) in (Union, types.UnionType):
        annotation = next(part for part in get_args(annotation) if part is not type(None))
    if hasattr(annotation, "__metadata__"):
        return get_args(annotation)[0]
    return annotation


def default(name: str, field: FieldInfo) -> str:
    value = field.default
    if field.is_required():
        return "needed"
    if value is None:
        return ""
    if name == "clock":
        return f"`{value:g} ns`"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple):
        return f"`[{', '.join(map(str, value))}]`"
    if isinstance(value, BaseModel):
        given = {k: v for k, v in value.model_dump().items() if k != "name"}
        arguments = ", ".join(f"{k} = {v:g}" for k, v in given.items())
        return f"`{value.name}({arguments})`" if arguments else f"`{value.name}`"  # type: ignore[attr-defined]
    return f"`{value}`"
