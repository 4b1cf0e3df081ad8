"""All syntax mistakes of a text: find one, take it out, look again.

What is taken out is one statement, so that each mistake makes one message. Nothing here runs for a
text without mistakes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import SequenceMatcher

from lark import Lark, UnexpectedCharacters, UnexpectedToken

from nashc.diagnostics import Diagnostic
from nashc.syntax.brackets import repair_brackets
from nashc.syntax.draft import Draft
from nashc.syntax.mistakes import Place, explain
from nashc.syntax.scan import Statement, scan, statements
from nashc.syntax.strays import repair_strays
from nashc.text import Source, Span, pasted

EDITION = 1
_MOST = 10


def find_mistakes(source: Source, grammar: Lark) -> tuple[Diagnostic, ...]:
    """The mistakes of a text, at most ten, in the order of the text; empty if it has none."""
    unreadable = _unreadable(source)
    if unreadable:
        return (unreadable,)
    draft = Draft(source)
    found = [*repair_strays(draft), *repair_brackets(draft)]
    found += _edition(draft)
    if any(d.code == "NASH004" and "this nashc" in d.help for d in found):
        return tuple(d for d in found if d.code == "NASH004")  # another language: say no more
    marked = [d.span.start for d in found if d.span]
    for diagnostic in _from_parser(draft, grammar, marked):
        found.append(diagnostic)
        if len(found) >= _MOST:
            break
    return tuple(sorted(found, key=lambda d: d.span.start if d.span else 0)[:_MOST])


def _unreadable(source: Source) -> Diagnostic | None:
    if source.trouble:
        help = "standard input is called /dev/stdin" if source.path == "-" else ""
        return Diagnostic("NASH001", f"cannot read {source.path}: {source.trouble}", help=help)
    if source.bad_at is not None:
        return _not_utf8(source, Span(source, source.bad_at, source.bad_at + 1))
    pieces = scan(source.text)
    if all(piece.kind in ("comment", "line end") or piece.text == ";" for piece in pieces):
        is_commented = any(piece.kind == "comment" for piece in pieces)
        return Diagnostic(
            "NASH003",
            "the file holds nothing but comments" if is_commented else "the file is empty",
            Span(source, 0, 0),
            help="a spec begins with `nash 1`; `nashc new` writes one to start from",
        )
    return None


def _not_utf8(source: Source, span: Span) -> Diagnostic:
    if source.seems == "binary":
        text, label = "the file is not text", "a zero byte, which no text has"
        help = "a spec is UTF-8 text; `nashc new` writes one to start from"
        return Diagnostic("NASH002", text, span, label, help=help)
    found = "not UTF-8" if source.seems == "latin1" else source.seems.upper()
    help = f"convert it, for example `iconv -f {source.seems} -t utf-8 {pasted(source.path)}`"
    return Diagnostic(
        "NASH002", "the file is not UTF-8 text", span, f"{found} from here on", help=help
    )


# ---- the first line ---------------------------------------------------------------------------------


def _edition(draft: Draft) -> Iterator[Diagnostic]:
    """NASH004 for a first statement that is not `nash 1`; puts one into the draft."""
    lines = statements(scan(draft.text))
    first = lines[0] if lines else None
    if first is None or (first.pieces[0].text != "nash" and not _is_like_edition(first)):
        if first:
            last = first.pieces[0] if first.is_head else first.pieces[-1]
            yield Diagnostic(
                "NASH004",
                "the edition is missing",
                draft.span(first.start, last.end),
                "expected `nash 1` in front of this",
                help="make `nash 1` the first line",
            )
        draft.replace(0, 0, f"nash {EDITION}\n")
        return
    texts = [piece.text for piece in first.pieces]
    if texts == ["nash", str(EDITION)]:
        return
    end = first.pieces[-1].end
    span = draft.span(first.start, end)
    if len(texts) == 2 and texts[0] == "nash" and texts[1].isdigit():
        yield Diagnostic(
            "NASH004",
            f"the edition {texts[1][:20]} is unknown",
            span,
            help=f"this nashc knows `nash {EDITION}`; a newer one may know more",
        )
    else:
        yield Diagnostic(
            "NASH004",
            "the first line does not name the edition",
            span,
            "expected `nash 1`",
            help="make `nash 1` the first line",
        )
    draft.replace(first.start, first.last.end, f"nash {EDITION}")


def _is_like_edition(statement: Statement) -> bool:
    text = "".join(piece.text for piece in statement.pieces).lower()
    if statement.is_head or len(text) > 12 or any(p.is_one_of("=") for p in statement.pieces):
        return False
    word = re.sub(r"[^a-z]", "", text)
    return SequenceMatcher(None, word, "nash").ratio() >= 0.7


# ---- what the parser stops at -----------------------------------------------------------------------


def _from_parser(draft: Draft, grammar: Lark, marked: list[int]) -> Iterator[Diagnostic]:
    """One diagnostic per statement the parser stops at; marked: places with a mistake already told."""
    for _ in range(len(draft.text)):
        stopped = _stop(draft.text, grammar)
        if stopped is None:
            return
        position, accepts = stopped
        lines = statements(scan(draft.text))
        if not lines:
            return
        statement, index = _statement_at(lines, position)
        span = draft.span(statement.start, statement.last.end)
        end_of_line = draft.text.find("\n", statement.pieces[-1].end)
        head = draft.span(statement.start, end_of_line if end_of_line > 0 else len(draft.text))
        if not any(head.start <= place <= head.end for place in marked):
            yield explain(Place(draft, statement, index, accepts))
            _take_out_settings(draft, statement, lines)
        elif _is_taken_out(draft, statement):
            draft.blank(statement.start, statement.last.end)
            continue
        marked.append(span.start)
        _take_out(draft, statement, [line for line in lines if line.start > statement.start])


def _stop(text: str, grammar: Lark) -> tuple[int, frozenset[str]] | None:
    """Where the parser stops and what it would have taken there; None at the end."""
    if not text.strip():
        return None
    parser = grammar.parse_interactive(text)

    def accepts() -> frozenset[str]:
        return frozenset(parser.accepts())  # type: ignore[no-untyped-call]

    try:
        parser.exhaust_lexer()
        parser.feed_eof()  # type: ignore[no-untyped-call]
    except UnexpectedToken as error:
        position = error.token.start_pos
        if error.token.type == "$END" or position is None:
            position = len(text)
        return position, accepts()
    except UnexpectedCharacters as error:
        return error.pos_in_stream or 0, accepts()
    return None


def _statement_at(lines: list[Statement], position: int) -> tuple[Statement, int]:
    """The statement that has the mistake and the index in it of the piece in the way.

    A statement that ends too early is stopped at by what comes behind it: index is then its length.
    """
    before = [line for line in lines if line.start <= position]
    if not before:
        return lines[0], 0
    last = before[-1]
    for index, piece in enumerate(last.pieces):
        if piece.end > position:
            return last, index
    return last, len(last.pieces)


def _is_taken_out(draft: Draft, statement: Statement) -> bool:
    return [piece.text for piece in statement.pieces] == ["x", "{"]


def _take_out(draft: Draft, statement: Statement, following: list[Statement]) -> None:
    """Blank a statement; of a section only the head, so that mistakes inside are found too."""
    head = statement.pieces[-1]
    inside = next((line for line in following if line.start < statement.last.start), None)
    if not statement.is_head or head.start == statement.start or _holds_layers(statement, inside):
        draft.blank(statement.start, statement.last.end)
        return
    # A line end in front, because a missing one may be the mistake.
    draft.replace(statement.start, head.start, "\nx" + " " * (head.start - statement.start - 1))


def _take_out_settings(draft: Draft, statement: Statement, lines: list[Statement]) -> None:
    """Settings outside of every section come in droves (its head is missing): the first tells it."""
    if not _is_setting_at_top(statement):
        return
    for line in lines[lines.index(statement) + 1 :]:
        if not _is_setting_at_top(line):
            return
        draft.blank(line.start, line.last.end)


def _is_setting_at_top(statement: Statement) -> bool:
    return statement.where == "top" and [p.text for p in statement.pieces[1:2]] == ["="]


def _holds_layers(statement: Statement, inside: Statement | None) -> bool:
    if statement.where not in ("top", "section") or inside is None:
        return True
    return not (inside.is_head or any(piece.is_one_of("=") for piece in inside.pieces[1:2]))
