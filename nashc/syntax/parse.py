"""Text to tree. `parse` is the only way from a spec file to an `ast.File`."""

from __future__ import annotations

from functools import cache

from lark import Lark, Token, Tree, UnexpectedInput
from lark.lark import PostLex

from nashc import resources
from nashc.diagnostics import SpecError
from nashc.syntax import ast, tables
from nashc.syntax.newlines import StatementEnds
from nashc.syntax.recover import EDITION, find_mistakes
from nashc.syntax.tree import build
from nashc.text import Source


def parse(source: Source) -> ast.File:
    """The tree of a source.

    Errors: SpecError with every syntax mistake found (NASH001 to NASH015, NASH116, NASH117), in the order of the text.
    """
    try:
        tree = grammar().parse(source.text)
    except UnexpectedInput:
        raise SpecError(find_mistakes(source, grammar())) from None
    if source.bad_at is not None or not _is_known_edition(tree):
        raise SpecError(find_mistakes(source, grammar()))
    return build(source, tree)


def _is_known_edition(tree: Tree[Token]) -> bool:
    first = tree.children[0]
    return isinstance(first, Tree) and first.data == "edition" and first.children == [str(EDITION)]


@cache
def grammar() -> Lark:
    """The parser of `grammar/nash.lark`."""
    return tables.parser(resources.read_grammar(), StatementEnds(), build_parser)


def build_parser(text: str, postlex: PostLex) -> Lark:
    """From the text of a grammar, which takes 0.1 s."""
    return Lark(
        text,
        start="file",
        parser="lalr",
        lexer="contextual",
        postlex=postlex,
        propagate_positions=True,
        maybe_placeholders=True,
    )
