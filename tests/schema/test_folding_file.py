"""`folding = "file.json"`: read beside the spec, part of its meaning and of the settings of build.py."""

from pathlib import Path

import pytest

from nashc.diagnostics import SpecError
from nashc.emit.settings import settings
from nashc.schema import load
from nashc.schema.folding_file import parse_folding
from tests.schema.test_board_file import SPEC as BOARD_SPEC

SPEC = BOARD_SPEC.replace('"mine.toml"', "Pynq-Z1").replace(
    "clock = 100 MHz", 'folding = "fold.json"'
)


def test_its_content_reaches_the_build(tmp_path: Path) -> None:
    (tmp_path / "spec.nash").write_text(SPEC)
    (tmp_path / "fold.json").write_text('{"stem.conv": {"PE": 2}}')
    spec = load(tmp_path / "spec.nash")
    assert settings(spec)["build"]["folding"] == {"stem.conv": {"PE": 2}}
    before = spec.digest
    (tmp_path / "fold.json").write_text('{"stem.conv": {"PE": 4}}')
    assert load(tmp_path / "spec.nash").digest != before


def test_a_byte_order_mark_is_passed_over() -> None:
    assert parse_folding('\ufeff{"a": {"PE": 1}}') == {"a": {"PE": 1}}


@pytest.mark.parametrize(
    ("content", "words", "place"),
    [
        (None, "the folding file fold.json cannot be read: there is no such file", "spec.nash:12"),
        ('{"a": }', "fold.json is not JSON: expecting value", "fold.json:1:7"),
        ('["a"]', "fold.json holds no attributes by layer", "spec.nash:12"),
        ("3", "fold.json holds no attributes by layer", "spec.nash:12"),
        ("[" * 100_000, "fold.json is nested too deeply", "spec.nash:12"),
        (
            '{"a": {"PE": ' + "9" * 5000 + "}}",
            "fold.json holds a number that is out of all measure",
            "spec.nash:12",
        ),
        ('{"a": {"PE": 1}, "a": {"PE": 2}}', "fold.json names a twice", "spec.nash:12"),
        ('{"a": {"PE": 1, "PE": 2}}', "fold.json names PE twice", "spec.nash:12"),
    ],
)
def test_mistakes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None, words: str, place: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("spec.nash").write_text(SPEC)
    if content is not None:
        Path("fold.json").write_text(content)
    with pytest.raises(SpecError) as error:
        load(Path("spec.nash"))
    (diagnostic,) = error.value.diagnostics
    assert (diagnostic.code, diagnostic.message) == ("NASH120", words)
    assert str(diagnostic.span).startswith(place)
