"""Something that is not there: a value, a sign, a word, the end of a line."""

from __future__ import annotations

from nashc.diagnostics import Diagnostic, Label
from nashc.diagnostics.model import nearest
from nashc.syntax.mistakes.place import ITEMS, Place, near_keyword
from nashc.syntax.scan import WANTS_MORE, Piece


def lost_line_end(place: Place) -> Diagnostic | None:
    """`epochs =` or `epochs = 200,` at the end of a line swallows the next setting."""
    found, name, sign = place.found, place.before, place.at(place.index - 2)
    if not (found and name and sign and found.is_one_of("=", ":", "{") and name.kind == "word"):
        return None
    if place.is_in_brackets or not place.is_begin_of_line(name):
        return None
    if sign.is_one_of("="):
        return _no_value(place, sign, place.at(place.index - 3))
    if sign.is_one_of(","):
        return Diagnostic(
            "NASH010",
            "a comma stands at the end of a setting",
            place.span(sign),
            "so the next line belongs to it",
            (Label(place.span(name), "and this is read as a value"),),
            "remove the comma: a setting ends with its line",
        )
    if sign.is_one_of("->"):
        return _nothing_after(place, sign)
    return None


def value(place: Place) -> Diagnostic | None:
    found, before = place.found, place.before
    if not (place.wants_value or place.wants_step or place.accepts <= {"NAME", "INT", "STRING"}):
        return None
    if before is None or (found and not found.is_one_of(")", "]", ",", "}", "{", "->", "=")):
        return None
    if before.is_one_of("=") and (found is None or found.text != "="):
        return _no_value(place, before, place.at(place.index - 2))
    if before.is_one_of(",", "(", "[") and found and found.is_one_of(","):
        return Diagnostic("NASH013", "a value is missing in front of this comma", place.span(found))
    if before.is_one_of(*WANTS_MORE, ":", "from", "in", "use", "param", "nash", "extends"):
        return _nothing_after(place, before)
    return None


def _no_value(place: Place, sign: Piece, name: Piece | None) -> Diagnostic:
    what = f"`{name.text}`" if name and name.kind == "word" else "this"
    return Diagnostic(
        "NASH013", f"{what} has no value", place.span(sign), "expected a value after `=`"
    )


def _nothing_after(place: Place, before: Piece) -> Diagnostic:
    expected = place.expected or "more"
    if before.is_one_of("->"):
        expected = "a layer" if place.where in ("block", "backbone") else "a node number"
    return Diagnostic(
        "NASH013",
        f"nothing stands after `{before.text}`",
        place.span(before),
        f"expected {expected} after this",
    )


def otherwise(place: Place) -> Diagnostic | None:
    ifs = [p for p in place.statement.pieces[: place.index] if p.is_one_of("if")]
    if not ifs or (place.found and near_keyword(place)):
        return None
    if "ELSE" in place.accepts:
        return Diagnostic(
            "NASH010",
            "an `if` has no `else`",
            place.span(ifs[-1]),
            others=(Label(place.span_of_found, "expected `else` here"),) if place.found else (),
            help="write `else input` to pass the values on as they are",
        )
    if "THEN" in place.accepts:
        return Diagnostic(
            "NASH010",
            "an `if` has no `then`",
            place.span(ifs[-1]),
            others=(Label(place.span_of_found, "expected `then` here"),) if place.found else (),
            help="write `if CONDITION then LAYERS else LAYERS`",
        )
    return None


def parameters(place: Place) -> Diagnostic | None:
    if place.found and place.found.is_one_of("{") and place.accepts == {"LPAR"}:
        name = f"{place.first.text} {place.before.text if place.before else ''}"
        return Diagnostic(
            "NASH010",
            f"`{name}` has no parentheses for its parameters",
            place.span_of_found,
            "expected `(`",
            help=f"write `{name}() {{` if it takes none",
        )
    return None


def body(place: Place) -> Diagnostic | None:
    """Words alone: `network small` at the top, `data cifar10` in a section."""
    if place.found or "_OPEN" not in place.accepts:
        return None
    text = " ".join(piece.text for piece in place.statement.pieces)
    at = place.draft.span(place.first.start, place.statement.pieces[-1].end)
    if place.where == "section" and len(place.statement.pieces) == 2:
        key, value = (piece.text for piece in place.statement.pieces)
        return Diagnostic(
            "NASH010", f"`=` is missing after `{key}`", at, help=f"write `{key} = {value}`"
        )
    meant = nearest(place.first.text, ITEMS) if place.where == "top" else ""
    return Diagnostic(
        "NASH010",
        f"`{text}` has no body",
        at,
        "expected `{` at the end of this line",
        help=meant if meant.startswith("did") else f"write `{text} {{` and end it with `}}`",
    )


def brace_on_next_line(place: Place) -> Diagnostic | None:
    before = place.before
    if place.found is None or not place.found.is_one_of("{") or before is None:
        return None
    if "\n" in place.draft.text[before.end : place.found.start]:
        return Diagnostic(
            "NASH010",
            "a `{` stands on a line of its own",
            place.span(place.found),
            "it belongs at the end of the line above",
            (Label(place.span(before), "behind this"),),
        )
    return None


def equal(place: Place) -> Diagnostic | None:
    found = place.found
    if (
        place.where not in ("section", "with")
        or found is None
        or found.is_one_of("=", "{", ":", "==")
    ):
        return None
    pieces = place.statement.pieces
    if any(p.is_one_of("=", "{") for p in pieces[: place.index]) or place.index == 0:
        return None
    key, rest = pieces[0], pieces[1:]
    if key.kind != "word" or (key.text == "edge" and found.kind == "number"):
        return None
    if rest[0].kind == "sign" and not rest[0].is_one_of("[", "(", "-"):
        return None
    end = next((p.end for p in reversed(rest) if not p.is_one_of("{")), key.end)
    value = " ".join(place.draft.text[rest[0].start : end].split())
    return Diagnostic(
        "NASH010",
        f"`=` is missing after `{key.text}`",
        place.span(found),
        help=f"write `{key.text} = {value}`",
    )


def comma(place: Place) -> Diagnostic | None:
    found, before = place.found, place.before
    if not (found and before and place.is_in_brackets and "COMMA" in place.accepts):
        return None
    if found.kind not in ("word", "number", "text") and not found.is_one_of("[", "("):
        return None
    return Diagnostic(
        "NASH010",
        f"a comma is missing between `{before.text}` and `{found.text}`",
        place.span(found),
        f"expected {place.expected}",
        help=f"write `{before.text}, {found.text}`",
    )


def line_end(place: Place) -> Diagnostic | None:
    found, following = place.found, place.after
    if not (found and "_END" in place.accepts and found.kind == "word"):
        return None
    begins = following and following.is_one_of("=", ":", "{")
    if place.index > 0 and not begins and not found.is_one_of(*ITEMS):
        return None
    if following and following.is_one_of("=") and place.where in ("block", "backbone"):
        return None  # an argument without parentheses is likelier
    return Diagnostic(
        "NASH010",
        f"a line end is missing in front of `{found.text}`",
        place.span(found),
        help=f"begin a new line, or write `;` in front of `{found.text}`",
    )


def arrow(place: Place) -> Diagnostic | None:
    found, before = place.found, place.before
    if not (found and before and "ARROW" in place.accepts) or place.is_in_brackets:
        return None
    if place.where not in ("block", "backbone") or not (
        found.kind == "word" or found.is_one_of(",")
    ):
        return None
    after = place.after if found.is_one_of(",") else found
    if after is None:
        return None
    return Diagnostic(
        "NASH010",
        f"`->` is missing in front of `{after.text}`",
        place.span(found),
        f"expected {place.expected}",
        help="one layer goes on to the next with `->`",
    )


def nothing_used(place: Place) -> Diagnostic | None:
    pieces = place.statement.pieces
    if not (pieces[0].is_one_of("use") and place.index == 2 and pieces[1].is_one_of("from")):
        return None
    return Diagnostic(
        "NASH013",
        "nothing stands after `use`",
        place.span(pieces[0]),
        "expected the names to use",
        help="write `use resnet18 from ...`",
    )
