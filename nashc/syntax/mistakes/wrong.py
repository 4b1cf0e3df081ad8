"""Something that is there and should be another: signs of other languages, misspelt words."""

from __future__ import annotations

from difflib import get_close_matches

from nashc.diagnostics import Diagnostic
from nashc.syntax.mistakes.place import ITEMS, KEYWORDS, UNITS, Place, near_keyword


def sign_before_body(place: Place) -> Diagnostic | None:
    """`bits = {`, where the parser stops at the body, and `bits: {`, where it stops at the sign."""
    found, before, after = place.found, place.before, place.after
    sign = before if found and found.is_one_of("{") else found
    body = found if sign is before else after
    if not (sign and sign.is_one_of("=", ":") and body and body.is_one_of("{")):
        return None
    if place.where in ("block", "backbone") or place.first.is_one_of("param"):
        return None
    what = place.first.text if place.first.is_one_of("block", "backbone") else "section"
    head = place.draft.text[place.first.start : sign.start].strip()
    return Diagnostic(
        "NASH010", f"a {what} takes no `{sign.text}`", place.span(sign), help=f"write `{head} {{`"
    )


def colon_or_equal(place: Place) -> Diagnostic | None:
    found, before = place.found, place.before
    if not (found and before and before.kind == "word"):
        return None
    if place.where == "top":
        if place.first.is_one_of("param") and found.is_one_of("=") and "COLON" in place.accepts:
            return Diagnostic(
                "NASH010",
                f"the parameter `{before.text}` has no kind",
                place.span(found),
                "expected `:` and a kind in front of this",
                help=f"write `param {before.text}: bits =` with the kind bits, int, float, bool, word or text",
            )
        return None
    if place.index == 1 and found.is_one_of("=") and "COLON" in place.accepts:
        return Diagnostic(
            "NASH010",
            "a part of a backbone is written with `:`",
            place.span(found),
            help=f"write `{before.text}: ...`",
        )
    if place.index == 1 and found.is_one_of(":") and "EQUAL" in place.accepts:
        return Diagnostic(
            "NASH010",
            "a setting is written with `=`",
            place.span(found),
            help=f"write `{before.text} = ...`",
        )
    if found.is_one_of(":") and place.after and place.after.is_one_of("="):
        return None
    if found.is_one_of(":") and place.is_in_brackets:
        return Diagnostic(
            "NASH010",
            "an argument is written with `=`",
            place.span(found),
            help=f"write `{before.text} = ...`",
        )
    return None


def borrowed_sign(place: Place) -> Diagnostic | None:
    """Signs of other languages: => // == := ** !=."""
    found, before, after = place.found, place.before, place.after
    if found is None:
        return None
    pair = found.text + (after.text if after and after.start == found.end else "")
    if before and before.end == found.start:
        pair = before.text + found.text
    ways = {
        "=>": "write `->` from one layer to the next",
        "->": "",
        "--": "write `->` from one layer to the next, `#` before a comment",
        "->>": "write `->`",
        "//": "comments begin with `#`",
        "/*": "comments begin with `#`",
        "**": "write products with `*`",
        "==": "a setting is written with `=`",
        ":=": "write `=`",
        "=:": "write `=`",
        "+=": "write `=`",
    }
    help_text = ways.get(pair) or (
        "comments begin with `#`" if found.text in ("/", "*") and place.index == 0 else ""
    )
    if found.text == "==" and "EQUAL" in place.accepts:
        pair, help_text = "==", ways["=="]
    if not help_text:
        return None
    return Diagnostic(
        "NASH010", f"`{pair}` is no sign of this place", place.span(found), help=help_text
    )


def chain(place: Place) -> Diagnostic | None:
    found = place.found
    if not (found and found.is_one_of("==", "!=", "<", ">", "<=", ">=")) or place.index < 3:
        return None
    if not any(
        p.is_one_of("==", "!=", "<", ">", "<=", ">=") for p in place.statement.pieces[: place.index]
    ):
        return None
    return Diagnostic(
        "NASH010",
        "comparisons do not chain",
        place.span(found),
        help="join two of them with `and`: `1 < a and a < 5`",
    )


def unit(place: Place) -> Diagnostic | None:
    found, before = place.found, place.before
    if not (found and before and found.kind == "word" and before.kind == "number"):
        return None
    if (
        "x" in before.text
        or place.where not in ("section", "with")
        or (place.after and place.after.is_one_of("=", "{"))
    ):
        return None
    if not before.text[-1].isdigit() or found.is_one_of(*KEYWORDS) or len(found.text) > 4:
        return None
    close = [unit for unit in UNITS if unit.lower() == found.text.lower()]
    close += get_close_matches(found.text, UNITS, n=1, cutoff=0.5)
    return Diagnostic(
        "NASH116",
        f"`{found.text}` is no unit",
        place.draft.span(before.start, found.end),
        help=f"did you mean `{before.text} {close[0]}`?"
        if close
        else "units are " + ", ".join(UNITS) + "; numbers without unit are plain",
    )


def blank_in_size(place: Place) -> Diagnostic | None:
    """`conv 3 x 3`, `3 x3`, `conv 3`."""
    found, before = place.found, place.before
    if found is None or before is None:
        return None
    pieces = place.statement.pieces[place.index - 1 : place.index + 4]
    text = "".join(p.text for p in pieces)
    for start in (0, 1):
        size = text if start == 0 else "".join(p.text for p in pieces[1:])
        parts = size.split("x")
        if pieces[start].text.isdigit() and len(parts) > 1 and parts[0].isdigit():
            tail = "".join(c for c in parts[1] if c.isdigit())
            if parts[1][:1].isdigit() and tail:
                digits = len(parts[1]) - len(parts[1].lstrip("0123456789"))
                return Diagnostic(
                    "NASH010",
                    "a size is written without blanks",
                    place.span(pieces[start]),
                    help=f"write `{parts[0]}x{parts[1][:digits]}`",
                )
    if not (before.kind == "word" and found.text.isdigit() and "SHAPE" in place.accepts):
        return None
    if place.where not in ("block", "backbone"):
        return None
    return Diagnostic(
        "NASH010",
        f"`{found.text}` is no size",
        place.span(found),
        "expected a size or arguments in parentheses",
        help=f"write `{before.text} {found.text}x{found.text}` for a window, "
        f"`{before.text}({found.text})` for an argument",
    )


def argument_without_parentheses(place: Place) -> Diagnostic | None:
    found, before = place.found, place.before
    if not (found and found.kind == "word" and place.after and place.after.is_one_of("=")):
        return None
    if before is None or place.where not in ("block", "backbone") or place.is_in_brackets:
        return None
    value, word = place.at(place.index + 2), place.at(place.index - 2)
    called = f"{word.text} {before.text}" if word and before.kind == "number" else before.text
    return Diagnostic(
        "NASH010",
        "arguments stand in parentheses",
        place.span(found),
        help=f"write `{called}({found.text} = {value.text if value else '...'})`",
    )


def repetition(place: Place) -> Diagnostic | None:
    found, before = place.found, place.before
    if found is None or place.where not in ("block", "backbone"):
        return None
    if before and before.is_one_of("*") and place.accepts == {"INT"}:
        return Diagnostic(
            "NASH010",
            "a repetition is not a whole number",
            place.span(found),
            "expected a whole number after `*`",
            help="how often a layer is repeated is written out, as in `basic(64) * 2`",
        )
    if found.kind == "number" and place.wants_step:
        return Diagnostic(
            "NASH010",
            f"`{found.text}` is no layer",
            place.span(found),
            f"expected {place.expected}",
            help="a repetition stands behind its layer, as in `basic(64) * 2`",
        )
    return None


def edge(place: Place) -> Diagnostic | None:
    if not place.first.is_one_of("edge") or place.where != "section" or place.index == 0:
        return None
    if any(p.is_one_of("=") for p in place.statement.pieces[: place.index]):
        return None
    return Diagnostic(
        "NASH010",
        "an edge is not written like this",
        place.span_of_found,
        f"expected {place.expected}",
        help="write `edge 0 -> 2 = [identity, conv 1x1]`",
    )


def keyword_as_name(place: Place) -> Diagnostic | None:
    found = place.found
    if not (found and found.kind == "word" and found.text in KEYWORDS):
        return None
    if not (place.accepts <= {"NAME"} or place.wants_value or place.wants_step):
        return None
    before = place.before
    if before and before.is_one_of("=", "->", ",", "(", "["):
        other = place.expected or "a name"
        return Diagnostic(
            "NASH010",
            f"`{found.text}` is a word of the language and cannot stand here",
            place.span(found),
            f"expected {other}",
        )
    if not place.accepts <= {"NAME"}:
        return None
    return Diagnostic(
        "NASH010",
        f"`{found.text}` is a word of the language and cannot be a name",
        place.span(found),
        "expected a name",
    )


def misspelt_inside(place: Place) -> Diagnostic | None:
    """A keyword that is nearly there, where the parser stopped."""
    word = near_keyword(place)
    if not (word and place.found):
        return None
    return Diagnostic(
        "NASH010",
        f"unexpected `{place.found.text}`",
        place.span(place.found),
        f"expected {place.expected}",
        help=f"did you mean `{word}`?",
    )


def misspelt_begin(place: Place) -> Diagnostic | None:
    words = ITEMS if place.where == "top" else ("edge",) if place.where == "section" else ()
    first = place.first
    if place.index == 0 or first.kind != "word" or first.text in words:
        return None
    close = get_close_matches(first.text.lower(), words, n=1, cutoff=0.7)
    if not close:
        return None
    return Diagnostic(
        "NASH010",
        f"no statement begins with `{first.text}`"
        if place.where == "top"
        else f"unexpected `{first.text}`",
        place.span(first),
        help=f"did you mean `{close[0]}`?",
    )
