"""The parser from kept tables is the parser from the grammar, and whatever is wrong with them costs only time."""

from collections.abc import Callable
from pathlib import Path

import pytest
from lark import Lark
from lark.lark import PostLex
from lark.lexer import TerminalDef

from nashc.resources import read_grammar
from nashc.syntax.newlines import StatementEnds
from nashc.syntax.parse import build_parser
from nashc.syntax.recover import find_mistakes
from nashc.syntax.tables import VARIABLE, parser
from nashc.text import Source, read_source
from tests import literate
from tests.paths import ROOT

SPECS = sorted(ROOT.glob("specs/**/*.nash"))
MISTAKES = ROOT / "tests" / "lang" / "syntax-mistakes.md"


class Grammar:
    """Counts how often the tables are reckoned. extra: text that makes it another grammar."""

    def __init__(self, extra: str = "") -> None:
        self.text = read_grammar() + extra
        self.built = 0

    def parser(self) -> Lark:
        return parser(self.text, StatementEnds(), self._build)

    def _build(self, text: str, postlex: PostLex) -> Lark:
        self.built += 1
        return build_parser(text, postlex)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_kept_tables_give_the_same_trees_and_mistakes(cache: Path) -> None:
    grammar = Grammar()
    built, kept = grammar.parser(), grammar.parser()
    assert grammar.built == 1
    for path in SPECS:
        text = read_source(path).text
        tree, same = built.parse(text), kept.parse(text)
        assert same == tree, path
        assert vars(same.meta) == vars(tree.meta), path
    told = 0
    for block in literate.blocks(MISTAKES):
        if block.kind != "nash":
            continue
        source = Source("spec.nash", block.spec)
        mistakes = find_mistakes(source, built)
        assert find_mistakes(source, kept) == mistakes, block.text
        told += bool(mistakes)
    assert told > 20


def damaged(text: str) -> str:
    return text.replace("NAME", "NANE", 1)


def cut(text: str) -> str:
    return text[: len(text) // 2]


@pytest.mark.parametrize("harm", [damaged, cut, lambda _: "", lambda text: "[]\n" + text])
def test_damaged_tables_are_made_anew(cache: Path, harm: Callable[[str], str]) -> None:
    grammar = Grammar()
    grammar.parser()
    (file,) = cache.iterdir()
    file.write_text(harm(file.read_text(encoding="utf-8")), encoding="utf-8")
    for _ in range(2):
        assert grammar.parser().parse("nash 1\n")
        assert grammar.built == 2


def test_another_grammar_has_other_tables(cache: Path) -> None:
    Grammar().parser()
    other = Grammar("// changed\n")
    other.parser()
    assert other.built == 1
    assert len(list(cache.iterdir())) == 2


def test_without_a_place_for_them_they_are_reckoned_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "file" / "cache"))
    grammar = Grammar()
    for _ in range(2):
        assert grammar.parser().parse("nash 1\n")
    assert grammar.built == 2


def test_a_user_without_a_home_is_no_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless(path: Path) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "expanduser", homeless)
    grammar = Grammar()
    assert grammar.parser().parse("nash 1\n")
    assert grammar.built == 1


def test_the_lexer_compiles_two_expressions(cache: Path) -> None:
    """Lark makes one for each set of terminals that a state of the parser takes; thirty took most of a short command."""
    lexer = Grammar().parser().parser.lexer.lexer  # of all states, behind what drops line ends
    expressions = {
        frozenset(each.name for each in of_state.terminals if not _is_keyword(each))
        for of_state in lexer.lexers.values()
    }
    larger, smaller = sorted(expressions, key=len, reverse=True)
    assert larger - smaller == {"PATH"}


def _is_keyword(terminal: TerminalDef) -> bool:
    return terminal.pattern.type == "str" and terminal.pattern.value.isalpha()
