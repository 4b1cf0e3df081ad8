"""FINN+ itself takes our folding files unchanged and says the figures that we promised."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from nashc.cost.backends import AUTO, Wanted
from nashc.cost.hardware import hardware
from nashc.emit import project
from nashc.fold.ask import ask
from nashc.fold.wish import Wish, wish
from nashc.lower import lower
from tests import cost
from tests.cost.test_equal_to_finn import FINN_SIDE, as_finn_says, run_finn
from tests.fold.networks import Network, network, small

pytest.importorskip("brevitas")
pytest.importorskip("finn")
pytestmark = [pytest.mark.finn, pytest.mark.slow]


def test_finn_accepts_the_folding_and_agrees(tmp_path: Path) -> None:
    net = small(tmp_path, "resnet18_v3", 5)
    board = net.target.board
    wishes = [
        wish(board, "max-fps"),
        wish(board, "min-resources", fps=500.0),
        wish(board, "min-latency", budget="lut=60%,bram18=60%"),
    ]
    compare(net, (AUTO,), wishes, tmp_path)


def test_finn_accepts_the_folding_of_what_a_spec_wants(tmp_path: Path) -> None:
    net = network(Path(cost.__file__).with_name("asked.nash"))
    asked = (
        Wanted("hls", "external", "block"),
        Wanted("hls", "internal_decoupled", "auto"),
        Wanted("rtl", "internal_decoupled", "distributed"),
        Wanted("auto", "internal_embedded", "auto"),
    )
    wishes = [wish(net.target.board, "max-fps"), wish(net.target.board, "min-resources", fps=500.0)]
    compare(net, asked, wishes, tmp_path)


def compare(net: Network, asked: tuple[Wanted, ...], wishes: list[Wish], tmp_path: Path) -> None:
    for file, text in project(net.spec, lower(net.spec)).items():
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(text, encoding="utf-8")
    shutil.copy(FINN_SIDE, tmp_path)
    part, clock = net.target.board.part, net.target.clock
    graph = lower(net.spec)
    found, questions = [], []
    for wanted in asked:
        unit = replace(net.hardware, nodes=hardware(graph, part, None, wanted))
        found.append([ask(unit, each, clock) for each in wishes])
        questions.append((unit.nodes, [folded.foldings for folded in found[-1]]))
    finn = run_finn(tmp_path, asked, questions, "worst")
    for wanted, answers, says in zip(asked, found, finn["answers"], strict=True):
        for folded, figures in zip(answers, says["foldings"], strict=True):
            assert as_finn_says(folded.estimate) == figures, (wanted, folded.wish)
