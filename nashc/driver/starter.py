"""Starter specs: what `nashc new` writes."""

from __future__ import annotations

import re

from nashc import resources


def starter(template: str, stem: str) -> str:
    """The text of a template with its network named after the file, as far as a spec allows that name."""
    text = (resources.template_root() / "starters" / f"{template}.nash").read_text(encoding="utf-8")
    name = re.sub(r"\W", "_", stem, flags=re.ASCII)
    if not re.match(r"[A-Za-z]", name):
        return text
    return re.sub(r"^network \w+", f"network {name}", text, count=1, flags=re.MULTILINE)
