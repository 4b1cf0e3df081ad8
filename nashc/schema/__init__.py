"""What a legal spec is: files become one `Spec`, every value checked, every field with its span.

Takes a path (and `--set` values), gives a Spec or raises SpecError with all mistakes found. The
driver and `lower` call it.
"""

from nashc.schema.cells import Cell
from nashc.schema.genotype import Choice
from nashc.schema.load import load
from nashc.schema.spec import Spec

__all__ = ["Cell", "Choice", "Spec", "load"]
