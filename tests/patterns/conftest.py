"""The support package lies in templates/ and is imported from there."""

import sys

from tests.paths import ROOT

sys.path.insert(0, str(ROOT / "templates"))
