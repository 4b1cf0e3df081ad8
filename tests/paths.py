"""Where the things under test lie."""

from pathlib import Path

ROOT = Path(__file__).parent.parent
SPECS = ROOT / "specs"
ALL_SPECS = sorted(SPECS.glob("*.nash"))
