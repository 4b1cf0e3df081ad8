"""Lists in the arguments of a backbone: numbers of channels from which a search chooses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nashc.diagnostics import Diagnostic, Label, Problems
from nashc.schema.values import BROKEN, describe, evaluate
from nashc.syntax import ast
from nashc.text import Span


@dataclass(frozen=True)
class ChannelList:
    """`width = [8, 16, 24]` of `backbone = tiny(...)`. span: of the list; spans: of the alternatives."""

    backbone: str
    argument: str
    alternatives: tuple[int, ...]
    span: Span
    spans: tuple[Span, ...]

    @property
    def place(self) -> str:
        """`tiny(width)`: no path of a layer has brackets."""
        return f"{self.backbone}({self.argument})"

    @property
    def largest(self) -> int:
        return max(self.alternatives)


def read_channel_list(
    backbone: str, argument: str, node: ast.List, names: Mapping[str, Any], problems: Problems
) -> ChannelList | None:
    """None, with a message, if no search can choose from the list."""
    values = [evaluate(item, names, problems) for item in node.items]
    if BROKEN in values:
        return None
    for index, (value, item) in enumerate(zip(values, node.items, strict=True)):
        if isinstance(value, bool) or not isinstance(value, int):
            text = (
                f"a search chooses between whole numbers of channels, and this is {describe(value)}"
            )
            problems.add(Diagnostic("NASH104", text, item.span, help=f"{argument} = [8, 16]"))
            return None
        if value < 1:
            text = f"a layer has one channel at least, and this is {value}"
            problems.add(Diagnostic("NASH105", text, item.span))
            return None
        if value in values[:index]:
            text = f"`{value}` stands twice among the numbers of channels"
            first = node.items[values.index(value)].span
            others = (Label(first, "first here"),)
            problems.add(Diagnostic("NASH102", text, item.span, "again here", others))
            return None
    if len(values) < 2:
        text = "a search needs two numbers of channels or more to choose from"
        problems.add(Diagnostic("NASH313", text, node.span, help=f"{argument} = [8, 16]"))
        return None
    spans = tuple(item.span for item in node.items)
    return ChannelList(backbone, argument, tuple(values), node.span, spans)
