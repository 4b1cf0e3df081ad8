"""A folding file that a spec names: JSON of attributes by layer, taken into the project as it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from nashc.diagnostics import Diagnostic, Label, Problems
from nashc.schema.named_file import read_named
from nashc.text import Span

HELP = "results/estimate/<key>/folding.json of a run is one, and so is what nashc fold writes"


def read_folding(path: Path, named: Span, problems: Problems) -> dict[str, dict[str, Any]] | None:
    """Layer -> attribute -> value; None with a mistake among the problems. Whether it fits the layers, FINN's build tells.

    named: where the spec names the file.
    """
    source = read_named(path, "folding", named, HELP, problems)
    if source is None:
        return None
    try:
        content = json.loads(source.text)
    except json.JSONDecodeError as error:
        place = min(error.pos, max(0, len(source.text) - 1))
        text = f"{source.path} is not JSON: {error.msg.lower()}"
        others = (Label(named, "the spec names it here"),)
        span = Span(source, place, place + 1)
        problems.add(Diagnostic("NASH120", text, span, others=others, help=HELP))
        return None
    is_folding = isinstance(content, dict) and all(isinstance(v, dict) for v in content.values())
    if not is_folding:
        text = f"{source.path} holds no attributes by layer"
        problems.add(Diagnostic("NASH120", text, named, help=HELP))
        return None
    found: dict[str, dict[str, Any]] = content
    return found
