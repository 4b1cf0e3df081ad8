from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from nashc import cli
from tests.paths import SPECS


@dataclass(frozen=True)
class Said:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


@pytest.fixture
def nashc(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., Said]:
    """`nashc("check", "x.nash")` in an empty folder."""
    monkeypatch.chdir(tmp_path)
    for name in ("NASHC_PYTHON", "NASHC_DATA", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)

    def call(*words: str) -> Said:
        monkeypatch.setattr("sys.argv", ["nashc", *map(str, words)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        captured = capsys.readouterr()
        return Said(int(ended.value.code or 0), captured.out, captured.err)

    return call


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    return Path(shutil.copy(SPECS / "quickstart.nash", tmp_path / "quickstart.nash"))
