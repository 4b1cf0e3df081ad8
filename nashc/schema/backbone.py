"""The backbone of a network: which definition it is, the values of its parameters, and what both mean as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from nashc.diagnostics import Diagnostic, Label, Problems
from nashc.diagnostics.model import nearest
from nashc.schema.bit_rules import one_value
from nashc.schema.channel_lists import ChannelList, read_channel_list
from nashc.schema.files import Definition, Module
from nashc.schema.merge import Merged
from nashc.schema.mistakes import SpanTable
from nashc.schema.values import BROKEN, Call, Word, describe, evaluate
from nashc.syntax import ast
from nashc.text import Span


@dataclass(frozen=True)
class BackboneUse:
    """The backbone of the network: its definition and the values of its parameters.

    lists: of the arguments that a search chooses; `args` has the largest of each. sources: what all arguments were read from,
    in order; given: the names of those that stand in the network.
    """

    definition: Definition
    args: Mapping[str, Any]
    span: Span
    sources: Mapping[str, ast.Value]
    given: frozenset[str]
    lists: tuple[ChannelList, ...] = ()

    def with_channels(self, chosen: Mapping[str, int], params: Mapping[str, Any]) -> BackboneUse:
        """With these numbers, by place, the largest elsewhere, and what the other arguments make of them."""
        numbers = {it.argument: chosen.get(it.place, it.largest) for it in self.lists}
        problems, args = Problems(), dict[str, Any]()
        for name, source in self.sources.items():
            args[name] = numbers.get(name) or evaluate(source, {**params, **args}, problems)
        problems.check()
        return replace(self, args=args, lists=())


def read_backbone(
    section: Merged,
    module: Module,
    params: Mapping[str, Any],
    spans: SpanTable,
    problems: Problems,
) -> BackboneUse | None:
    """section: `network`. None, with a message, if it names no backbone of the module."""
    setting = section.settings.get("backbone")
    if setting is None:
        help_text = 'backbone = resnet18(width = 64), with `use resnet18 from "nashc/resnet.nash"`'
        problems.add(
            Diagnostic("NASH106", "the network has no backbone", section.head, help=help_text)
        )
        return None
    span = setting.values[0].span
    if len(setting.values) > 1:
        one_value(setting, problems)
    spans.put(("network", "backbone"), setting.key.span, span)
    node = setting.values[0]
    # Its arguments are read with the definition, which says what they may be.
    value = evaluate(
        replace(node, arguments=None) if isinstance(node, ast.Term) else node, {}, problems
    )
    call = Call(value) if isinstance(value, Word) else value
    known = {
        name: definition
        for name, definition in module.names.items()
        if isinstance(definition.node, ast.Backbone)
    }
    if not isinstance(call, Call) or not call.name or call.shape:
        text = f"a backbone is needed, and this is {describe(value)}"
        problems.add(Diagnostic("NASH104", text, span, help=nearest("", known)))
        return None
    if call.name not in known:
        text = f"there is no backbone `{call.name}` in this file"
        hint = nearest(call.name, known) or 'use resnet18 from "nashc/resnet.nash"'
        problems.add(Diagnostic("NASH103", text, span, help=hint))
        return None
    return _use(node, known[call.name], params, problems)


def _given(
    node: ast.Value, backbone: str, names: list[str], problems: Problems
) -> dict[str, ast.Value]:
    """The arguments that stand in the network, by the name of their parameter."""
    given: dict[str, ast.Value] = {}
    arguments = (node.arguments or ()) if isinstance(node, ast.Term) else ()
    for index, argument in enumerate(arguments):
        name = argument.name.text if argument.name else names[index] if index < len(names) else ""
        if name not in names:
            text = f"backbone `{backbone}` has no parameter `{name or argument.span.text}`"
            help_text = f"it has {', '.join(names) or 'none'}"
            problems.add(Diagnostic("NASH110", text, argument.span, help=help_text))
        elif name in given:
            text = f"`{name}` is given twice"
            problems.add(Diagnostic("NASH102", text, argument.span, "again here"))
        else:
            given[name] = argument.value
    return given


def _use(
    node: ast.Value, definition: Definition, params: Mapping[str, Any], problems: Problems
) -> BackboneUse:
    backbone, parameters = definition.node.name.text, definition.node.parameters
    given = _given(node, backbone, [it.name.text for it in parameters], problems)
    args: dict[str, Any] = {}
    sources: dict[str, ast.Value] = {}
    lists = []
    for parameter in parameters:
        name = parameter.name.text
        source = given.get(name, parameter.default)
        if source is None:
            text = f"backbone `{backbone}` needs `{name}`"
            others = (Label(parameter.span, "asked for here"),)
            problems.add(Diagnostic("NASH110", text, node.span, others=others))
            continue
        sources[name], known = source, {**params, **args}
        if isinstance(source, ast.List):
            found = read_channel_list(backbone, name, source, known, problems)
            args[name] = found.largest if found else BROKEN
            lists += [found] if found else []
            continue
        args[name] = evaluate(source, known, problems)
        if isinstance(args[name], Word):
            text = f"`{args[name]}` is not defined here"
            hint = nearest(args[name], params)
            problems.add(Diagnostic("NASH103", text, source.span, help=hint))
    return BackboneUse(definition, args, node.span, sources, frozenset(given), tuple(lists))


def definitions(definition: Definition) -> dict[str, Any]:
    """The tree, without spans, of a backbone and of every block it reaches."""
    found: dict[str, Any] = {}

    def visit(current: Definition) -> None:
        name = current.node.name.text
        if name in found:
            return
        found[name] = _tree(current.node)
        for word in _called(current.node):
            if word in current.home.names:
                visit(current.home.names[word])

    visit(definition)
    return found


def _called(node: Any) -> list[str]:
    if isinstance(node, ast.Term):
        return [node.name.text]
    if isinstance(node, tuple):
        return [word for item in node for word in _called(item)]
    if isinstance(node, ast.Node):
        return [word for f in fields(node) for word in _called(getattr(node, f.name))]
    return []


def _tree(node: Any) -> Any:
    if isinstance(node, tuple):
        return [_tree(item) for item in node]
    if isinstance(node, ast.Node):
        body = {f.name: _tree(getattr(node, f.name)) for f in fields(node) if f.name != "span"}
        return {"is": type(node).__name__, **body}
    return node
