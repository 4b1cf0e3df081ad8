from __future__ import annotations

from pathlib import Path

import pytest

from tests.driver.lab import Lab, set_up


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """The quickstart spec in a folder of its own, its stages replaced by stand-ins."""
    return set_up(tmp_path / "lab", monkeypatch)
