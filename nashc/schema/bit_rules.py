"""The lines of `bits` that name layers by path: one width each, or several of which a search chooses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from pydantic_core import PydanticCustomError

from nashc.diagnostics import Diagnostic, Label, Problems
from nashc.schema.fields import bit_widths
from nashc.schema.merge import Merged
from nashc.schema.values import evaluate
from nashc.syntax import ast
from nashc.text import Span
from nashc.vocab.bits import Bits


@dataclass(frozen=True)
class BitRule:
    """`group*.block0.conv1 = w8`: bit widths of the layers whose path matches.

    alternatives: of `group* = [w2a2, w4a4]`, from which a search chooses once for each place; `bits` are the first then.
    chosen: by place, what such a search has chosen.
    """

    pattern: str
    bits: Bits
    span: Span
    alternatives: tuple[Bits, ...] = ()
    chosen: Mapping[str, Bits] = field(default_factory=dict)

    def matches(self, path: str) -> bool:
        return fnmatchcase(path, self.pattern)

    def place(self, path: str) -> str:
        """The layers that share one choice: as many names of the path as the pattern has."""
        return ".".join(path.split(".")[: self.pattern.count(".") + 1])

    def bits_at(self, path: str) -> Bits:
        return self.chosen.get(self.place(path), self.bits)


def is_path(key: str) -> bool:
    """`group0.block0.conv1` or `group*`: names layers, not a role."""
    return "." in key or "*" in key


def read_bit_rules(
    section: Merged | None, params: Mapping[str, Any], problems: Problems
) -> tuple[BitRule, ...]:
    """In the order of the spec. section: `bits`, whose roles are left out."""
    rules = []
    for key, setting in (section.settings if section else {}).items():
        if not is_path(key):
            continue
        if len(setting.values) > 1:
            listed = ", ".join(value.span.text for value in setting.values)
            one_value(setting, problems, f"{key} = [{listed}] lets a search choose")
        node = setting.values[0]
        value = evaluate(node, params, problems)
        if isinstance(value, list):
            alternatives = _alternatives(node, value, problems)
            if alternatives:
                rules.append(BitRule(key, alternatives[0], setting.key.span, alternatives))
            continue
        bits = _bits(node, value, problems)
        if bits:
            rules.append(BitRule(key, bits, setting.key.span))
    return tuple(rules)


def one_value(setting: ast.Setting, problems: Problems, help: str = "") -> None:
    span = setting.values[1].span.to(setting.values[-1].span)
    text = f"`{setting.key.text}` takes one value"
    problems.add(Diagnostic("NASH104", text, span, "this is one too many", help=help))


def _bits(node: ast.Node, value: Any, problems: Problems) -> Bits | None:
    try:
        return bit_widths(value)
    except PydanticCustomError as error:
        context = error.context or {}
        hint = context.get("help", "")
        problems.add(Diagnostic(error.type, error.message(), node.span, help=hint))
        return None


def _alternatives(node: ast.Value, values: list[Any], problems: Problems) -> tuple[Bits, ...]:
    """Of a list in brackets, or of a parameter that stands for one; empty, with a message, if it cannot be chosen from."""
    items = node.items if isinstance(node, ast.List) else (node,) * len(values)
    found = [_bits(item, value, problems) for item, value in zip(items, values, strict=True)]
    known = [bits for bits in found if bits]
    if len(known) < len(found):
        return ()
    if len(known) < 2:
        text = "a search needs two bit widths or more to choose from"
        problems.add(Diagnostic("NASH312", text, node.span, help="[w2a2, w4a4]"))
        return ()
    for index, (bits, item) in enumerate(zip(known, items, strict=True)):
        if bits in known[:index]:
            first = items[known.index(bits)].span
            text = f"`{bits}` stands twice among the bit widths"
            others = (Label(first, "first here"),)
            problems.add(Diagnostic("NASH102", text, item.span, "again here", others))
            return ()
        if (bits.weight is None, bits.act is None) != (
            known[0].weight is None,
            known[0].act is None,
        ):
            text = f"`{known[0]}` and `{bits}` do not set the same: {describe_kinds(known[0])}, and {describe_kinds(bits)}"
            hint = "write all with weights, all with activations, or all with both: [w2a2, w4a4]"
            problems.add(Diagnostic("NASH312", text, item.span, help=hint))
            return ()
    return tuple(known)


def describe_kinds(bits: Bits) -> str:
    kinds = [
        word
        for word, width in (("weights", bits.weight), ("activations", bits.act))
        if width is not None
    ]
    return " and ".join(kinds)
