"""FINN's folding file: attributes by node name, as FINN's own steps and ours read and write it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from nashc.cost.fold import ATTRIBUTES, WORDS, Folding, limit, settings_of
from nashc.cost.nodes import HwNode
from nashc.diagnostics import Diagnostic, SpecError
from nashc.diagnostics.model import nearest

DEFAULTS = "Defaults"
_SETTING = {attribute: name for name, attribute in ATTRIBUTES.items()}
# Legal in the file, without effect on cycles or resources here.
_IGNORED = ("runtime_writeable_weights", "depth", "impl_style", "mac_resource")


def read(path: Path) -> Any:
    """The content of a file. Errors: NASH454."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SpecError([_wrong(f"{path} cannot be read: {error.strerror}")]) from error
    except ValueError as error:
        raise SpecError([_wrong(f"{path} is not JSON: {error}")]) from error


def apply(
    content: Any, nodes: tuple[HwNode, ...], foldings: Mapping[str, Folding], path: Path
) -> dict[str, Folding]:
    """The foldings with those of the file in their place. Errors: NASH454, all that are wrong at once."""
    if not isinstance(content, dict):
        raise SpecError([_wrong(f"{path} holds no folding: an object of node names is needed")])
    by_name = {node.name: node for node in nodes}
    found, mistakes = dict(foldings), []
    for name, attributes in content.items():
        if name == DEFAULTS:
            continue
        if name not in by_name or not isinstance(attributes, dict):
            text = f"{path} names a layer that the hardware does not have: {name}"
            mistakes.append(_wrong(text, nearest(name, by_name)))
            continue
        for attribute, value in attributes.items():
            problem = _problem(by_name[name], attribute, value)
            if problem:
                mistakes.append(_wrong(f"{path}: {name}: {problem}"))
            elif attribute in _SETTING:
                changed: dict[str, Any] = {_SETTING[attribute]: value}
                found[name] = replace(found[name], **changed)
    if mistakes:
        raise SpecError(mistakes)
    return found


def content(nodes: tuple[HwNode, ...], foldings: Mapping[str, Folding]) -> dict[str, Any]:
    """What the file of these foldings holds."""
    return {node.name: foldings[node.name].attributes(node) for node in nodes}


def _problem(node: HwNode, attribute: str, value: Any) -> str:
    if attribute in _IGNORED:
        return ""
    setting = _SETTING.get(attribute)
    if setting is None or setting not in settings_of(node):
        known = ", ".join(ATTRIBUTES[name] for name in settings_of(node))
        return f"{node.op_type} has no folding attribute {attribute}, only {known}"
    if setting in WORDS:
        words = ", ".join(WORDS[setting])
        return "" if value in WORDS[setting] else f"{attribute} = {value} is none of {words}"
    if type(value) is not int:
        return f"{attribute} = {value} is not a whole number"
    if setting == "parallel_window":
        return "" if value in (0, 1) else f"{attribute} = {value} is neither 0 nor 1"
    most = limit(node, setting)
    return f"{attribute} = {value} does not divide {most}" if value < 1 or most % value else ""


def _wrong(text: str, hint: str = "") -> Diagnostic:
    return Diagnostic("NASH454", text, help=hint)
