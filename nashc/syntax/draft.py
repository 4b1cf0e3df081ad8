"""A text under repair that remembers where each of its characters came from."""

from __future__ import annotations

from nashc.text import Source, Span


class Draft:
    """The text as changed so far. Positions are those of the changed text unless named original."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.text = source.text
        self._origin = list(range(len(source.text) + 1))

    def original(self, position: int) -> int:
        return self._origin[position]

    def span(self, start: int, end: int) -> Span:
        """The original characters behind [start, end)."""
        first = self._origin[start]
        last = min(self._origin[end - 1] + 1, len(self.source.text)) if end > start else first
        return Span(self.source, first, max(first, last))

    def replace(self, start: int, end: int, by: str) -> None:
        """Put other characters in place of [start, end); what is new counts as its first character."""
        self.text = self.text[:start] + by + self.text[end:]
        origin = self._origin[start : start + len(by)] if len(by) <= end - start else None
        self._origin[start:end] = origin or [self._origin[start]] * len(by)

    def blank(self, start: int, end: int) -> None:
        """Turn [start, end) into blanks, line ends kept."""
        kept = "".join(char if char in "\r\n" else " " for char in self.text[start:end])
        self.text = self.text[:start] + kept + self.text[end:]
