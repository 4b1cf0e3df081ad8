"""parse: every node carries the span of its text, line ends count only where they should."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trees import SPECS, meaning, tree_of

from nashc.diagnostics import SpecError, render_json, render_text
from nashc.syntax import ast, format_source, parse
from nashc.text import Source, Span, read_source


def nodes(node: Any) -> list[ast.Node]:
    if isinstance(node, tuple):
        return [found for item in node for found in nodes(item)]
    if isinstance(node, ast.Node):
        inner = [found for f in fields(node) for found in nodes(getattr(node, f.name))]
        return [node, *inner]
    return []


def value_of(text: str) -> ast.Value:
    section = tree_of(f"nash 1\na {{\n  b = {text}\n}}\n").items[0]
    assert isinstance(section, ast.Section)
    setting = section.body[0]
    assert isinstance(setting, ast.Setting)
    return setting.values[0]


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.name)
def test_spans_hold_the_text_of_their_nodes(path: Path) -> None:
    file = parse(read_source(path))
    for node in nodes(file.items):
        for inner in nodes(tuple(getattr(node, f.name) for f in fields(node))):
            assert node.span.start <= inner.span.start <= inner.span.end <= node.span.end
        match node:
            case ast.Name():
                assert node.span.text == node.text
            case ast.Text():
                assert node.span.text == f'"{node.value}"'
            case ast.Shape():
                assert node.span.text == "x".join(map(str, node.dims))
            case ast.Section():
                assert node.span.text.endswith("}")
                assert node.span.text.startswith(node.head_span.text)
                assert "{" not in node.head_span.text
            case ast.Setting():
                assert node.span.start == node.key.span.start
        assert node.span.text == node.span.text.strip()


def test_line_ends_count_only_where_a_statement_is_complete() -> None:
    one_line = "x { a = f(1, 2); b = 1 + 2; c = [1]; d = 1, 2 }"
    lines = """
x {

  a = f(
    1,   # first

    2
  )
  b = 1 +  # more
    2

  c =
    [
  1
  ];;
  d = 1,
      2
}
"""
    assert meaning(tree_of(f"nash 1\n{one_line}")) == meaning(tree_of(f"nash 1{lines}"))


def test_flows_go_on_before_and_after_an_arrow() -> None:
    one_line = "nash 1\nblock b() { m = a -> b -> if c then d else e\n m }"
    lines = (
        "nash 1\nblock b() {\n m = a  # x\n\n # y\n -> b ->\n if c\n then d\n # z\n else e\n m\n}"
    )
    assert meaning(tree_of(one_line)) == meaning(tree_of(lines))


def test_a_word_that_begins_like_a_keyword_is_a_name() -> None:
    tree = tree_of("nash 1\nblock b() { thenx -> elsey -> input -> notable }")
    assert [node.text for node in nodes(tree.items) if isinstance(node, ast.Name)][1:] == [
        "thenx",
        "elsey",
        "input",
        "notable",
    ]


def test_keywords_are_names_where_no_rule_asks_for_them() -> None:
    tree = tree_of(
        "nash 1\nnetwork block {\n backbone = param\n use = from\n cell in each block {}\n}"
    )
    names = [node.text for node in nodes(tree.items) if isinstance(node, ast.Name)]
    assert names == [
        "network",
        "block",
        "backbone",
        "param",
        "use",
        "from",
        "cell",
        "in",
        "each",
        "block",
    ]


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("200", 200, None),
        ("1e-3", 1e-3, None),
        ("0.25", 0.25, None),
        ("2E3", 2000.0, None),
        ("200 MHz", 200, "MHz"),
        ("200MHz", 200, "MHz"),
        ("2.5 ns", 2.5, "ns"),
        ("85%", 85, "%"),
    ],
)
def test_numbers(text: str, value: float, unit: str | None) -> None:
    number = value_of(text)
    assert isinstance(number, ast.Number)
    assert (number.value, number.unit, type(number.value)) == (value, unit, type(value))


@pytest.mark.parametrize(
    ("text", "same_as"),
    [
        ("1 + 2 * 3", "1 + (2 * 3)"),
        ("1 - 2 - 3", "(1 - 2) - 3"),
        ("not a and b or c", "((not a) and b) or c"),
        ("not a == b", "not (a == b)"),
        ("-a * b", "(-a) * b"),
        ("width*2", "width * 2"),
    ],
)
def test_operators_bind_as_the_reference_says(text: str, same_as: str) -> None:
    assert meaning(value_of(text)) == meaning(value_of(same_as))


def test_a_span_of_an_operation_covers_the_parentheses_of_its_operands() -> None:
    assert value_of("(1 + 2) * (3 + 4)").span.text == "(1 + 2) * (3 + 4)"


@pytest.mark.parametrize("text", ["9" * 5000, "1e999", "3x" + "9" * 5000, "1e99999999 MHz"])
def test_numbers_out_of_all_measure(text: str) -> None:
    with pytest.raises(SpecError) as caught:
        value_of(text)
    assert [d.code for d in caught.value.diagnostics] == ["NASH105"]


@pytest.mark.parametrize(
    "text",
    [
        "(" * 500 + "1" + ")" * 500,
        "[" * 500 + "]" * 500,
        "f(" * 500 + ")" * 500,
        "-" * 5000 + "1",
        "not " * 5000 + "a",
        "1" + " + 1" * 5000,
        "a" + " or a" * 5000,
    ],
    ids=lambda text: text[:6],
)
def test_nesting_has_an_end(text: str) -> None:
    with pytest.raises(SpecError) as caught:
        value_of(text)
    assert "nested too deeply" in str(caught.value)


def test_a_file_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "latin.nash").write_bytes(b"nash 1\n# gr\xf6sse\n")
    (tmp_path / "mark.nash").write_bytes(b"\xef\xbb\xbfnash 1\nx {}\n")
    (tmp_path / "folder").mkdir()
    assert parse(read_source(tmp_path / "mark.nash")).items
    found = {}
    for name in ("missing.nash", "folder", "latin.nash"):
        with pytest.raises(SpecError) as caught:
            parse(read_source(tmp_path / name))
        found[name] = render_text(caught.value.diagnostics)
    assert found["missing.nash"] == (
        "NASH001: cannot read missing.nash: there is no such file\nmore: nashc explain NASH001"
    )
    assert found["folder"].startswith("NASH001: cannot read folder: it is a folder")
    assert "  latin.nash:2:5\n" in found["latin.nash"]
    assert found["latin.nash"].startswith("NASH002: the file is not UTF-8 text")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-16-be"])
def test_wide_characters_are_known_by_their_mark(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "wide spec.nash"
    path.write_bytes(
        "\ufeffnash 1\n".removeprefix("" if encoding[-3:] == "-be" else "\ufeff").encode(encoding)
    )
    source = read_source(path)
    assert (source.text, source.bad_at) == ("nash 1\n", 0)
    with pytest.raises(SpecError) as caught:
        parse(source)
    [problem] = caught.value.diagnostics
    name = encoding.removesuffix("-be")
    assert (problem.code, problem.label) == ("NASH002", f"{name.upper()} from here on")
    assert problem.help.endswith(f"`iconv -f {name} -t utf-8 '{path}'`")


@pytest.mark.parametrize("encoding", ["utf-16le", "utf-16be"])
def test_wide_characters_without_a_mark_are_known_by_their_zeros(
    tmp_path: Path, encoding: str
) -> None:
    text = "nash 1\n# ein größeres Netz \u7db2\u8def\n"
    (tmp_path / "wide.nash").write_bytes(text.encode(encoding))
    source = read_source(tmp_path / "wide.nash")
    assert (source.text, source.bad_at) == (text, 0)
    with pytest.raises(SpecError) as caught:
        parse(source)
    [problem] = caught.value.diagnostics
    assert (problem.code, problem.label) == ("NASH002", f"{encoding.upper()} from here on")
    assert f"`iconv -f {encoding} -t utf-8 " in problem.help


@pytest.mark.parametrize("raw", [b"nash 1\n\0", "é\n\n\n\n\n\n\0".encode(), b"\xff\n     \0\xff"])
def test_a_zero_byte_is_no_text(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "it.nash").write_bytes(raw)
    source = read_source(tmp_path / "it.nash")
    assert source.bad_at == 7 and source.text[7] == "\0"
    with pytest.raises(SpecError, match="NASH002 the file is not text"):
        parse(source)


# ---- no input whatever makes a traceback ----------------------------------------------------------


def survive(text: str) -> None:
    source = Source("any.nash", text)
    try:
        format_source(source)
    except SpecError as error:
        assert 1 <= len(error.diagnostics) <= 10
        assert render_text(error.diagnostics, colour=True)
        assert len(render_json(error.diagnostics)) == len(error.diagnostics)
        for diagnostic in error.diagnostics:
            assert isinstance(diagnostic.span, Span)
            assert 0 <= diagnostic.span.start <= diagnostic.span.end <= len(text)


_WORDS = (
    'nash 1 extends use param block backbone network in from with if then else and or not edge x "t" '
    "3x3 200 MHz 0.5 -> = == , : ; ( ) [ ] { } * + - / < # . “ × é \x00 \t \r \n \n \n"
)
WORDS = st.sampled_from(_WORDS.split(" "))


@settings(max_examples=1000, deadline=None)
@given(st.text())
def test_any_text(text: str) -> None:
    survive(text)


@settings(max_examples=100, deadline=None)
@given(st.lists(WORDS, max_size=60), st.sampled_from(["", "nash 1\n"]))
def test_any_words(words: list[str], first: str) -> None:
    survive(first + " ".join(words))


@settings(max_examples=1000, deadline=None)
@given(st.sampled_from(SPECS), st.data())
def test_any_change_of_a_spec(path: Path, data: st.DataObject) -> None:
    text = path.read_text(encoding="utf-8")
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 20)))
        text = text[:start] + data.draw(st.one_of(st.just(""), WORDS)) + text[end:]
    survive(text)
