"""Lark's tree to ours: every rule of the grammar becomes one dataclass of `ast`, with its span."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import TypeVar, cast

from lark import Token, Tree

from nashc.diagnostics import Diagnostic, Problems, SpecError
from nashc.syntax import ast
from nashc.text import Source, Span
from nashc.vocab.numbers import THOUSANDS, in_thousands

# Beyond these no spec is meant, and Python's own limits are near (digits of an int, recursion).
_MOST_DIGITS = 40
_DEEPEST = 60

_Built = TypeVar("_Built")

_AMOUNT = re.compile(r"(?P<amount>[0-9.]+(?:[eE][+-]?[0-9]+)?)[ \t]*(?P<unit>[A-Za-z%]*)")


def build(source: Source, tree: Tree[Token]) -> ast.File:
    """The `ast.File` of a parsed text.

    Errors: SpecError with NASH105 for numbers out of all measure, NASH010 for values nested too deeply.
    """
    builder = _Builder(source)
    first, *rest = _trees(tree.children)
    assert first.data == "edition", "a file without edition does not come here"
    items = tuple(builder.item(item) for item in rest)
    file = ast.File(source, builder.number(first), items)
    builder.problems.check()
    return file


def _trees(children: list[Tree[Token] | Token]) -> list[Tree[Token]]:
    return [child for child in children if isinstance(child, Tree)]


class _Builder:
    """One method per kind of node; holds the source for the spans."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.problems = Problems()
        self._depth = 0

    def span(self, tree: Tree[Token]) -> Span:
        meta = tree.meta
        # container_*: with the parentheses of a group around the first or last operand
        start = getattr(meta, "container_start_pos", meta.start_pos)
        return Span(self.source, start, getattr(meta, "container_end_pos", meta.end_pos))

    # ---- items -----------------------------------------------------------------------------------

    def item(self, tree: Tree[Token]) -> ast.Item:
        match tree.data:
            case "extends":
                path, *overrides = _trees(tree.children)
                settings = tuple(self.setting(setting) for setting in overrides)
                return ast.Extends(self.span(tree), self.text(path), settings)
            case "use":
                *names, path = _trees(tree.children)
                return ast.Use(self.span(tree), tuple(map(self.name, names)), self.text(path))
            case "param":
                name, kind, default, *choices = _trees(tree.children)
                legal = cast(ast.List, self.value(choices[0])) if choices else None
                return ast.Param(
                    self.span(tree), self.name(name), self.name(kind), self.value(default), legal
                )
            case "block":
                name, parameters, *lines = _trees(tree.children)
                body = tuple(
                    self.branch(line) if line.data == "branch" else self.flow(line)
                    for line in lines
                )
                return ast.Block(
                    self.span(tree), self.name(name), self.parameters(parameters), body
                )
            case "backbone":
                name, parameters, *parts = _trees(tree.children)
                return ast.Backbone(
                    self.span(tree),
                    self.name(name),
                    self.parameters(parameters),
                    tuple(self.branch(part) for part in parts),
                )
        return self.section(tree)

    def section(self, tree: Tree[Token]) -> ast.Section:
        children = _trees(tree.children)
        words = [
            self.name(child) for child in children if child.data in ("name", "path", "word_in")
        ]
        body = tuple(self.statement(child) for child in children[len(words) :])
        return ast.Section(
            self.span(tree), words[0], tuple(words[1:]), body, words[0].span.to(words[-1].span)
        )

    def statement(self, tree: Tree[Token]) -> ast.Section | ast.Setting | ast.Edge:
        match tree.data:
            case "setting":
                return self.setting(tree)
            case "edge":
                source, target, value = _trees(tree.children)
                return ast.Edge(
                    self.span(tree), self.number(source), self.number(target), self.value(value)
                )
        return self._nested(tree, self.section)

    def setting(self, tree: Tree[Token]) -> ast.Setting:
        key, *values = _trees(tree.children)
        compares = [str(child) for child in tree.children if isinstance(child, Token)]
        sign = compares[0] if compares else "="
        return ast.Setting(self.span(tree), self.name(key), tuple(map(self.value, values)), sign)

    # ---- networks as flow ------------------------------------------------------------------------

    def parameters(self, tree: Tree[Token]) -> tuple[ast.Parameter, ...]:
        return tuple(
            ast.Parameter(
                self.span(parameter),
                self.name(cast(Tree[Token], parameter.children[0])),
                self.value(cast(Tree[Token], parameter.children[1]))
                if parameter.children[1] is not None
                else None,
            )
            for parameter in _trees(tree.children)
        )

    def branch(self, tree: Tree[Token]) -> ast.Branch:
        name, flow = _trees(tree.children)
        return ast.Branch(self.span(tree), self.name(name), self.flow(flow))

    def flow(self, tree: Tree[Token]) -> ast.Flow:
        return ast.Flow(self.span(tree), tuple(self.step(step) for step in _trees(tree.children)))

    def step(self, tree: Tree[Token]) -> ast.Step:
        label, what, *times = cast(list[Tree[Token] | None], tree.children)
        assert what is not None, "a step has a term or a choice"
        return ast.Step(
            self.span(tree),
            self.name(label) if label else None,
            self._nested(what, self.choice) if what.data == "choice" else self.term(what),
            self.number(times[0]) if times and times[0] else None,
        )

    def choice(self, tree: Tree[Token]) -> ast.If:
        condition, then, otherwise = _trees(tree.children)
        return ast.If(self.span(tree), self.value(condition), self.flow(then), self.flow(otherwise))

    # ---- values ----------------------------------------------------------------------------------

    def value(self, tree: Tree[Token]) -> ast.Value:
        return self._nested(tree, self._value)

    def _value(self, tree: Tree[Token]) -> ast.Value:
        match tree.data:
            case "number":
                return self.number(tree)
            case "string":
                return self.text(tree)
            case "shape":
                return self.shape(tree)
            case "term":
                return self.term(tree)
            case "taken_from":
                op, node = _trees(tree.children)
                return ast.From(self.span(tree), self.term(op), self.number(node))
            case "list":
                items = tuple(self.value(item) for item in _trees(tree.children))
                return ast.List(self.span(tree), items)
            case "group":
                return self.value(_trees(tree.children)[0])
            case "negation" | "minus":
                sign = "not" if tree.data == "negation" else "-"
                return ast.Unary(self.span(tree), sign, self.value(_trees(tree.children)[0]))
        return self._binary(tree)

    def _binary(self, tree: Tree[Token]) -> ast.Binary:
        word = {"alternative": "or", "conjunction": "and"}.get(str(tree.data))
        signs = [str(child) for child in tree.children if isinstance(child, Token)]
        first, *rest = _trees(tree.children)
        if len(rest) > _DEEPEST:
            self._too_deep(tree)
        left, left_span = self.value(first), self.span(first)
        for sign, operand in zip(signs or [word or ""] * len(rest), rest, strict=True):
            left_span = left_span.to(self.span(operand))
            left = ast.Binary(left_span, sign, left, self.value(operand))
        assert isinstance(left, ast.Binary), tree.data
        return left

    def term(self, tree: Tree[Token]) -> ast.Term:
        name, shape, arguments = cast(list[Tree[Token]], tree.children)
        return ast.Term(
            self.span(tree),
            self.name(name),
            self.shape(shape) if shape else None,
            tuple(map(self.argument, _trees(arguments.children))) if arguments else None,
        )

    def argument(self, tree: Tree[Token]) -> ast.Argument:
        name, value = cast(list[Tree[Token]], tree.children)
        return ast.Argument(self.span(tree), self.name(name) if name else None, self.value(value))

    # ---- words -----------------------------------------------------------------------------------

    def name(self, tree: Tree[Token]) -> ast.Name:
        return ast.Name(self.span(tree), str(tree.children[0]))

    def text(self, tree: Tree[Token]) -> ast.Text:
        return ast.Text(self.span(tree), str(tree.children[0])[1:-1])

    def shape(self, tree: Tree[Token]) -> ast.Shape:
        span = self.span(tree)
        return ast.Shape(span, tuple(int(self._sane(dim, span)) for dim in span.text.split("x")))

    def number(self, tree: Tree[Token]) -> ast.Number:
        span = self.span(tree)
        found = _AMOUNT.fullmatch(str(tree.children[0]))
        assert found, span.text
        amount = self._sane(found["amount"], span)
        if amount.isdigit() and found["unit"] not in THOUSANDS:
            return ast.Number(span, int(amount), found["unit"] or None)
        value = float(amount)
        if not math.isfinite(value):
            self._too_large(span)
            value = 0.0
        if found["unit"] in THOUSANDS:
            return ast.Number(span, in_thousands(amount if value else "0", found["unit"]))
        return ast.Number(span, value, found["unit"] or None)

    def _sane(self, digits: str, span: Span) -> str:
        if len(digits) <= _MOST_DIGITS:
            return digits
        self._too_large(span)
        return "0"

    def _too_large(self, span: Span) -> None:
        self.problems.add(Diagnostic("NASH105", "a number is out of all measure", span))

    # ---- depth -----------------------------------------------------------------------------------

    def _nested(self, tree: Tree[Token], make: Callable[[Tree[Token]], _Built]) -> _Built:
        self._depth += 1
        if self._depth > _DEEPEST:
            self._too_deep(tree)
        try:
            return make(tree)
        finally:
            self._depth -= 1

    def _too_deep(self, tree: Tree[Token]) -> None:
        start = self.span(tree).start
        span = Span(self.source, start, start + 1)
        raise SpecError(
            [
                Diagnostic(
                    "NASH010",
                    "this is nested too deeply",
                    span,
                    help=f"{_DEEPEST} levels is the most",
                )
            ]
        )
