"""pydantic's errors as diagnostics: our codes, our words, the span of the value that is meant."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from nashc.diagnostics import Diagnostic, Problems
from nashc.diagnostics.model import nearest
from nashc.schema.fields import is_internal
from nashc.schema.values import BROKEN, describe, described, whole_hint
from nashc.text import Span

Model = TypeVar("Model", bound=BaseModel)


@dataclass
class SpanTable:
    """Where each field was written: a path such as ("train", "optimiser", "lr")."""

    keys: dict[tuple[str, ...], Span] = field(default_factory=dict)
    values: dict[tuple[str, ...], Span] = field(default_factory=dict)

    def put(self, path: tuple[str, ...], key: Span, value: Span) -> None:
        self.keys[path], self.values[path] = key, value

    def value(self, path: tuple[str, ...]) -> Span | None:
        """The value's span, or that of the nearest thing that encloses it."""
        while path and path not in self.values:
            path = path[:-1]
        return self.values.get(path)

    def key(self, path: tuple[str, ...]) -> Span | None:
        return self.keys.get(path) or self.value(path)


def validated(
    model: type[Model],
    values: Mapping[str, Any],
    path: tuple[str, ...],
    spans: SpanTable,
    problems: Problems,
) -> Model | None:
    """The model of these values, or None with every mistake among the problems."""
    broken = {key for key, value in values.items() if value is BROKEN}
    try:
        return model.model_validate({k: v for k, v in values.items() if k not in broken})
    except ValidationError as error:
        for details in error.errors():
            if details["type"] == "missing" and details["loc"][-1] in broken:
                continue
            problems.add(_diagnostic(details, model, path, spans))
    return None


def _diagnostic(
    details: ErrorDetails, model: type[BaseModel], path: tuple[str, ...], spans: SpanTable
) -> Diagnostic:
    kind, context = details["type"], details.get("ctx", {})
    loc = _source_path(details["loc"], path, spans)
    name = str(details["loc"][-1]) if details["loc"] else ""
    if kind.startswith("NASH"):
        return Diagnostic(kind, details["msg"], spans.value(loc), help=context.get("help", ""))
    if kind == "extra_forbidden":
        parts = (*path, *map(str, details["loc"]))
        elsewhere = ["backbone"] if parts[:-1] == ("network",) else []  # a flow, no value
        known = nearest(name, _fields(model, details["loc"]) + elsewhere)
        if len(details["loc"]) == 1 or parts[:2] in _INNER_SECTIONS:
            text = f"there is no `{name}` in `{parts[-2]}`"
            return Diagnostic("NASH101", text, spans.key(loc), help=known)
        text = f"there is no `{name}` in these arguments"
        return Diagnostic("NASH110", text, spans.key(loc), help=known)
    if kind == "missing":
        owner = details["loc"][-2] if len(details["loc"]) > 1 else path[-1]
        text = f"`{owner}` needs `{name}`"
        return Diagnostic(
            "NASH106", text, spans.key(loc), f"`{name}` is missing here", help=_example(name)
        )
    if kind in ("literal_error", "union_tag_invalid"):
        return _unknown_choice(details, loc, spans)
    if kind in _RANGES:
        text = f"`{name}` must be {_RANGES[kind](context)}"
        return Diagnostic("NASH105", text, spans.value(loc))
    span, value = spans.value(loc), details["input"]
    what = described(value, span.text) if span else describe(value)
    text = f"`{name}` needs {_KINDS.get(kind, 'another kind of value')}, and this is {what}"
    return Diagnostic("NASH104", text, span, help=whole_hint(value) if kind == "int_type" else "")


def _source_path(
    loc: tuple[int | str, ...], path: tuple[str, ...], spans: SpanTable
) -> tuple[str, ...]:
    """pydantic's path without the tags of unions, which stand in no source text."""
    result = path
    for part in loc:
        longer = (*result, str(part))
        is_last = part == loc[-1]
        if is_last or longer in spans.values or longer in spans.keys:
            result = longer
    return result


def _unknown_choice(details: ErrorDetails, loc: tuple[str, ...], spans: SpanTable) -> Diagnostic:
    context = details.get("ctx", {})
    expected = str(context.get("expected") or context.get("expected_tags", ""))
    legal = [part.strip(" '") for part in expected.replace(" or ", ", ").split(",")]
    word = details["input"]
    if isinstance(word, dict):
        word = word.get("name", word)
    name = loc[-2] if loc[-1] == "name" else loc[-1]  # `alphas = sgd`: the name of a call
    text = f"`{word}` is no choice for `{name}`"
    if not isinstance(word, str):
        text = f"`{name}` needs a word, and this is {describe(word)}"
    close = nearest(str(word), legal)
    legal_text = "legal are " + ", ".join(legal)
    help_text = f"{close} {legal_text}" if close.startswith("did") else legal_text
    return Diagnostic("NASH107", text, spans.value(loc), help=help_text)


def _fields(model: type[BaseModel], loc: tuple[int | str, ...]) -> list[str]:
    """Field names at the place where an unknown one stood."""
    current: Any = model
    for part in loc[:-1]:
        if (
            isinstance(current, type)
            and issubclass(current, BaseModel)
            and part in current.model_fields
        ):
            current = current.model_fields[str(part)].annotation
        else:
            tagged = [kind for kind in get_args(current) if getattr(kind, "model_fields", None)]
            current = next(
                (kind for kind in tagged if part in get_args(kind.model_fields["name"].annotation)),
                current,
            )
    while get_args(current) and not isinstance(current, type):
        current = get_args(current)[0]
    fields = getattr(current, "model_fields", {})
    return [name for name, field in fields.items() if name != "name" and not is_internal(field)]


_INNER_SECTIONS = (
    ("network", "bits"),
    ("network", "activation"),
    ("board", "resources"),
    ("search", "cost"),
    ("search", "budget"),
)

_EXAMPLES = {
    "input": "input = UINT8 3x32x32",
    "classes": "classes = 10",
    "data": 'data = digits, or data = cifar10("path")',
    "board": "board = Pynq-Z1",
    "at": "multistep(at = [60, 80])",
}


def _example(name: str) -> str:
    return f"for example `{_EXAMPLES[name]}`" if name in _EXAMPLES else ""


def _limit(number: float) -> str:
    """As a spec would write it: 1 and not 1.0."""
    return f"{number:g}" if isinstance(number, float) else str(number)


_RANGES: dict[str, Callable[[dict[str, Any]], str]] = {
    "greater_than": lambda c: f"greater than {_limit(c['gt'])}",
    "greater_than_equal": lambda c: f"at least {_limit(c['ge'])}",
    "less_than": lambda c: f"less than {_limit(c['lt'])}",
    "less_than_equal": lambda c: f"at most {_limit(c['le'])}",
    "string_too_short": lambda _: "a text that is not empty",
    "finite_number": lambda _: "a finite number",
}
_KINDS = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "string_type": "a text in quotes",
    "bool_type": "true or false",
    "tuple_type": "a list in brackets",
    "model_type": "a name with arguments",
}
