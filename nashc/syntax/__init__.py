"""Text to tree and back: `parse` gives the tree of a spec as written, `format_source` its canonical text.

In: a `Source`. Out: an `ast.File` whose nodes carry spans, or a `SpecError` with all syntax mistakes.
The rooms above may call this one; it knows no names, no settings and no defaults.
"""

from nashc.syntax.fmt import format_source
from nashc.syntax.parse import parse

__all__ = ["format_source", "parse"]
