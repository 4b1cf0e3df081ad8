"""What a syntax mistake is called: one function per kind of mistake, asked in the order of `_RULES`.

Each gets the place where the parser stopped and gives a diagnostic, or None when it does not apply.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from nashc.diagnostics import Diagnostic, Label
from nashc.diagnostics.model import nearest
from nashc.syntax.draft import Draft
from nashc.syntax.scan import WANTS_MORE, Piece, Statement
from nashc.text import Span

ITEMS = ("nash", "extends", "use", "param", "block", "backbone")
UNITS = ("MHz", "GHz", "kHz", "ns", "us", "ms", "%")
_KEYWORDS = {"from", "in", "with", "if", "then", "else", "and", "or", "not", "edge"}

# What the parser's terminals are called in a message, in the order of mention.
_CALLED = {
    "EQUAL": "`=`",
    "COLON": "`:`",
    "_OPEN": "`{`",
    "ARROW": "`->`",
    "COMMA": "`,`",
    "RPAR": "`)`",
    "RSQB": "`]`",
    "RBRACE": "`}`",
    "FROM": "`from`",
    "WITH": "`with`",
    "IN": "`in`",
    "THEN": "`then`",
    "ELSE": "`else`",
    "_END": "the end of the line",
}


@dataclass(frozen=True)
class Place:
    """Where the parser stopped.

    statement: the statement it was in; before, found, after: the piece it could not use (None at the
    end of a line or file) and its neighbours in that statement; next_sign: a `}` or `)` that stands
    where found should be.
    accepts: the terminals that would have been fine.
    """

    draft: Draft
    statement: Statement
    index: int
    accepts: frozenset[str]

    @property
    def where(self) -> str:
        return self.statement.where

    @property
    def first(self) -> Piece:
        return self.statement.pieces[0]

    @property
    def found(self) -> Piece | None:
        return self.at(self.index)

    @property
    def before(self) -> Piece | None:
        return self.at(self.index - 1)

    @property
    def after(self) -> Piece | None:
        return self.at(self.index + 1)

    def at(self, index: int) -> Piece | None:
        pieces = self.statement.pieces
        return pieces[index] if 0 <= index < len(pieces) else None

    def span(self, piece: Piece) -> Span:
        return self.draft.span(piece.start, piece.end)

    @property
    def span_of_found(self) -> Span:
        """The piece in the way, or the place behind the last one of the statement."""
        if self.found:
            return self.span(self.found)
        end = self.span(self.statement.pieces[-1])
        return Span(end.source, end.end, end.end)

    @property
    def wants_value(self) -> bool:
        return "STRING" in self.accepts and "INT" in self.accepts

    @property
    def wants_step(self) -> bool:
        return {"NAME", "IF"} <= self.accepts

    @property
    def is_in_brackets(self) -> bool:
        pieces = self.statement.pieces[: self.index]
        opened = sum(p.is_one_of("(", "[") for p in pieces)
        return opened > sum(p.is_one_of(")", "]") for p in pieces)

    def is_begin_of_line(self, piece: Piece) -> bool:
        text = self.draft.text
        return not text[text.rfind("\n", 0, piece.start) + 1 : piece.start].strip()

    @property
    def expected(self) -> str:
        """ "a value", "`,` or `]`", ... ; empty when nothing short can be said."""
        wanted: list[str] = []
        if self.wants_value:
            wanted.append("a value")
        elif self.wants_step:
            wanted.append("a layer")
        elif self.accepts == {"STRING"}:
            wanted.append('a file in quotes, like "resnet.nash"')
        elif "INT" in self.accepts:
            wanted.append("a whole number")
        elif "NAME" in self.accepts and "EQUAL" not in self.accepts:
            wanted.append("a name")
        if not self.wants_value:
            wanted += [words for name, words in _CALLED.items() if name in self.accepts]
            if "_END" in self.accepts and "`}`" in wanted:
                wanted.remove("`}`")
            if "`{`" in wanted:
                wanted = ["`=`", "`{`"] if self.where == "section" and "`=`" in wanted else ["`{`"]
            if wanted[:1] == ["a layer"]:
                wanted = wanted[:1]
            if self.where != "top" and "`from`" in wanted and len(wanted) > 1:
                wanted.remove("`from`")
        if "LPAR" in self.accepts and not wanted:
            wanted.append("`(`")
        return _either(wanted)


def explain(place: Place) -> Diagnostic:
    """The diagnostic for the place where the parser stopped."""
    for rule in _RULES:
        diagnostic = rule(place)
        if diagnostic:
            return diagnostic
    return _unexpected(place)


# ---- statements in the wrong place ------------------------------------------------------------------


def _item_inside(place: Place) -> Diagnostic | None:
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


def _setting_at_top(place: Place) -> Diagnostic | None:
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


def _section_in_network_of_layers(place: Place) -> Diagnostic | None:
    if place.where not in ("block", "backbone") or not place.statement.is_head:
        return None
    return Diagnostic(
        "NASH117",
        f"a {place.where} holds layers, no sections",
        place.span(place.first),
        help="sections such as `bits { ... }` belong in a network",
    )


# ---- something missing ------------------------------------------------------------------------------


def _lost_line_end(place: Place) -> Diagnostic | None:
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


def _missing_value(place: Place) -> Diagnostic | None:
    found, before = place.found, place.before
    if not (place.wants_value or place.wants_step or place.accepts <= {"NAME", "INT", "STRING"}):
        return None
    if before is None or (found and not found.is_one_of(")", "]", ",", "}", "{", "->", "=")):
        return None
    if before.is_one_of("=") and (found is None or found.text != "="):
        return _no_value(place, before, place.at(place.index - 2))
    if before.is_one_of(",", "(", "[") and found and found.is_one_of(","):
        return Diagnostic(
            "NASH013", "a value is missing in front of this comma", place.span(found)
        )
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


def _missing_else(place: Place) -> Diagnostic | None:
    ifs = [p for p in place.statement.pieces[: place.index] if p.is_one_of("if")]
    if not ifs or (place.found and _near_keyword(place)):
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


def _missing_parameters(place: Place) -> Diagnostic | None:
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


def _missing_body(place: Place) -> Diagnostic | None:
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


def _brace_on_next_line(place: Place) -> Diagnostic | None:
    before = place.before
    if place.found is None or not place.found.is_one_of("{") or before is None:
        return None
    if before.is_one_of("=", ":"):
        name = place.first.text
        return Diagnostic(
            "NASH010",
            f"a section takes no `{before.text}`",
            place.span(before),
            help=f"write `{name} {{`",
        )
    if "\n" in place.draft.text[before.end : place.found.start]:
        return Diagnostic(
            "NASH010",
            "a `{` stands on a line of its own",
            place.span(place.found),
            "it belongs at the end of the line above",
            (Label(place.span(before), "behind this"),),
        )
    return None


def _missing_equal(place: Place) -> Diagnostic | None:
    found = place.found
    if place.where not in ("section", "with") or found is None or found.is_one_of("=", "{", ":", "=="):
        return None
    pieces = place.statement.pieces
    if any(p.is_one_of("=", "{") for p in pieces[: place.index]) or place.index == 0:
        return None
    key, rest = pieces[0], pieces[1:]
    if key.kind != "word" or (key.text == "edge" and found.kind == "number"):
        return None
    if any(p.is_one_of("->") for p in pieces) or place.at(1) is None or rest[0].kind == "sign":
        if not (rest and rest[0].is_one_of("[", "(", "-")):
            return None
    end = next((p.end for p in reversed(rest) if not p.is_one_of("{")), key.end)
    value = " ".join(place.draft.text[rest[0].start : end].split())
    return Diagnostic(
        "NASH010",
        f"`=` is missing after `{key.text}`",
        place.span(found),
        help=f"write `{key.text} = {value}`",
    )


def _missing_comma(place: Place) -> Diagnostic | None:
    found, before = place.found, place.before
    if not (found and before and place.is_in_brackets and "COMMA" in place.accepts):
        return None
    if found.kind not in ("word", "number", "text") and not found.is_one_of("[", "("):
        return None
    if _near_keyword(place) or _unit(place) or _blank_in_size(place):
        return None
    return Diagnostic(
        "NASH010",
        f"a comma is missing between `{before.text}` and `{found.text}`",
        place.span(found),
        f"expected {place.expected}",
        help=f"write `{before.text}, {found.text}`",
    )


def _missing_line_end(place: Place) -> Diagnostic | None:
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


def _missing_arrow(place: Place) -> Diagnostic | None:
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


def _nothing_used(place: Place) -> Diagnostic | None:
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


def _layers_at_top(place: Place) -> Diagnostic | None:
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


# ---- the wrong sign or word -------------------------------------------------------------------------


def _colon_or_equal(place: Place) -> Diagnostic | None:
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


def _borrowed_sign(place: Place) -> Diagnostic | None:
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
    help_text = ways.get(pair) or ("comments begin with `#`" if found.text in ("/", "*") and place.index == 0 else "")
    if found.text == "==" and "EQUAL" in place.accepts:
        pair, help_text = "==", ways["=="]
    if not help_text:
        return None
    return Diagnostic("NASH010", f"`{pair}` is no sign of this place", place.span(found), help=help_text)


def _chain(place: Place) -> Diagnostic | None:
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


def _unit(place: Place) -> Diagnostic | None:
    found, before = place.found, place.before
    if not (found and before and found.kind == "word" and before.kind == "number"):
        return None
    if "x" in before.text or place.where not in ("section", "with") or place.after and place.after.is_one_of("=", "{"):
        return None
    if not before.text[-1].isdigit() or found.is_one_of(*_KEYWORDS) or len(found.text) > 4:
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


def _blank_in_size(place: Place) -> Diagnostic | None:
    """`conv 3 x 3`, `3 x3`, `conv 3`."""
    found, before, after = place.found, place.before, place.after
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
    if before.kind == "word" and found.kind == "number" and "SHAPE" in place.accepts:
        if place.where in ("block", "backbone") and found.text.isdigit():
            return Diagnostic(
                "NASH010",
                f"`{found.text}` is no size",
                place.span(found),
                "expected a size or arguments in parentheses",
                help=f"write `{before.text} {found.text}x{found.text}` for a window, "
                f"`{before.text}({found.text})` for an argument",
            )
    return None


def _argument_without_parentheses(place: Place) -> Diagnostic | None:
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


def _repetition(place: Place) -> Diagnostic | None:
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


def _edge(place: Place) -> Diagnostic | None:
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


def _keyword_as_name(place: Place) -> Diagnostic | None:
    found = place.found
    if not (found and found.kind == "word" and found.text in _KEYWORDS):
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


def _misspelt_inside(place: Place) -> Diagnostic | None:
    """A keyword that is nearly there, where the parser stopped."""
    word = _near_keyword(place)
    if not (word and place.found):
        return None
    return Diagnostic(
        "NASH010",
        f"unexpected `{place.found.text}`",
        place.span(place.found),
        f"expected {place.expected}",
        help=f"did you mean `{word}`?",
    )


def _misspelt_begin(place: Place) -> Diagnostic | None:
    words = ITEMS if place.where == "top" else ("edge",) if place.where == "section" else ()
    first = place.first
    if place.index == 0 or first.kind != "word" or first.text in words:
        return None
    close = get_close_matches(first.text.lower(), words, n=1, cutoff=0.7)
    if not close:
        return None
    return Diagnostic(
        "NASH010",
        f"no statement begins with `{first.text}`" if place.where == "top" else f"unexpected `{first.text}`",
        place.span(first),
        help=f"did you mean `{close[0]}`?",
    )


def _near_keyword(place: Place) -> str:
    found = place.found
    if found is None or found.kind != "word":
        return ""
    legal = [word for word in ("from", "in", "with", "then", "else") if word.upper() in place.accepts]
    close = get_close_matches(found.text.lower(), legal, n=1, cutoff=0.6)
    return close[0] if close and close[0] != found.text else ""


# ---- everything else --------------------------------------------------------------------------------


def _unexpected(place: Place) -> Diagnostic:
    expected = place.expected
    label = f"expected {expected}" if expected else ""
    if expected and place.before:
        label += f" after `{place.before.text}`"
    if place.found is None:
        return Diagnostic(
            "NASH010", "this statement ends too early", place.span_of_found, label
        )
    return Diagnostic(
        "NASH010", f"unexpected {_quoted(place.found)}", place.span_of_found, label
    )


def _quoted(piece: Piece) -> str:
    text = piece.text if len(piece.text) <= 40 else piece.text[:37] + "..."
    return text if piece.kind == "text" else f"`{text}`"


def _either(words: Sequence[str]) -> str:
    if len(words) < 2:
        return "".join(words)
    return ", ".join(words[:-1]) + " or " + words[-1]


Rule = Callable[[Place], Diagnostic | None]

_RULES: tuple[Rule, ...] = (
    _item_inside,
    _setting_at_top,
    _lost_line_end,
    _missing_else,
    _colon_or_equal,
    _missing_parameters,
    _borrowed_sign,
    _brace_on_next_line,
    _missing_value,
    _edge,
    _missing_body,
    _blank_in_size,
    _argument_without_parentheses,
    _repetition,
    _misspelt_inside,
    _missing_line_end,
    _misspelt_begin,
    _nothing_used,
    _layers_at_top,
    _missing_arrow,
    _missing_equal,
    _unit,
    _missing_comma,
    _chain,
    _section_in_network_of_layers,
    _keyword_as_name,
)
