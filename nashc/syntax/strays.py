"""Characters that no spec has, and texts without their second quote: found and repaired."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from nashc.diagnostics import Diagnostic
from nashc.syntax.draft import Draft
from nashc.syntax.scan import Piece, scan

# Look-alikes, and what is meant; one character by one, so that places stay.
_MEANT = {
    **dict.fromkeys("“”„‟«»″＂", '"'),
    **dict.fromkeys("×✕✖⨯╳", "x"),
    **dict.fromkeys("–—−‐‑‒﹣－", "-"),
    **dict.fromkeys("→⇒➔➜⟶⟹", "->"),
    **dict.fromkeys("，、", ","),
    **dict.fromkeys("；", ";"),
    **dict.fromkeys("：", ":"),
    **dict.fromkeys("＝", "="),
    **dict.fromkeys("（", "("),
    **dict.fromkeys("）", ")"),
    **dict.fromkeys("［", "["),
    **dict.fromkeys("］", "]"),
    **dict.fromkeys("｛", "{"),
    **dict.fromkeys("｝", "}"),
    **dict.fromkeys("∗⋅·", "*"),
    **dict.fromkeys("µμ", "u"),
    **dict.fromkeys("≤", "<="),
    **dict.fromkeys("≥", ">="),
    **dict.fromkeys("≠", "!="),
    **dict.fromkeys("％", "%"),
}
_ADVICE = {
    "'": 'texts stand in double quotes, as in "resnet.nash"',
    "`": 'texts stand in double quotes, as in "resnet.nash"',
    "’": 'texts stand in double quotes, as in "resnet.nash"',
    "‘": 'texts stand in double quotes, as in "resnet.nash"',
    "&": "write `and`",
    "|": "write `or`",
    "!": "write `not`, or `!=` for unequal",
    "\\": "a line goes on after `->`, `,` or an operator without any sign",
    "%": "`%` stands behind a number, as in `85 %`",
    "@": "comments begin with `#`",
    "^": "write products out, as in `width * width`",
    ".": "a number begins with a digit, as in `0.5`; a path has no blanks, as in `group0.block0`",
    "…": "write the list out",
    "\r": "lines end with a line feed; this file has bare carriage returns",
    "\ufeff": "a byte order mark belongs at the begin of a file at most",
}


def repair_strays(draft: Draft) -> Iterator[Diagnostic]:
    """Unknown characters (NASH011, one message a line) and open texts (NASH014); mends the draft."""
    pieces = scan(draft.text)
    told: set[int] = set()
    for piece in pieces:
        line = draft.source.position(draft.original(piece.start))[0]
        if piece.kind == "stray" and line not in told:
            told.add(line)
            yield _stray(draft, piece)
    for piece in reversed(pieces):
        if piece.kind == "stray":
            meant = "".join(_MEANT.get(char, " ") for char in piece.text)
            draft.replace(piece.start, piece.end, meant)
    # Only now: a straight quote may have waited for its curly partner.
    for piece in reversed(scan(draft.text)):
        if piece.kind == "open text":
            line = draft.source.position(draft.original(piece.start))[0]
            if line not in told:
                yield _open_text(draft, piece)
            _close_text(draft, piece)


def _stray(draft: Draft, piece: Piece) -> Diagnostic:
    char = piece.text[0]
    span = draft.span(piece.start, piece.end)
    if char in _MEANT:
        first = draft.span(piece.start, piece.start + 1)
        return Diagnostic(
            "NASH011", f"`{char}` is no sign of the language", first, help=f"write `{_MEANT[char]}`"
        )
    if char in _ADVICE:
        first = draft.span(piece.start, piece.start + 1)
        return Diagnostic(
            "NASH011", f"{_shown(char)} is no sign of the language", first, help=_ADVICE[char]
        )
    if char.isalpha():
        return Diagnostic(
            "NASH011",
            f"`{char}` cannot stand in a name",
            span,
            help="names are made of a-z, A-Z, 0-9 and _; comments and texts may hold anything",
        )
    help_text = "remove it" if not char.isprintable() or char.isspace() else ""
    return Diagnostic("NASH011", f"{_shown(char)} is no sign of the language", span, help=help_text)


def _shown(char: str) -> str:
    if char.isprintable() and not char.isspace():
        return f"`{char}`"
    name = unicodedata.name(char, "a control character").lower()
    return f"the character U+{ord(char):04X} ({name})"


def _open_text(draft: Draft, piece: Piece) -> Diagnostic:
    end = piece.start + len(piece.text.rstrip())
    return Diagnostic(
        "NASH014",
        "a text is not closed",
        draft.span(piece.start, end),
        'expected `"` before the end of the line',
        help=f'write `{piece.text[: _end_of_text(piece.text)][:60]}"`',
    )


def _close_text(draft: Draft, piece: Piece) -> None:
    at = piece.start + _end_of_text(piece.text)
    draft.replace(at, at, '"')


def _end_of_text(text: str) -> int:
    """Where the second quote was most likely meant: before closing brackets, a `{` or a comment."""
    tail = re.search(r"(?:\s*[)\],;}]|\s+with\s*\{|\s+\{|\s+#.*|\s)*$", text)
    assert tail is not None, "the empty tail always matches"
    return max(tail.start(), 1)
