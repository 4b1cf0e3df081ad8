"""The derivation of a search is under test beside the tables that nashc writes for it."""

import sys

from tests.paths import ROOT

sys.path.insert(0, str(ROOT / "templates"))
