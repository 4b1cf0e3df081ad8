"""The way out for a path that names no layer."""

from __future__ import annotations

from collections.abc import Iterable

from nashc.diagnostics.model import nearest

LISTED = "`nashc show SPEC --as ir` lists the layers"


def nearest_layer(pattern: str, layers: Iterable[str]) -> str:
    """The layer that was probably meant, or where all stand: they are too many for a line."""
    hint = nearest(pattern, layers)
    return hint if hint.startswith("did") else LISTED
