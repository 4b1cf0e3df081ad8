"""Where the files lie that nashc reads besides its code: the grammar, the templates, the library of networks.

In a checkout they stand at the top level; a wheel carries the same tree in `nashc/_data`.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path


@cache
def _root() -> Path:
    package = Path(__file__).resolve().parent
    installed = package / "_data"
    return installed if installed.is_dir() else package.parent


def read_grammar() -> str:
    """The text of `grammar/nash.lark`."""
    return (_root() / "grammar" / "nash.lark").read_text(encoding="utf-8")


def template_root() -> Path:
    """The folder `templates/`."""
    return _root() / "templates"


def library_root() -> Path:
    """The folder of the built-in library: what `use ... from "nashc/..."` names."""
    return _root() / "specs" / "backbones"
