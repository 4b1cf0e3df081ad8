"""Parameters of a spec: declared with a type and a default, set by `extends ... with` and `--set`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from nashc.diagnostics import Diagnostic, Label, Problems
from nashc.diagnostics.model import nearest
from nashc.schema.files import Module
from nashc.schema.mistakes import SpanTable
from nashc.schema.values import BROKEN, Word, described, evaluate, whole_hint
from nashc.syntax import ast
from nashc.syntax.flat import is_hyphen
from nashc.text import Span
from nashc.vocab.bits import out_of_range, read_bits
from nashc.vocab.numbers import read_number


def _is_bits(value: Any) -> bool:
    bits = read_bits(value) if isinstance(value, Word) else None
    return bits is not None and not out_of_range(bits)


KINDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "bits": (_is_bits, "bit widths from 1 to 8, such as w2a2"),
    "int": (lambda v: isinstance(v, int) and not isinstance(v, bool), "a whole number"),
    "float": (lambda v: isinstance(v, int | float) and not isinstance(v, bool), "a number"),
    "bool": (lambda v: isinstance(v, bool), "true or false"),
    "word": (lambda v: isinstance(v, Word), "a word"),
    "text": (lambda v: isinstance(v, str) and not isinstance(v, Word), "a text in quotes"),
}


_NUMBERS = "numbers are written as in a spec: 12, 0.5, 1e-3, 200k"
_HOW_GIVEN = {
    "int": _NUMBERS,
    "float": _NUMBERS,
    "bits": "one value, such as w2a2, w8 or a4; several are for nashc pareto --sweep",
}
"""By the type of a parameter, how `--set` is given a value."""


def read_params(
    module: Module, overrides: Mapping[str, str], spans: SpanTable, problems: Problems
) -> dict[str, Any]:
    """Values of all parameters of a file and of those it extends."""
    values: dict[str, Any] = {}
    declared: dict[str, ast.Param] = {}
    for part in module.chain:
        own: dict[str, ast.Param] = {}
        for param in (item for item in part.file.items if isinstance(item, ast.Param)):
            _declare(param, own, problems)
        declared.update(own)
    settings: dict[str, ast.Value] = {}
    for part in module.chain:
        for setting in part.overrides:
            if setting.sign != "=":
                text = f"`{setting.key.text}` is given with `=`"
                problems.add(Diagnostic("NASH117", text, setting.span))
            if setting.key.text not in declared:
                _unknown(setting.key.text, declared, setting.key.span, problems)
            settings[setting.key.text] = setting.values[0]
    for name, param in declared.items():
        source = settings.get(name, param.default)
        spans.put(("param", name), param.name.span, source.span)
        if name in overrides:
            value = _from_text(overrides[name], param.type.text)
            values[name] = _check(param, value, overrides[name], None, problems)
        else:
            value = _evaluate(source, param.type.text, values, problems)
            values[name] = _check(param, value, source.span.text, source.span, problems)
    for name in overrides:
        if name not in declared:
            _unknown(name, declared, None, problems)
    return values


def read_variants(
    settings: Mapping[str, ast.Setting],
    module: Module,
    values: Mapping[str, Any],
    problems: Problems,
) -> tuple[dict[str, str], ...]:
    """`bits = w2a2, w1a2` of `compare` as two variants, each as `--set` would give it."""
    items = (item for part in module.chain for item in part.file.items)
    declared = {item.name.text: item for item in items if isinstance(item, ast.Param)}
    variants: list[dict[str, str]] = []
    for name, setting in settings.items():
        if name not in declared:
            _unknown(name, declared, setting.key.span, problems)
            continue
        param = declared[name]
        for source in setting.values:
            written = source.span.text
            if param.type.text == "text" and not isinstance(source, ast.Text):
                value: Any = written  # quotes may be left out, as on the command line
            else:
                value = _evaluate(source, param.type.text, values, problems)
            value = _check(param, value, written, source.span, problems)
            if value is not BROKEN:
                variants.append({name: _as_text(value, written)})
    return tuple(variants)


def _evaluate(source: ast.Value, kind: str, values: Mapping[str, Any], problems: Problems) -> Any:
    if kind == "word" and isinstance(source, ast.Binary) and is_hyphen(source):
        return Word(source.span.text)  # boards have dashes in their names: Pynq-Z1
    return evaluate(source, values, problems)


def _as_text(value: Any, written: str) -> str:
    """A value as `--set` takes it; a number as its user wrote it, unless that is a calculation."""
    if isinstance(value, bool):
        return str(value).lower()
    return written if read_number(written) is not None else str(value)


def _declare(param: ast.Param, own: dict[str, ast.Param], problems: Problems) -> None:
    name = param.name.text
    if name in own:
        problems.add(
            Diagnostic(
                "NASH102",
                f"parameter `{name}` is declared twice",
                param.name.span,
                "again here",
                (Label(own[name].name.span, "first here"),),
            )
        )
    if param.type.text not in KINDS:
        text = f"`{param.type.text}` is no type of a parameter"
        hint = nearest(param.type.text, KINDS)
        problems.add(Diagnostic("NASH107", text, param.type.span, help=hint))
    own[name] = param


def _check(
    param: ast.Param, value: Any, written: str, where: Span | None, problems: Problems
) -> Any:
    """The value, or BROKEN with a message when the parameter cannot have it. written: the value as its user wrote it."""
    if value is BROKEN or param.type.text not in KINDS:
        return BROKEN
    holds, words = KINDS[param.type.text]
    name = param.name.text
    span, label = (where, "") if where else (param.span, "declared here")
    if not holds(value):
        is_what = f"this is {described(value, written)}" if where else f"was given `{written}`"
        text = f"parameter `{name}` needs {words}, and {is_what}"
        if param.type.text == "bits" and isinstance(value, Word) and read_bits(value):
            text = f"parameter `{name}` needs {words}; `{written}` is out of range"
        hint = "" if where else _HOW_GIVEN.get(param.type.text, "")
        if param.type.text == "int":
            hint = whole_hint(value) or hint
        problems.add(Diagnostic("NASH114", text, span, label, help=hint))
        return BROKEN
    choices = param.choices.items if param.choices else ()
    legal = [_evaluate(item, param.type.text, {}, problems) for item in choices]
    if param.choices and value not in legal:
        text = f"parameter `{name}` cannot be `{written}`"
        if written != str(value) and read_number(written) is None:  # a name, or arithmetic
            text += f", which is {value}"
        hint = "legal are " + ", ".join(item.span.text for item in param.choices.items)
        others = (Label(param.choices.span, "legal values"),)
        problems.add(Diagnostic("NASH114", text, span, label, others, hint))
        return BROKEN
    return value


def _from_text(text: str, kind: str) -> Any:
    """A `--set` value by the declared type, written as in a spec; left a word where it does not fit (checked after)."""
    match kind:
        case "int":
            value = read_number(text)
            return Word(text) if value is None else value
        case "float":
            value = read_number(text)
            return Word(text) if value is None else float(value)
        case "bool":
            return {"true": True, "false": False}.get(text, Word(text))
        case "text":
            return text
    return Word(text)


def _unknown(
    name: str, declared: Mapping[str, ast.Param], span: Span | None, problems: Problems
) -> None:
    text = f"the spec has no parameter `{name}`"
    hint = nearest(name, declared) if declared else "it declares none"
    problems.add(Diagnostic("NASH113", text, span, help=hint))
