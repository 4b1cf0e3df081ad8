"""A folding file that a spec names: JSON of attributes by layer, taken into the project as it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from nashc.diagnostics import Diagnostic, Label, Problems
from nashc.schema.named_file import read_named
from nashc.text import Span

HELP = "results/estimate/<key>/folding.json of a run is one, and so is what nashc fold writes"


class NoFolding(Exception):
    """A text that is no folding. at: where it stops being JSON, None where it is JSON of something else."""

    def __init__(self, text: str, at: int | None = None) -> None:
        super().__init__(text)
        self.at = at


def parse_folding(text: str) -> dict[str, dict[str, Any]]:
    """Layer -> attribute -> value. Errors: NoFolding, in words that stand behind the name of the file."""
    try:
        content = json.loads(text.removeprefix("\ufeff"), object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        raise NoFolding(f"is not JSON: {error.msg.lower()}", error.pos) from None
    except RecursionError:
        raise NoFolding("is nested too deeply") from None
    except ValueError:  # int's word on thousands of digits
        raise NoFolding("holds a number that is out of all measure") from None
    if not isinstance(content, dict) or not all(isinstance(v, dict) for v in content.values()):
        raise NoFolding("holds no attributes by layer")
    found: dict[str, dict[str, Any]] = content
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """JSON takes the last of equal names; of a folding one of them is a mistake."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise NoFolding(f"names {twice} twice")
    return found


def read_folding(path: Path, named: Span, problems: Problems) -> dict[str, dict[str, Any]] | None:
    """Layer -> attribute -> value; None with a mistake among the problems. Whether it fits the layers, FINN's build tells.

    named: where the spec names the file.
    """
    source = read_named(path, "folding", named, HELP, problems)
    if source is None:
        return None
    try:
        return parse_folding(source.text)
    except NoFolding as error:
        text, span = f"{source.path} {error}", named
        others: tuple[Label, ...] = ()
        if error.at is not None:
            place = min(error.at, max(0, len(source.text) - 1))
            span = Span(source, place, place + 1)
            others = (Label(named, "the spec names it here"),)
        problems.add(Diagnostic("NASH120", text, span, others=others, help=HELP))
        return None
