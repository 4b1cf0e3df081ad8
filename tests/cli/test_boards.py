"""`nashc boards`, and those of the user."""

from __future__ import annotations

import json
from pathlib import Path


def test_boards(nashc):
    assert "U250         1,500,000  3,000,000   4,608" in nashc("boards").out
    found = json.loads(nashc("boards", "VCK190", "--json").out)
    assert found["resources"]["uram"] == 463
    assert len(json.loads(nashc("boards", "--json").out)) == 19
    assert nashc("boards", "U250", "--toml").out.startswith('name = "U250"')
    unknown = nashc("boards", "U251")
    assert unknown.code == 1 and "did you mean" in unknown.err


def test_a_board_of_the_user(nashc, tmp_path: Path):
    own = tmp_path / "own.toml"
    text = nashc("boards", "U250", "--toml").out.replace('name = "U250"', 'name = "Mine"')
    own.write_text(text)
    assert nashc("boards", str(own)).out.startswith("Mine\n  part       xcu250")
    assert nashc("boards", str(own), "--toml").out == text
    own.write_text(text.replace("lut = 1500000", 'lut = "many"'))
    wrong = nashc("boards", str(own))
    assert wrong.code == 1
    assert "NASH104: `lut` needs a whole number" in wrong.err and "own.toml:" in wrong.err
    gone = nashc("boards", str(tmp_path / "gone.toml"))
    assert gone.code == 1 and "NASH120" in gone.err and "there is no such file" in gone.err
