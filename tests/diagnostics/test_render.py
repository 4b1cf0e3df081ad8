"""What a user sees, character by character."""

import pytest

from nashc.diagnostics import Diagnostic, Label, render_json, render_text, summarise
from nashc.text import Source, Span

SPEC = Source(
    "specs/resnet18_v1.nash",
    "\n" * 28 + "    a = conv(x, kernel: 3, stride: 2)\n\n    y = add(a, x)\n",
)


def span(source: Source, text: str, nth: int = 0) -> Span:
    start = -1
    for _ in range(nth + 1):
        start = source.text.index(text, start + 1)
    return Span(source, start, start + len(text))


def shown(diagnostic: Diagnostic) -> str:
    return render_text([diagnostic]) + "\n"


def test_layout() -> None:
    diagnostic = Diagnostic(
        "NASH201",
        "shapes do not meet",
        span(SPEC, "add(a, x)"),
        "add needs equal shapes, got 28 x 28 and 56 x 56",
        (Label(span(SPEC, "stride: 2"), "from here on 28 x 28"),),
        "bring x to 28 x 28 first, for example `down = conv(x, kernel: 1, stride: 2)`",
    )
    assert (
        shown(diagnostic)
        == """\
NASH201: shapes do not meet
  specs/resnet18_v1.nash:31:9
   |
29 |     a = conv(x, kernel: 3, stride: 2)
   |                            --------- from here on 28 x 28
31 |     y = add(a, x)
   |         ^^^^^^^^^ add needs equal shapes, got 28 x 28 and 56 x 56
help: bring x to 28 x 28 first, for example `down = conv(x, kernel: 1, stride: 2)`
more: nashc explain NASH201
"""
    )


def test_without_a_place() -> None:
    diagnostic = Diagnostic("NASH503", "vivado is missing", help="install it")
    assert (
        shown(diagnostic)
        == """\
NASH503: vivado is missing
help: install it
more: nashc explain NASH503
"""
    )


def test_several_marks_on_one_line_come_from_left_to_right() -> None:
    source = Source("x.nash", "ops = (a]\n")
    diagnostic = Diagnostic(
        "NASH012", "m", span(source, "]"), "expected `)`", (Label(span(source, "("), "opened"),)
    )
    assert (
        shown(diagnostic)
        == """\
NASH012: m
  x.nash:1:9
  |
1 | ops = (a]
  |       - opened
  |         ^ expected `)`
more: nashc explain NASH012
"""
    )


def test_two_files() -> None:
    one, two = Source("one.nash", "use a\n"), Source("dir/two.nash", "\n" * 9 + "use b\n")
    diagnostic = Diagnostic(
        "NASH109", "m", span(one, "a"), "closes it", (Label(span(two, "b"), "asked for here"),)
    )
    assert (
        shown(diagnostic)
        == """\
NASH109: m
  one.nash:1:5
   |
 1 | use a
   |     ^ closes it
  dir/two.nash:10:5
   |
10 | use b
   |     - asked for here
more: nashc explain NASH109
"""
    )


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("a = [\n  b,\n  c\n]\n", "1 | a = [\n  |     ^\n4 | ]\n  | ^ here"),
        ("a = [\n  b ]\n", "1 | a = [\n  |     ^\n2 |   b ]\n  |   ^^^ here"),
        ("a = [\n\n  ]\n", "1 | a = [\n  |     ^\n3 |   ]\n  |   ^ here"),
    ],
)
def test_spans_of_several_lines(text: str, marked: str) -> None:
    source = Source("x.nash", text)
    whole = Span(source, text.index("["), text.index("]") + 1)
    assert f"  |\n{marked}\nmore" in shown(Diagnostic("NASH010", "m", whole, "here"))


def test_tabs_and_wide_characters_keep_their_marks_below_them() -> None:
    source = Source("x.nash", '\ta = "漢字" b\n')
    assert shown(Diagnostic("NASH010", "m", span(source, "b"), "here")) == (
        'NASH010: m\n  x.nash:1:11\n  |\n1 |     a = "漢字" b\n  |                ^ here\n'
        "more: nashc explain NASH010\n"
    )


@pytest.mark.parametrize("word", ["cafe\u0301", "\ud55c\u1112\u1161\u11ab", "a\ufe0f\u20dd"])
def test_what_takes_no_cell_of_its_own_moves_no_mark(word: str) -> None:
    """Accents behind their letter, parts of Hangul, variation selectors and enclosing circles."""
    cells = {"cafe\u0301": 4, "\ud55c\u1112\u1161\u11ab": 4, "a\ufe0f\u20dd": 1}[word]
    source = Source("x.nash", f'"{word}" b\n')
    mark = shown(Diagnostic("NASH010", "m", span(source, "b"))).splitlines()[4]
    assert mark == "  | " + " " * (cells + 3) + "^"


def test_nothing_of_a_spec_steers_the_terminal() -> None:
    source = Source("x\x1b[0m.nash", "a\x1b[31m\u202eb\x00\n")
    text = render_text(
        [Diagnostic("NASH011", "m \x1b[31m", Span(source, 1, 2), "\x07", help="\x9b")]
    )
    assert not set(text) & set("\x1b\x00\x07\x9b\u202e")


def test_a_very_long_line_is_cut_around_the_mark() -> None:
    source = Source("x.nash", "a" * 4000 + " here " + "b" * 4000)
    text = render_text([Diagnostic("NASH010", "m", span(source, "here"), "this")])
    line, marks = text.split("\n")[3:5]
    assert len(line) <= 170
    assert line[marks.index("^") : marks.rindex("^") + 1] == "here"


@pytest.mark.parametrize(("start", "end"), [(0, 0), (3, 3), (4, 4), (3, 4)])
def test_a_place_at_the_end_gets_one_mark(start: int, end: int) -> None:
    source = Source("x.nash", "abc\n")
    text = render_text([Diagnostic("NASH010", "m", Span(source, start, end))])
    assert text.count("^") == 1


def test_colour_only_when_asked() -> None:
    diagnostic = Diagnostic("NASH010", "m", span(SPEC, "add"), "here", help="h")
    assert "\x1b" not in render_text([diagnostic])
    assert "\x1b[1;31mNASH010\x1b[0m: m" in render_text([diagnostic], colour=True)


def test_warnings_say_so() -> None:
    assert shown(Diagnostic("NASH208", "m", severity="warning")).startswith("warning NASH208: m\n")


def test_json() -> None:
    other = Label(span(SPEC, "stride: 2"), "from here")
    found = render_json([Diagnostic("NASH201", "m", span(SPEC, "add(a, x)"), "l", (other,), "h")])
    place = {
        "file": "specs/resnet18_v1.nash",
        "line": 31,
        "column": 9,
        "end_line": 31,
        "end_column": 18,
    }
    elsewhere = {**place, "line": 29, "column": 28, "end_line": 29, "end_column": 37}
    assert found == [
        {
            "code": "NASH201",
            "severity": "error",
            "message": "m",
            **place,
            "label": "l",
            "others": [{**elsewhere, "label": "from here"}],
            "help": "h",
        }
    ]
    nowhere = render_json([Diagnostic("NASH503", "m")])[0]
    assert nowhere["file"] is None
    assert nowhere["line"] is None


def test_summary() -> None:
    error = Diagnostic("NASH010", "m", span(SPEC, "add"))
    elsewhere = Diagnostic("NASH010", "m", Span(Source("b.nash", "x"), 0, 1))
    warning = Diagnostic("NASH208", "m", span(SPEC, "add"), severity="warning")
    assert summarise([error]) == "1 error in 1 file"
    assert summarise([error, elsewhere]) == "2 errors in 2 files"
    assert summarise([error, warning, warning]) == "1 error and 2 warnings in 1 file"
    assert summarise([Diagnostic("NASH503", "m")]) == "1 error"
    assert summarise([]) == ""
