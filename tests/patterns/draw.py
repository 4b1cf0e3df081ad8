"""The spec of a seed: drawn, with a genotype from what its cells allow, and what check says to it."""

from __future__ import annotations

from pathlib import Path
from random import Random

from nashc.diagnostics import SpecError, render_text
from nashc.lower import lower
from nashc.schema import load
from tests.patterns import nets


def draw_spec(seed: int, path: Path) -> str | None:
    """Write the spec of a seed; None if check accepts it, else the codes and on further lines what it says."""
    draw = Random(seed)
    text = nets.network(draw)
    path.write_text(text)
    try:
        graph = lower(load(path))
        path.write_text(text + nets.genotype(draw, graph))
        lower(load(path))
    except SpecError as error:
        codes = ", ".join(sorted({d.code for d in error.diagnostics}))
        return codes + "\n" + render_text(error.diagnostics)
    return None
