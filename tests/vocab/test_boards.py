"""The board files: complete, each figure with its source, and what the installed FINN+ says."""

import re
from pathlib import Path

import pytest

from nashc.diagnostics import Problems
from nashc.schema.board_file import read_board
from nashc.text import Source, Span
from nashc.vocab import boards
from nashc.vocab.boards import BOARDS

FILES = Path(boards.__file__).parent / "targets"


@pytest.mark.parametrize("name", BOARDS)
def test_every_file_passes_the_check_of_users_files(name: str) -> None:
    problems = Problems()
    board = read_board(FILES / f"{name}.toml", Span(Source("a.nash", "x"), 0, 1), problems)
    assert not problems.found
    assert board == BOARDS[name]
    assert board.name == name


@pytest.mark.parametrize("name", BOARDS)
def test_every_figure_has_a_source(name: str) -> None:
    board = BOARDS[name]
    needed = {"part", "resources"} | ({"clock_mhz"} if board.clock_mhz else set())
    assert needed <= set(board.sources)
    assert board.shell != "none" or "shell" in board.sources


@pytest.mark.finn
def test_they_are_what_the_installed_finn_knows(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("FINN_BUILD_DIR", str(tmp_path))
    basic = pytest.importorskip("finn.util.basic")
    platforms = pytest.importorskip("finn.util.platforms")
    templates = pytest.importorskip("finn.transformation.fpgadataflow.templates")
    assert {name: board.part for name, board in BOARDS.items()} == basic.part_map
    shell_names = set(re.findall(r'\$BOARD == "([^"]+)"', templates.custom_zynq_shell_template))
    for name, board in BOARDS.items():
        if name in platforms.platforms:
            regions = platforms.platforms[name]().compute_resources
            total = tuple(int(sum(region[i] for region in regions)) for i in range(5))
            assert tuple(vars(board.resources).values()) == total, name
        zynq = name in basic.pynq_part_map and name in shell_names
        alveo = name in basic.alveo_part_map
        assert board.shell == ("vivado_zynq" if zynq else "vitis_alveo" if alveo else "none"), name
