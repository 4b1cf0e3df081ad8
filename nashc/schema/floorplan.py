"""The floorplan in `finn`: which layers go to which region (SLR) of an Alveo card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nashc.diagnostics import Diagnostic, Problems
from nashc.schema.bit_rules import one_value
from nashc.schema.merge import Merged
from nashc.schema.values import describe, evaluate
from nashc.text import Span


@dataclass(frozen=True)
class Place:
    """`group0.* = 1` of a floorplan: the region (SLR) of the layers whose path matches."""

    pattern: str
    region: int
    span: Span


def read_floorplan(
    finn: Merged | None, params: Mapping[str, Any], problems: Problems
) -> tuple[Place, ...]:
    """In the order of the spec. Errors: NASH104, NASH105."""
    section = finn.sections.get("floorplan") if finn else None
    places = []
    for key, setting in (section.settings if section else {}).items():
        if len(setting.values) > 1:
            one_value(setting, problems)
        value = evaluate(setting.values[0], params, problems)
        span = setting.values[0].span
        if not isinstance(value, int) or isinstance(value, bool):
            text = f"the number of a region is needed, and this is {describe(value)}"
            problems.add(Diagnostic("NASH104", text, span, help=f"{key} = 0"))
        elif value < 0:
            problems.add(Diagnostic("NASH105", "regions count from 0", span))
        else:
            places.append(Place(key, value, setting.key.span))
    return tuple(places)
