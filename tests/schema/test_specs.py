"""The specs that ship: they load, they say what the paper says, and their digest means something."""

import re
from pathlib import Path

import pytest

from nashc.diagnostics import SpecError
from nashc.schema import load
from nashc.vocab.bits import Bits
from tests.paths import ALL_SPECS, SPECS

PAPER = {  # issue of the paper's genotypes: (op, predecessor) of nodes 1-4 by group
    "resnet18_v1": ["mp 0, id 1, id 1, id 1", "c1 0, id 1, id 2, mp 2"],
    "resnet18_v2": ["id 0, mp 1, mp 1, mp 1", "c3 0, c5 0, id 2, mp 2"],
    "resnet18_v3": ["id 0, mp 1, mp 1, mp 1", "c5 0, mp 1, id 2, mp 2"],
    "resnet18_v4": ["c1 0, c1 1, c1 0, c1 2", "c5 0, c3 0, c5 0, c3 0"],
    "resnet34_v3": ["c1 0, id 1, mp 2, id 3, c1 1, id 4", "c5 0, mp 1, id 2, id 2"],
}
SHORT = {
    "maxpool 3x3": "mp",
    "identity": "id",
    "conv 1x1": "c1",
    "conv 3x3": "c3",
    "conv 5x5": "c5",
}


@pytest.mark.parametrize("path", ALL_SPECS, ids=lambda path: path.stem)
def test_every_spec_loads(path: Path) -> None:
    assert load(path).name == path.stem


@pytest.mark.parametrize("name", PAPER)
def test_genotypes_are_the_papers(name: str) -> None:
    genotype = load(SPECS / f"{name}.nash").genotype
    assert genotype is not None
    written = [
        ", ".join(f"{SHORT[str(choice.op)]} {choice.source}" for choice in genotype[group])
        for group in ("group0", "group1")
    ]
    assert written == PAPER[name]


def test_a_parameter_reaches_every_file_that_extends() -> None:
    spec = load(SPECS / "resnet18_v3.nash", {"bits": "w1a2"})
    assert spec.network.bits.backbone == Bits(1, 2)
    assert spec.network.bits.nas == Bits(1, 8)
    assert load(SPECS / "resnet18_v4.nash").network.bits.nas == Bits(8, 8)


def test_a_parameter_keeps_to_its_choices() -> None:
    with pytest.raises(SpecError) as error:
        load(SPECS / "resnet18_v3.nash", {"bits": "w3a3"})
    (diagnostic,) = error.value.diagnostics
    assert diagnostic.code == "NASH114"
    assert diagnostic.help == "legal are w1a1, w1a2, w2a2, w4a4, w8a8"


def test_comments_and_layout_do_not_change_the_digest(tmp_path: Path) -> None:
    text = (SPECS / "own_backbone.nash").read_text()
    first, second, third = (tmp_path / f"{name}.nash" for name in "abc")
    first.write_text(text)
    second.write_text("# another comment\n" + text.replace("  input ", "  input        "))
    third.write_text(re.sub(r"nas( +)= w2a4", r"nas = w2a5", text))
    assert load(first).digest == load(second).digest != load(third).digest


def test_effective_values_name_their_origin() -> None:
    rows = {row.path: row for row in load(SPECS / "resnet18_v3.nash", {"bits": "w4a4"}).effective()}
    assert rows["param.bits"].origin == "--set"
    assert rows["network.bits.nas"].origin.endswith("resnet18_v3.nash:14:11")
    assert rows["network.classes"].origin.endswith("resnet18.nash:12:14")
    assert (rows["search.clip"].value, rows["search.clip"].origin) == ("5.0", "default")


def test_several_mistakes_are_reported_at_once(tmp_path: Path) -> None:
    path = tmp_path / "bad.nash"
    text = (SPECS / "own_backbone.nash").read_text()
    text = text.replace("board = Ultra96", "board = Ultra69").replace("w3a3", "w9a3")
    text = text.replace("classes  = 10", "clases   = 10").replace("epochs    = 40", "epochs = -1")
    path.write_text(text)
    with pytest.raises(SpecError) as error:
        load(path)
    codes = {(d.code, d.span.line if d.span else 0) for d in error.value.diagnostics}
    assert {code for code, _ in codes} == {"NASH101", "NASH105", "NASH106", "NASH115"}


def test_lists_that_a_search_chooses_from_are_among_the_settings():
    rows = {it.path: it.value for it in load(SPECS / "quickstart_channels.nash").effective()}
    assert rows["network.backbone.first"] == "[4, 8, 12, 16]"
    rows = {it.path: it.value for it in load(SPECS / "quickstart_bits.nash").effective()}
    assert rows["network.backbone.width"] == "16"
    assert rows["network.bits.group*.block*"] == "[w1a2, w2a2, w4a4]"
