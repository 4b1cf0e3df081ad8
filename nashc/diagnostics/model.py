"""A mistake as data: what every room reports and one room renders."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
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


class SpecError(Exception):
    """The spec cannot be used; carries every diagnostic found on the way."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("; ".join(f"{d.code} {d.message}" for d in self.diagnostics))


class Problems:
    """Collects diagnostics so that one run reports several mistakes."""

    def __init__(self) -> None:
        self._found: list[Diagnostic] = []

    def add(self, diagnostic: Diagnostic) -> None:
        """Keep a diagnostic; the same one twice counts once."""
        if diagnostic not in self._found:
            self._found.append(diagnostic)

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


def nearest(word: str, known: Iterable[str]) -> str:
    """A help sentence with the nearest known name, or all of them when nothing is near."""
    names = list(known)
    folded = {name.lower(): name for name in names}
    close = get_close_matches(word.lower(), folded, n=1, cutoff=0.6)
    if close:
        return f"did you mean `{folded[close[0]]}`?"
    return "known are: " + ", ".join(names) if names else ""
