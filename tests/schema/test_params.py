"""Values of parameters: a word may be the name of a board, and `compare` gives values as the spec writes them."""

from pathlib import Path

import pytest

from nashc.diagnostics import SpecError
from nashc.schema import load
from tests.paths import SPECS

DECLARED = {
    "part": ("word", "Pynq-Z1 in [Pynq-Z1, AUP-ZU3_8GB, U250]"),
    "images": ("text", '"a"'),
    "wide": ("int", "8"),
    "rate": ("float", "1e-3"),
    "deep": ("bool", "false"),
}


@pytest.fixture
def spec(tmp_path: Path):
    """Writes a spec with these parameters and this `compare`."""

    def written(compare: str) -> Path:
        text = (SPECS / "quickstart.nash").read_text(encoding="utf-8")
        text = text.replace("  bits = w2a2  # also", f"  {compare} # also")
        params = "".join(f"param {n}: {kind} = {v}\n" for n, (kind, v) in DECLARED.items())
        text = text.replace("param bits", f"{params}param bits", 1)
        text = text.replace("board = Pynq-Z1", "board = part")
        path = tmp_path / "net.nash"
        path.write_text(text, encoding="utf-8")
        return path

    return written


def test_a_word_may_have_dashes_as_boards_have(spec):
    path = spec("part = U250, AUP-ZU3_8GB")
    found = load(path)
    assert found.target.board.name == "Pynq-Z1"
    assert [v["part"] for v in found.compare] == ["U250", "AUP-ZU3_8GB"]
    assert load(path, found.compare[1]).target.board.name == "AUP-ZU3_8GB"


@pytest.mark.parametrize(
    ("compare", "given"),
    [
        ('images = "b", c', ["b", "c"]),
        ("wide = 2 * 4, 12k, wide", ["8", "12k", "8"]),
        ("rate = 2e-3, 1e-3 / 2", ["2e-3", "0.0005"]),
        ("deep = true, wide > 2", ["true", "true"]),
        ("bits = w2a2, w3", ["w2a2", "w3"]),
    ],
)
def test_what_compare_gives_a_parameter_can_be_set(spec, compare: str, given: list[str]):
    path = spec(compare)
    variants = load(path).compare
    assert [value for variant in variants for value in variant.values()] == given
    for variant in variants:
        load(path, variant)


@pytest.mark.parametrize(
    ("compare", "message"),
    [
        ("wide = 2.5", "parameter `wide` needs a whole number, and this is the number 2.5"),
        ("part = Pynq-Z2", "parameter `part` cannot be `Pynq-Z2`"),
        ("deep = w2a2", "parameter `deep` needs true or false, and this is the word `w2a2`"),
    ],
)
def test_what_a_parameter_cannot_be_is_told_where_it_is_compared(spec, compare: str, message: str):
    with pytest.raises(SpecError) as error:
        load(spec(compare))
    (told,) = error.value.diagnostics
    assert (told.code, told.message) == ("NASH114", message)
    assert told.span.text == compare.split(" = ")[1]
