"""A board of the user's own: what it changes, and its mistakes shown in its own file."""

import re
from pathlib import Path

import pytest

from nashc.diagnostics import SpecError, render_text
from nashc.emit.settings import settings
from nashc.schema import load
from nashc.vocab.boards import board_text

SPEC = """nash 1
use resnet18 from "nashc/resnet.nash"

network small {
  input    = UINT8 3x32x32
  classes  = 10
  backbone = resnet18(width = 16, small_stem = true)
}

target {
  board = "mine.toml"
  clock = 100 MHz
}
"""
EXPECTED = Path(__file__).parent / "board_mistakes.txt"
MINE = board_text("Pynq-Z1").replace('"Pynq-Z1"', '"Mine"')


def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, board: str | None) -> str:
    monkeypatch.chdir(tmp_path)
    Path("spec.nash").write_text(SPEC)
    if board is not None:
        Path("mine.toml").write_text(board)
    with pytest.raises(SpecError) as error:
        load(Path("spec.nash"))
    return render_text(error.value.diagnostics, colour=False)


def test_it_is_a_board_like_any_other(tmp_path: Path) -> None:
    (tmp_path / "spec.nash").write_text(SPEC)
    (tmp_path / "mine.toml").write_text(MINE.replace("lut = 53200", "lut = 50000"))
    spec = load(tmp_path / "spec.nash")
    assert spec.target
    assert spec.target.board.name == "Mine"
    assert spec.target.board.resources.lut == 50000
    build = settings(spec)["build"]
    assert (build["board"], build["part"]) == ("Mine", "xc7z020clg400-1")
    assert build["resources"]["lut"] == 50000
    before = spec.digest
    (tmp_path / "mine.toml").write_text(MINE)
    assert load(tmp_path / "spec.nash").digest != before


def test_mistakes_are_shown_in_the_board_file(tmp_path: Path, monkeypatch, update: bool) -> None:
    board = MINE.replace("lut =", "lutt =").replace("dsp = 220", 'dsp = "many"')
    board = board.replace('shell = "vivado_zynq"', 'shell = "zynq"').replace("[6.25, 250]", "6")
    text = said(tmp_path, monkeypatch, board)
    if update:
        EXPECTED.write_text(text)
    assert text == EXPECTED.read_text()


CLOCKS = "clocks are above 0 and at most 100,000 MHz, the lowest comes first"


@pytest.mark.parametrize(
    ("line", "message", "column"),
    [
        ('part = ""', "NASH105: `part` must be a text that is not empty", 8),
        ('part = "  "', "NASH105: `part` must be a text that is not empty", 8),
        ('part = "xc"', "NASH105: `xc` is no FPGA part", 8),
        ('part = "my board"', "NASH105: `my board` is no FPGA part", 8),
        ("clock_mhz = [6.25, inf]", f"NASH105: {CLOCKS}", 13),
        ("clock_mhz = [6.25, nan]", f"NASH105: {CLOCKS}", 13),
        ("clock_mhz = [nan, 250]", f"NASH105: {CLOCKS}", 13),
        ("clock_mhz = [0, 250]", f"NASH105: {CLOCKS}", 13),
        (f"clock_mhz = [6.25, 1{400 * '0'}]", f"NASH105: {CLOCKS}", 13),
        ("clock_mhz = [true, 250]", "NASH104: two numbers are needed, and this is a list", 13),
        (f"lut = 1{400 * '0'}", "NASH105: `lut` must be at most 1000000000", 7),
    ],
)
def test_a_value_that_no_board_has(
    tmp_path: Path, monkeypatch, line: str, message: str, column: int
) -> None:
    key = line.split()[0]
    board = re.sub(rf"(?m)^{key} = .*$", line, MINE)
    text = said(tmp_path, monkeypatch, board)
    number = board.splitlines().index(line) + 1
    assert text.splitlines()[:2] == [message, f"  mine.toml:{number}:{column}"]


def test_a_number_of_thousands_of_digits(tmp_path: Path, monkeypatch) -> None:
    text = said(tmp_path, monkeypatch, MINE.replace("lut = 53200", f"lut = {5000 * '1'}"))
    assert text.startswith("NASH120: mine.toml is not TOML: exceeds the limit (4300 digits)")


def test_a_file_that_is_not_there(tmp_path: Path, monkeypatch) -> None:
    text = said(tmp_path, monkeypatch, None)
    assert "NASH120: the board file mine.toml cannot be read: there is no such file" in text
    assert "spec.nash:11:11" in text


def test_a_file_that_is_not_toml(tmp_path: Path, monkeypatch) -> None:
    text = said(tmp_path, monkeypatch, 'name = "Mine"\npart = \n')
    assert "NASH120: mine.toml is not TOML: invalid value" in text
    assert "mine.toml:2:6" in text


def test_a_clock_that_the_board_cannot_give(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(f"{__name__}.SPEC", SPEC.replace("100 MHz", "400 MHz"))
    text = said(tmp_path, monkeypatch, MINE)
    assert "NASH105: Mine takes clocks from 6.25 to 250 MHz, and this is 400 MHz" in text
    assert "spec.nash:12:11" in text
