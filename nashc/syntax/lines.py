"""Lines as they are written, and the comments that come back into them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from nashc.syntax import ast
from nashc.syntax.scan import scan
from nashc.text import Source

WIDTH = 100
STEP = 2


@dataclass(frozen=True)
class Comment:
    text: str
    start: int
    has_own_line: bool


@dataclass
class Line:
    """One line to write; a line of `comment` alone has no code."""

    indent: int
    code: str = ""
    comment: str = ""


class Lines:
    """Written from left to right and top to bottom; comments come in as their place is passed."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.lines: list[Line] = []
        self.comments = list(_comments(source))

    @property
    def column(self) -> int:
        line = self.lines[-1]
        return line.indent + len(line.code)

    def fits(self, text: str, end: int, tail: int = 0) -> bool:
        """Whether a text fits on the current line and no comment stands in what it was made of."""
        if self.comments and self.comments[0].start < end:
            return False
        return not self.lines[-1].comment and self.column + 1 + len(text) + tail <= WIDTH

    def newline(self, indent: int) -> None:
        self.lines.append(Line(indent))

    def put(self, text: str) -> None:
        """Add to the current line, or begin the next where a comment has ended it."""
        if self.lines[-1].comment:
            last = next(line for line in reversed(self.lines) if line.code)
            self.lines.append(Line(last.indent + STEP))
            text = text.lstrip()
        self.lines[-1].code += text

    def put_word(self, text: str, indent: int) -> None:
        """Add with one blank in front, unless the line or a bracket begins here."""
        if self.lines[-1].comment:
            self.newline(indent + STEP)
        code = self.lines[-1].code
        blank = "" if not code or code[-1] in "([ " else " "
        self.put(blank + text)

    def comments_before(self, node: ast.Node, indent: int) -> None:
        self.write_comments(node.span.start, indent)

    def write_comments(self, before: int, indent: int) -> None:
        """The comments in front of a place inside a statement."""
        while self.comments and self.comments[0].start < before:
            comment = self.comments.pop(0)
            if comment.has_own_line or self.lines[-1].comment or not self.lines[-1].code:
                self.lines.append(Line(indent, comment=comment.text))
            else:
                self.comment(comment)

    def behind(self, end: int, indent: int) -> None:
        """Comments in the middle of what was just written: they go behind it."""
        while self.comments and self.comments[0].start < end:
            comment = self.comments.pop(0)
            if self.lines[-1].comment:
                self.lines.append(Line(indent, comment=comment.text))
            else:
                self.comment(comment)

    def comment(self, comment: Comment) -> None:
        if self.lines[-1].comment:
            self.lines.append(Line(self.lines[-1].indent, comment=comment.text))
        else:
            self.lines[-1].comment = comment.text

    def text(self) -> str:
        """Everything written, comments behind code aligned among neighbouring lines."""
        written: list[str] = []
        for _, group in groupby(_numbered(self.lines), key=lambda pair: pair[0]):
            lines = [line for _, line in group]
            width = max(
                (len(line.code.rstrip()) for line in lines if line.code and line.comment), default=0
            )
            for line in lines:
                code = line.code.rstrip()
                if line.comment and code:
                    code = f"{code:<{width}}  {line.comment}"
                text = " " * line.indent + (code or line.comment)
                written.append(text.rstrip())
        return "\n".join(written) + "\n"


_OPENING, _CLOSING = ("{", "(", "["), ("}", ")", "]")


def _comments(source: Source) -> Iterator[Comment]:
    for piece in scan(source.text):
        if piece.kind == "comment":
            line_start = source.text.rfind("\n", 0, piece.start) + 1
            before = source.text[line_start : piece.start]
            yield Comment(piece.text.rstrip(), piece.start, not before.strip())


def _numbered(lines: Sequence[Line]) -> Iterator[tuple[int, Line]]:
    """Each line with the number of its group: neighbours of one indentation, no blank line between."""
    number = 0
    previous: Line | None = None
    for line in lines:
        is_blank = not line.code and not line.comment
        ends = is_blank or line.code.startswith(_CLOSING) or line.code.endswith(_OPENING)
        if previous is not None and (
            ends or previous.code.endswith(_OPENING) or previous.indent != line.indent
        ):
            number += 1
        previous = line
        yield number, line
