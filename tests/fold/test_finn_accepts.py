"""FINN+ itself takes our folding files unchanged and says the figures that we promised."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from nashc.emit import project
from nashc.fold.ask import ask
from nashc.fold.wish import wish
from nashc.lower import lower
from tests.cost.test_equal_to_finn import FINN_SIDE, as_finn_says, run_finn
from tests.fold.networks import small

pytest.importorskip("brevitas")
pytest.importorskip("finn")
pytestmark = [pytest.mark.finn, pytest.mark.slow]


def test_finn_accepts_the_folding_and_agrees(tmp_path: Path) -> None:
    net = small(tmp_path, "resnet18_v3", 5)
    for file, text in project(net.spec, lower(net.spec)).items():
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(text, encoding="utf-8")
    shutil.copy(FINN_SIDE, tmp_path)
    board, clock = net.target.board, net.target.clock
    wishes = [
        wish(board, "max-fps"),
        wish(board, "min-resources", fps=500.0),
        wish(board, "min-latency", budget="lut=60%,bram18=60%"),
    ]
    found = [ask(net.hardware, asked, clock) for asked in wishes]
    foldings = [folded.foldings for folded in found]
    finn = run_finn(tmp_path, net.hardware.nodes, foldings, "worst")
    for folded, figures in zip(found, finn["foldings"], strict=True):
        assert as_finn_says(folded.estimate) == figures
