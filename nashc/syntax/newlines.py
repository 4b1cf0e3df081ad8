"""Which line ends end a statement: the part of the language that a grammar cannot say."""

from __future__ import annotations

from collections.abc import Iterator

from lark import Token
from lark.lark import PostLex

_OPENING = frozenset({"LPAR", "LSQB"})
_CLOSING = frozenset({"RPAR", "RSQB"})

# A line that ends with one of these goes on in the next one.
_WANTS_MORE = frozenset(
    {"ARROW", "COMMA", "EQUAL", "COMPARE", "PLUS", "MINUS", "STAR", "SLASH"}
    | {"AND", "OR", "NOT", "IF", "THEN", "ELSE", "_OPEN"}
)


class StatementEnds(PostLex):
    """Drops the line ends inside ( ) and [ ] and after what wants more.

    Those before `->`, `then` and `else` never get here: the grammar ignores them as `_GOES_ON`.
    """

    # Words and numbers are lexed whole in every state, or `fromage` would be the keyword `from` and
    # `age` wherever a name is not allowed; the error is then the parser's to explain. Signs are, too:
    # lark compiles an expression for each set of terminals that a state takes, so these leave two, with
    # paths and without, and not thirty, which took most of the time of a short command.
    always_accept = (
        *("_END", "NAME", "SHAPE", "QUANTITY", "FLOAT", "INT", "STRING"),
        *("ARROW", "COMPARE", "EQUAL", "COLON", "COMMA", "PLUS", "MINUS", "STAR", "SLASH"),
        *("_OPEN", "RBRACE", "LPAR", "RPAR", "LSQB", "RSQB"),
    )

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        depth = 0
        last = "_END"  # so that those before the first statement are dropped
        for token in stream:
            if token.type == "_END" and (depth or last == "_END" or last in _WANTS_MORE):
                continue
            if token.type in _OPENING:
                depth += 1
            elif token.type in _CLOSING:
                depth -= 1
            last = token.type
            yield token
