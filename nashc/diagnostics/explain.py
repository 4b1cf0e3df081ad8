"""The page of an error code: what it means, a failing and a working example."""

from __future__ import annotations

from pathlib import Path

from nashc.diagnostics.codes import CODES

PAGES = Path(__file__).parent / "pages"


def page(code: str) -> str | None:
    """The Markdown text of a code's page, None where there is no such code."""
    if code not in CODES:
        return None
    return (PAGES / f"{code}.md").read_text(encoding="utf-8")
