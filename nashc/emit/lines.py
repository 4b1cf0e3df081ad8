"""Statements of generated code, broken as ruff's format breaks them at 100 columns: what is written needs no formatting."""

from __future__ import annotations

from collections.abc import Sequence

WIDTH = 100
INDENT = " " * 8  # of a statement in a method


def bracketed(head: str, items: Sequence[str], tail: str = "", comment: str = "") -> list[str]:
    """`head(items)tail`; the items in a line of their own where one is not enough, then each in one. head: with its indent."""
    indent = " " * (len(head) - len(head.lstrip()))
    body = ", ".join(items)
    comment = f"  # {comment}" if comment else ""
    one = f"{head}({body}){tail}{comment}"
    if len(one) <= WIDTH or not items:
        return [one]
    inner = [f"{indent}    {body}"]
    if len(inner[0]) > WIDTH:
        inner = [line for item in items for line in _listed(f"{indent}    ", item)]
    return [f"{head}({comment}", *inner, f"{indent}){tail}"]


def _listed(indent: str, item: str) -> list[str]:
    one = f"{indent}{item},"
    if len(one) <= WIDTH or not item.endswith(")"):
        return [one]
    function, arguments = _call(item)
    return bracketed(indent + function, arguments, ",")


def given_back(values: Sequence[str]) -> list[str]:
    """`return a, b`."""
    one = f"{INDENT}return {', '.join(values)}"
    if len(one) <= WIDTH:
        return [one]
    if len(values) > 1:
        return [f"{INDENT}return (", *(f"{INDENT}    {value}," for value in values), f"{INDENT})"]
    terms = _split(values[0], " + ")
    if len(terms) > 1:
        return [f"{INDENT}return (", *_sum(terms), f"{INDENT})"]
    function, arguments = _call(values[0])
    return bracketed(f"{INDENT}return {function}", arguments)


def unpacked(names: Sequence[str], function: str, arguments: Sequence[str]) -> list[str]:
    """`a, b = function(arguments)`."""
    targets = ", ".join(names)
    head = f"{INDENT}{targets} = {function}"
    if len(f"{head}(") <= WIDTH:
        return bracketed(head, arguments)
    if len(f"{INDENT}{targets} = (") <= WIDTH or len(names) == 1:
        call = bracketed(f"{INDENT}    {function}", arguments)
        return [f"{INDENT}{targets} = (", *call, f"{INDENT})"]
    return [
        f"{INDENT}(",
        *(f"{INDENT}    {name}," for name in names),
        *bracketed(f"{INDENT}) = {function}", arguments),
    ]


def assigned(name: str, expression: str) -> list[str]:
    """`name = expression`. A sum of two that needs several lines gets names for both."""
    one = f"{INDENT}{name} = {expression}"
    if len(one) <= WIDTH:
        return [one]
    terms = _split(expression, " + ")
    if len(terms) == 2 and expression.endswith(")"):
        names = [f"{name}_main", f"{name}_branch"]
        values = [assigned(*pair) for pair in zip(names, terms, strict=True)]
        return [*values[0], *values[1], *assigned(name, " + ".join(names))]
    if len(terms) > 1:
        return [f"{INDENT}{name} = (", *_sum(terms), f"{INDENT})"]
    return unpacked([name], *_call(expression))


def _sum(terms: Sequence[str]) -> list[str]:
    """In parentheses."""
    one = f"{INDENT}    {' + '.join(terms)}"
    if len(one) <= WIDTH:
        return [one]
    return [f"{INDENT}    {'+ ' if place else ''}{term}" for place, term in enumerate(terms)]


def _call(expression: str) -> tuple[str, list[str]]:
    """`self.bn(added(a, b), c)` as `self.bn` and its arguments."""
    function, _, rest = expression.partition("(")
    assert rest.endswith(")"), expression
    return function, _split(rest[:-1], ", ")


def _split(text: str, separator: str) -> list[str]:
    """The pieces between separators that stand in no brackets."""
    pieces = [""]
    for piece in text.split(separator):
        is_inside = pieces[-1].count("(") > pieces[-1].count(")")
        pieces[-1:] = [f"{pieces[-1]}{separator}{piece}"] if is_inside else [*pieces[-1:], piece]
    return pieces[1:]
