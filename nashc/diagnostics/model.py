"""A mistake as data: what every room reports and one room renders."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Literal, NoReturn

from nashc.text import Span


@dataclass(frozen=True)
class Label:
    """A second place that belongs to the mistake, with the words written under it."""

    span: Span
    text: str


@dataclass(frozen=True)
class Diagnostic:
    """One mistake: a stable code, where it is, what it is and the way out.

    code: "NASH201", listed in `codes.py`, with a page in `pages/`.
    message: one sentence in the user's terms, lower case, no full stop.
    span: the offending text; None only where no spec text is involved (a missing file, a tool).
    label: words written behind the underline.
    others: further places of a conflict.
    help: a way out, where possible text that can be pasted.
    """

    code: str
    message: str
    span: Span | None = None
    label: str = ""
    others: tuple[Label, ...] = ()
    help: str = ""
    severity: Literal["error", "warning"] = "error"

    def at_the_users_text(self) -> Diagnostic:
        """The same mistake told where the user can mend it: a line of the library becomes the call that asked for it."""
        span = self.span
        if span is None or span.asked_by is None:
            return self
        call = span.asked_by
        if not span.source.is_library:
            return replace(self, others=(*self.others, Label(call, "used here")))
        while call.source.is_library and call.asked_by:
            call = call.asked_by
        inside = Label(span, "which builds this")
        return replace(self, span=call, others=(inside, *self.others))


class SpecError(Exception):
    """The spec cannot be used; carries every diagnostic found on the way."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("; ".join(f"{d.code} {d.message}" for d in self.diagnostics))


class Problems:
    """Collects diagnostics so that one run reports several mistakes."""

    def __init__(self) -> None:
        self._added: list[Diagnostic] = []
        self._found: list[Diagnostic] = []
        self._calls: list[Span] = []

    @contextmanager
    def inside(self, call: Span) -> Iterator[None]:
        """While the text of a block is read that `call` asked for."""
        self._calls.append(self.asked(call))
        try:
            yield
        finally:
            self._calls.pop()

    def asked(self, span: Span) -> Span:
        """The span with the call whose block is being read."""
        return replace(span, asked_by=self._calls[-1]) if self._calls else span

    def add(self, diagnostic: Diagnostic) -> None:
        """Keep a diagnostic; the same one twice counts once, wherever its block was asked for."""
        if diagnostic.span and diagnostic.span.asked_by is None:
            diagnostic = replace(diagnostic, span=self.asked(diagnostic.span))
        if diagnostic in self._added:
            return
        self._added.append(diagnostic)
        told = diagnostic.at_the_users_text()
        said = ((other.code, other.message, other.span) for other in self._found)
        if (told.code, told.message, told.span) not in said:
            self._found.append(told)

    def fail(self, diagnostic: Diagnostic) -> NoReturn:
        """Keep a diagnostic and give up with everything found so far."""
        self.add(diagnostic)
        raise SpecError(self._found)

    def check(self) -> None:
        """Raise if any error was found; warnings pass."""
        if any(d.severity == "error" for d in self._found):
            raise SpecError(self._found)

    @property
    def found(self) -> tuple[Diagnostic, ...]:
        return tuple(self._found)


def counted(number: int, noun: str) -> str:
    """ "1 tie", "1,797 images"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def nearest(word: str, known: Iterable[str]) -> str:
    """A help sentence with the nearest known name, or all of them when nothing is near."""
    names = list(known)
    folded = {name.lower(): name for name in names}
    close = get_close_matches(word.lower(), folded, n=1, cutoff=0.6)
    if close:
        return f"did you mean `{folded[close[0]]}`?"
    return "known are: " + ", ".join(names) if names else ""
