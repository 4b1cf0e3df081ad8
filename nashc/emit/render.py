"""The one renderer: a template, a dataclass of what it may use, a text."""

from __future__ import annotations

from dataclasses import fields
from functools import cache
from typing import TYPE_CHECKING, Any

from nashc import resources

if TYPE_CHECKING:
    from jinja2 import Environment


@cache
def environment() -> Environment:
    """Templates from `templates/`; an unknown name is an error, None and bool cannot be printed."""
    # Not above: `nashc check` loads this room and renders nothing.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(resources.template_root()),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_printable,
        autoescape=False,
    )


def _printable(value: Any) -> Any:
    if value is None or isinstance(value, bool):
        raise TypeError(f"a template prints {value!r}")
    return value


def render(context: Any) -> str:
    """The text of a context; its class names the template."""
    values = {field.name: getattr(context, field.name) for field in fields(context)}
    return environment().get_template(context.TEMPLATE).render(values)
