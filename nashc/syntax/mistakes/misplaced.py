"""Statements that are well written and stand in the wrong place."""

from __future__ import annotations

from nashc.diagnostics import Diagnostic
from nashc.syntax.mistakes.place import ITEMS, Place


def item_inside(place: Place) -> Diagnostic | None:
    first = place.first
    if first.is_one_of("nash") and not (place.found and place.found.is_one_of("=", ":", "{")):
        return Diagnostic(
            "NASH117", "the edition stands in the first line of the file", place.span(first)
        )
    if place.where == "top" or not first.is_one_of(*ITEMS) or place.index == 0:
        return None
    if place.found and place.found.is_one_of("=", ":") and place.index == 1:
        return None
    if place.where in ("block", "backbone") and place.found and place.found.is_one_of("->"):
        return None
    return Diagnostic(
        "NASH117",
        f"`{first.text}` belongs at the top level of the file",
        place.span(first),
        "inside `{ }` here",
        help=f"move it in front of this {'section' if place.where == 'section' else place.where}",
    )


def setting_at_top(place: Place) -> Diagnostic | None:
    found = place.found
    if place.where != "top" or place.index != 1 or found is None or place.first.kind != "word":
        return None
    if place.first.text == "edge" and found.kind == "number":
        return Diagnostic(
            "NASH117",
            "an edge belongs in a cell",
            place.span(place.first),
            help="write it inside `cell in each group { ... }`",
        )
    if not found.is_one_of("=") or place.first.is_one_of(*ITEMS):
        return None
    return Diagnostic(
        "NASH117",
        f"`{place.first.text}` is set outside of every section",
        place.span(place.first),
        "settings belong in a section",
        help="write it inside `network NAME { ... }`, `search { ... }`, `train { ... }` or `target { ... }`",
    )


def section_in_network_of_layers(place: Place) -> Diagnostic | None:
    if place.where not in ("block", "backbone") or not place.statement.is_head:
        return None
    return Diagnostic(
        "NASH117",
        f"a {place.where} holds layers, no sections",
        place.span(place.first),
        help="sections such as `bits { ... }` belong in a network",
    )


def layers_at_top(place: Place) -> Diagnostic | None:
    found = place.found
    if place.where != "top" or found is None or place.first.is_one_of(*ITEMS):
        return None
    is_label = found.is_one_of(":") and place.index == 1
    if not is_label and not any(piece.is_one_of("->") for piece in place.statement.pieces):
        return None
    return Diagnostic(
        "NASH117",
        "layers stand outside of a block or backbone",
        place.span(place.first),
        help="write them inside `block NAME() { ... }` or `backbone NAME() { ... }`",
    )
