"""What a syntax mistake is called: one function per kind of mistake, asked in the order of `RULES`.

Each gets the place where the parser stopped and gives a diagnostic, or None when it does not apply.
"""

from __future__ import annotations

from collections.abc import Callable

from nashc.diagnostics import Diagnostic
from nashc.syntax.mistakes import misplaced, missing, wrong
from nashc.syntax.mistakes.place import Place, quoted

__all__ = ["RULES", "Place", "explain"]

Rule = Callable[[Place], Diagnostic | None]

# The first that applies has the word: the more it knows, the earlier it stands.
RULES: tuple[Rule, ...] = (
    misplaced.item_inside,
    wrong.sign_before_body,
    misplaced.setting_at_top,
    missing.lost_line_end,
    missing.otherwise,
    wrong.colon_or_equal,
    missing.parameters,
    wrong.borrowed_sign,
    missing.brace_on_next_line,
    missing.value,
    wrong.edge,
    missing.body,
    wrong.blank_in_size,
    wrong.argument_without_parentheses,
    wrong.repetition,
    wrong.misspelt_inside,
    missing.line_end,
    wrong.misspelt_begin,
    missing.nothing_used,
    misplaced.layers_at_top,
    missing.arrow,
    missing.equal,
    wrong.unit,
    missing.comma,
    wrong.chain,
    misplaced.section_in_network_of_layers,
    wrong.keyword_as_name,
)


def explain(place: Place) -> Diagnostic:
    """The diagnostic for the place where the parser stopped."""
    for rule in RULES:
        diagnostic = rule(place)
        if diagnostic:
            return diagnostic
    return _unexpected(place)


def _unexpected(place: Place) -> Diagnostic:
    expected = place.expected
    label = f"expected {expected}" if expected else ""
    if expected and place.before:
        label += f" after `{place.before.text}`"
    if place.found is None:
        return Diagnostic("NASH010", "this statement ends too early", place.span_of_found, label)
    return Diagnostic("NASH010", f"unexpected {quoted(place.found)}", place.span_of_found, label)
