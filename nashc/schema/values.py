"""What a value of the spec is once names are looked up and arithmetic is done."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nashc.diagnostics import Diagnostic, Problems
from nashc.diagnostics.model import nearest
from nashc.syntax import ast
from nashc.vocab.numbers import read_number


class Word(str):
    """A bare word: `cosine`, `U250`, `w2a2`."""

    __slots__ = ()


@dataclass(frozen=True)
class Quantity:
    """A number with its unit."""

    value: int | float
    unit: str

    def __str__(self) -> str:
        return f"{self.value} {self.unit}"


@dataclass(frozen=True)
class Compared:
    """What stands behind `lut < ` in a setting that compares."""

    sign: str
    value: Any


@dataclass(frozen=True)
class Call:
    """A word with a size or arguments: `conv 3x3`, `UINT8 3x32x32`, `adam(lr = 1e-3)`."""

    name: str
    shape: tuple[int, ...] = ()
    args: tuple[Any, ...] = ()
    named: Mapping[str, Any] = field(default_factory=dict)
    node: ast.Term | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Taken:
    """`op from node` of a genotype."""

    op: Any
    node: int
    span: Any = field(default=None, compare=False, repr=False)


BROKEN = object()
"""Stands for a value with an error of its own, so that one mistake makes one message."""

_ARITHMETIC = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}
_COMPARE = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def evaluate(value: ast.Value, names: Mapping[str, Any], problems: Problems) -> Any:
    """The value of an expression; words that are no names stay words."""
    match value:
        case ast.Number(unit=None):
            return value.value
        case ast.Number():
            return Quantity(value.value, value.unit or "")
        case ast.Text():
            return value.value
        case ast.Shape():
            return Call("", value.dims)
        case ast.List():
            return [evaluate(item, names, problems) for item in value.items]
        case ast.From():
            op = evaluate(value.op, names, problems)
            return Taken(op, int(value.node.value), value.span)
        case ast.Term():
            return _term(value, names, problems)
        case ast.Unary():
            return _unary(value, names, problems)
        case ast.Binary():
            return _binary(value, names, problems)


def number(value: ast.Value, names: Mapping[str, Any], problems: Problems) -> Any:
    """The value of an expression in a network, where every word must be a known name."""
    result = evaluate(value, names, problems)
    if isinstance(result, Word):
        problems.add(
            Diagnostic(
                "NASH103",
                f"`{result}` is not defined here",
                value.span,
                help=nearest(result, names),
            )
        )
        return BROKEN
    return result


def _term(term: ast.Term, names: Mapping[str, Any], problems: Problems) -> Any:
    word = term.name.text
    if term.shape is None and term.arguments is None:
        if word in names:
            return names[word]
        return {"true": True, "false": False}.get(word, Word(word))
    args: list[Any] = []
    named: dict[str, Any] = {}
    for argument in term.arguments or ():
        result = evaluate(argument.value, names, problems)
        if argument.name is None:
            args.append(result)
        elif argument.name.text in named:
            text = f"argument `{argument.name.text}` is given twice"
            problems.add(Diagnostic("NASH102", text, argument.span))
        else:
            named[argument.name.text] = result
    return Call(word, term.shape.dims if term.shape else (), tuple(args), named, term)


def _unary(value: ast.Unary, names: Mapping[str, Any], problems: Problems) -> Any:
    operand = number(value.operand, names, problems)
    if operand is BROKEN:
        return BROKEN
    if value.op == "-" and isinstance(operand, Quantity):
        return Quantity(-operand.value, operand.unit)  # for its setting to refuse, in its own words
    if value.op == "not":
        return _wrong(value.operand, operand, "true or false", problems) or not operand
    wrong = _wrong(value.operand, operand, "a number", problems)
    return wrong if wrong is BROKEN else -operand


def _binary(value: ast.Binary, names: Mapping[str, Any], problems: Problems) -> Any:
    left, right = (number(side, names, problems) for side in (value.left, value.right))
    if left is BROKEN or right is BROKEN:
        return BROKEN
    kind = "true or false" if value.op in ("and", "or") else "a number"
    if value.op not in ("==", "!="):
        for side, result in ((value.left, left), (value.right, right)):
            if _wrong(side, result, kind, problems) is BROKEN:
                return BROKEN
    if value.op in ("and", "or"):
        return left and right if value.op == "and" else left or right
    if value.op in _COMPARE:
        return _COMPARE[value.op](left, right)
    if value.op == "/" and right == 0:
        problems.add(Diagnostic("NASH105", "division by zero", value.span))
        return BROKEN
    exact = value.op == "/" and isinstance(left, int) and isinstance(right, int)
    if exact and left % right == 0:
        return left // right
    result = _ARITHMETIC[value.op](left, right)
    is_whole = isinstance(result, float) and result.is_integer()
    return int(result) if is_whole else result


def _wrong(node: ast.Value, result: Any, kind: str, problems: Problems) -> Any:
    """BROKEN, with a message, when the result is not of the kind; None when it is."""
    is_number = isinstance(result, int | float) and not isinstance(result, bool)
    if is_number if kind == "a number" else isinstance(result, bool):
        return None
    text = f"{kind} is needed here, and `{node.span.text}` is {describe(result)}"
    hint = ""
    if isinstance(result, Quantity) and kind == "a number":
        text = f"a number without a unit is needed here, and `{node.span.text}` has one"
        hint = "write the value itself: nothing is reckoned with units"
    problems.add(Diagnostic("NASH104", text, node.span, help=hint))
    return BROKEN


def described(value: Any, written: str) -> str:
    """What a value is, a number in the characters of the spec."""
    is_plain = isinstance(value, int | float) and not isinstance(value, bool)
    is_spelt = is_plain and read_number(written) == value
    return f"the number {written}" if is_spelt else describe(value)


def whole_hint(value: Any) -> str:
    """How a number is written where a whole one is needed; empty if it is none."""
    if not isinstance(value, float) or not value.is_integer():
        return ""
    return f"a whole number has no point and no exponent: {int(value)}"


def describe(value: Any) -> str:
    """What a value is, in a user's words."""
    match value:
        case Word():
            return f"the word `{value}`"
        case bool():
            return "true or false"
        case int() | float():
            return f"the number {value!r}"
        case str():
            return "a text in quotes"
        case Quantity():
            return f"the quantity {value}"
        case Compared():
            return "a comparison"
        case Call(name=""):
            return "a size"
        case Call():
            return f"`{value.name}` with a size or arguments"
        case Taken():
            return "an operation of a genotype"
        case list():
            return "a list"
    return "something else"
