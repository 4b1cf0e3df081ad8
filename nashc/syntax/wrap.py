"""Values and flows: on the current line if they fit, else broken at their brackets, operators and arrows."""

from __future__ import annotations

from collections.abc import Sequence

from nashc.syntax import ast
from nashc.syntax.flat import flat, operands, step_head, step_tail, term_head
from nashc.syntax.lines import STEP, WIDTH, Lines


class Wrapped(Lines):
    """Lines that values and flows are written into."""

    def values(self, values: Sequence[ast.Value], indent: int) -> None:
        if len(values) == 1:
            self.value(values[0], indent)
            return
        if self.fits(", ".join(map(flat, values)), values[-1].span.end):
            self.put(" " + ", ".join(map(flat, values)))
            return
        for value in values:
            self.comments_before(value, indent + STEP)
            self.newline(indent + STEP)
            self.value(value, indent + STEP)
            if value is not values[-1]:
                self.put(",")
            self.behind(value.span.end, indent + STEP)

    def value(self, value: ast.Value, indent: int, tail: int = 0) -> None:
        """A value at the end of the current line; tail: characters that must still fit behind it."""
        self.comments_before(value, indent + STEP)
        text = flat(value)
        if self.fits(text, value.span.end, tail):
            self.put_word(text, indent)
            return
        match value:
            case ast.List():
                self.put_word("", indent)
                self.bracket("[", value.items, "]", indent, value.span.end, tail)
            case ast.Term() if value.arguments:
                self.put_word(term_head(value), indent)
                self.bracket("(", value.arguments, ")", indent, value.span.end, tail)
            case ast.From() if value.op.arguments:
                self.value(value.op, indent, len(f" from {flat(value.node)}") + tail)
                self.put(f" from {flat(value.node)}")
            case ast.Binary():
                left, right = operands(value)
                self.part_of_sum(value.left, left, indent)
                self.put(f" {value.op}")
                self.newline(indent + STEP)
                self.part_of_sum(value.right, right, indent + STEP)
            case _:
                self.put_word(text, indent)

    def part_of_sum(self, node: ast.Value, text: str, indent: int) -> None:
        """An operand; one that needs parentheses stays on its line."""
        if text.startswith("(") and text != flat(node):
            self.put_word(text, indent)
        else:
            self.value(node, indent)

    def bracket(
        self,
        opening: str,
        items: Sequence[ast.Value] | Sequence[ast.Argument] | Sequence[ast.Parameter],
        closing: str,
        indent: int,
        end: int,
        tail: int = 0,
    ) -> None:
        """A bracket on one line if it fits, else one line for each item."""
        text = opening + ", ".join(map(flat, items)) + closing
        has_comment = bool(self.comments) and self.comments[0].start < end
        has_room = not items or self.column + len(text) + tail <= WIDTH
        if not has_comment and has_room:
            self.put(text)
            return
        self.put(opening)
        for item in items:
            self.comments_before(item, indent + STEP)
            self.newline(indent + STEP)
            self.item(item, indent + STEP)
            self.put(",")
            self.behind(item.span.end, indent + STEP)
        self.write_comments(end, indent + STEP)
        self.newline(indent)
        self.put(closing)

    def item(self, item: ast.Value | ast.Argument | ast.Parameter, indent: int) -> None:
        match item:
            case ast.Argument(name=name):
                if name:
                    self.put(f"{flat(name)} =")
                self.value(item.value, indent, 1)
            case ast.Parameter(default=default):
                self.put(flat(item.name))
                if default:
                    self.put(" =")
                    self.value(default, indent, 1)
            case _:
                self.value(item, indent, 1)

    def flow(self, flow: ast.Flow, indent: int) -> None:
        """Steps behind each other if they fit, else one line for each."""
        self.comments_before(flow, indent + STEP)
        if self.fits(flat(flow), flow.span.end):
            self.put_word(flat(flow), indent)
            return
        for step in flow.steps:
            self.comments_before(step, indent + STEP)
            if step is flow.steps[0]:
                self.put_word("", indent)
            else:
                self.newline(indent + STEP)
                self.put("-> ")
            self.step(step, indent + STEP)
            self.behind(step.span.end, indent + STEP)

    def step(self, step: ast.Step, indent: int) -> None:
        if self.fits(flat(step), step.span.end):
            self.put(flat(step))
            return
        self.put(step_head(step))
        if isinstance(step.what, ast.If):
            self.choice(step.what, indent)
        else:
            self.value(step.what, indent, len(step_tail(step)))
        self.put(step_tail(step))

    def choice(self, choice: ast.If, indent: int) -> None:
        self.put("if")
        self.value(choice.condition, indent)
        for word, flow in (("then", choice.then), ("else", choice.otherwise)):
            self.comments_before(flow, indent)
            self.newline(indent)
            self.put(word)
            self.flow(flow, indent)
            self.behind(flow.span.end, indent)
