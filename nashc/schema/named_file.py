"""Files besides specs that a spec names: a board, a folding."""

from __future__ import annotations

from pathlib import Path

from nashc.diagnostics import Diagnostic, Problems
from nashc.text import Source, Span, read_source


def read_named(
    path: Path, kind: str, named: Span | None, help: str, problems: Problems
) -> Source | None:
    """The text of the `kind` file; None, with NASH120 where the spec names it (if one does), if it cannot be read."""
    source = read_source(path)
    if source.trouble or source.bad_at is not None:
        why = source.trouble or "it is no UTF-8 text"
        text = f"the {kind} file {source.path} cannot be read: {why}"
        problems.add(Diagnostic("NASH120", text, named, help=help))
        return None
    return source
