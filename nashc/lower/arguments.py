"""What the arguments of a term give: values by the names of its parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nashc.diagnostics import Diagnostic, Label, Problems
from nashc.schema.values import BROKEN, number
from nashc.syntax import ast


def arguments(
    term: ast.Term,
    parameters: tuple[ast.Parameter, ...],
    known: Mapping[str, Any],
    problems: Problems,
) -> dict[str, Any] | None:
    """Values of a block's parameters; None when something is missing or does not fit.

    known: names that the arguments may use.
    """
    names = [parameter.name.text for parameter in parameters]
    given = given_to(term, names, known, problems)
    result: dict[str, Any] = {}
    for parameter in parameters:
        name = parameter.name.text
        if name in given:
            result[name] = given[name]
        elif parameter.default is not None:
            result[name] = number(parameter.default, result, problems)
        else:
            text = f"`{term.name.text}` needs `{name}`"
            others = (Label(parameter.span, "asked for here"),)
            problems.add(Diagnostic("NASH110", text, term.span, others=others))
            return None
    return None if BROKEN in result.values() else result


def given_to(
    term: ast.Term, names: list[str], known: Mapping[str, Any], problems: Problems
) -> dict[str, Any]:
    """Values of the arguments that are there; BROKEN for one that is wrong, told."""
    given: dict[str, Any] = {}
    for index, argument in enumerate(term.arguments or ()):
        name = argument.name.text if argument.name else names[index] if index < len(names) else ""
        if name not in names:
            word = argument.name.text if argument.name else argument.span.text
            text = f"`{term.name.text}` takes no `{word}`"
            hint = f"it takes {', '.join(names)}" if names else "it takes no arguments"
            problems.add(Diagnostic("NASH110", text, argument.span, help=hint))
            given[word] = BROKEN
        elif name in given:
            text = f"`{name}` is given twice"
            problems.add(Diagnostic("NASH102", text, argument.span))
        else:
            given[name] = number(argument.value, known, problems)
    return given
