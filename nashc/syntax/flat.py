"""Any node of a value or flow as text on one line, in the canonical spelling."""

from __future__ import annotations

import re
from typing import assert_never

from nashc.syntax import ast

# How strongly an operator binds; an operand that binds less needs parentheses.
_STRENGTH = {"or": 1, "and": 2, "not": 3, "+": 5, "-": 5, "*": 6, "/": 6}
_COMPARISON = 4
_MINUS = 7

Flat = ast.Value | ast.Name | ast.Argument | ast.Parameter | ast.Flow | ast.Step | ast.If


def flat(node: Flat) -> str:
    """The node on one line."""
    match node:
        case ast.Name() | ast.Text() | ast.Shape():
            return node.span.text
        case ast.Number():
            return re.sub(r"(?<=[0-9])[ \t]*(?=MHz|GHz|kHz|ns|us|ms|%)", " ", node.span.text)
        case ast.Term():
            return term_head(node) + ("" if node.arguments is None else f"({_all(node.arguments)})")
        case ast.From():
            return f"{flat(node.op)} from {flat(node.node)}"
        case ast.List():
            return f"[{_all(node.items)}]"
        case ast.Unary():
            return unary(node)
        case ast.Binary():
            left, right = operands(node)
            if is_hyphen(node):
                return f"{left}-{right}"
            return f"{left} {node.op} {right}"
        case ast.Argument():
            return f"{flat(node.name)} = {flat(node.value)}" if node.name else flat(node.value)
        case ast.Parameter():
            return f"{flat(node.name)} = {flat(node.default)}" if node.default else flat(node.name)
        case ast.Flow():
            return " -> ".join(map(flat, node.steps))
        case ast.If():
            return f"if {flat(node.condition)} then {flat(node.then)} else {flat(node.otherwise)}"
        case ast.Step():
            return step_head(node) + flat(node.what) + step_tail(node)
    assert_never(node)


def term_head(term: ast.Term) -> str:
    """A term without its arguments."""
    return flat(term.name) + (f" {flat(term.shape)}" if term.shape else "")


def step_head(step: ast.Step) -> str:
    """The label of a step with its colon, or nothing."""
    return f"{flat(step.label)}: " if step.label else ""


def step_tail(step: ast.Step) -> str:
    """The repetition of a step, or nothing."""
    return f" * {flat(step.times)}" if step.times else ""


def operands(node: ast.Binary) -> tuple[str, str]:
    """Both sides, in parentheses where the tree needs them."""
    own = _STRENGTH.get(node.op, _COMPARISON)
    # comparisons do not chain: both sides must bind more; the others take their own kind on the left
    left = own + 1 if own == _COMPARISON else own
    return _within(node.left, left), _within(node.right, own + 1)


def is_hyphen(node: ast.Binary) -> bool:
    """`Pynq-Z1`: a minus between two words that is written without blanks, as in the name of a board."""
    if node.op != "-" or not isinstance(node.right, ast.Term) or node.right.shape:
        return False
    left = node.left.right if isinstance(node.left, ast.Binary) else node.left
    is_word = isinstance(left, ast.Term) and left.arguments is None and left.shape is None
    return is_word and re.fullmatch(r"[\w-]+", node.span.text) is not None


def unary(node: ast.Unary) -> str:
    if node.op == "not":
        return f"not {_within(node.operand, _STRENGTH['not'])}"
    return f"-{_within(node.operand, _MINUS)}"


def _within(node: ast.Value, strength: int) -> str:
    text = flat(node)
    return f"({text})" if _strength(node) < strength else text


def _strength(node: ast.Value) -> int:
    match node:
        case ast.Binary():
            return _STRENGTH.get(node.op, _COMPARISON)
        case ast.Unary():
            return _STRENGTH["not"] if node.op == "not" else _MINUS
    return _MINUS + 1


def _all(nodes: tuple[ast.Argument, ...] | tuple[ast.Value, ...]) -> str:
    return ", ".join(map(flat, nodes))
