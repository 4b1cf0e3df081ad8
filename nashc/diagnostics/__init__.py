"""Codes, their pages, and the only code that writes sentences for users.

Rooms describe a mistake as a `Diagnostic` (data); `render` turns it into text or JSON. Everybody may
call this room; it calls nobody but `text`.
"""

from nashc.diagnostics.model import Diagnostic, Label, Problems, SpecError
from nashc.diagnostics.render import render_json, render_text, summarise, told_once

__all__ = [
    "Diagnostic",
    "Label",
    "Problems",
    "SpecError",
    "render_json",
    "render_text",
    "summarise",
    "told_once",
]
