"""A found network that was edited by hand is held to the budget of its spec, bit widths as well as genotypes."""

from pathlib import Path

import pytest

from nashc.diagnostics import SpecError
from nashc.schema import load
from nashc.space import hardware_terms
from nashc.space.kept import figures_of
from tests.paths import SPECS
from tests.space.spaces import estimated
from tests.space.test_both import SPACES, write

CELLS = "genotype { group1 = conv 3x3 from 0, conv 3x3 from 1 }\n"
WIDTHS = "network tiny {\n  bits {\n    group* = w4a4\n    stem* = w8a4\n  }\n}\n"


def held(folder: Path, block: str, budget: str, **space: str) -> str:
    """What is said of a found.nash that has these blocks."""
    base = write(folder, **{**SPACES["tiny"], **space}, budget=f"; budget {{ {budget} }}")
    found = base.with_name("found.nash")
    found.write_text(f'nash 1\nextends "{base.name}"\n{block}', encoding="utf-8")
    spec = load(found)
    assert not spec.is_searched
    assert figures_of(spec) == estimated(base, block)
    try:
        hardware_terms(spec)
    except SpecError as error:
        [problem] = error.diagnostics
        assert problem.code == "NASH481"
        marks = ", ".join(f"{label.text} {label.span.text}" for label in problem.others)
        return f"{problem.message} [{marks}]"
    return "fine"


def test_widths_and_genotypes_are_held_to_the_budget(tmp_path: Path) -> None:
    assert held(tmp_path, CELLS + WIDTHS, "lut < 100k") == "fine"
    said = held(tmp_path, CELLS + WIDTHS, "lut < 4k; dsp <= 100")
    assert said.startswith("the network breaks the budget of the search: it needs")
    assert said.endswith(" [with this genotype group1 = conv 3x3 from 0, conv 3x3 from 1]")


def test_widths_alone_are_held_to_the_budget(tmp_path: Path) -> None:
    assert held(tmp_path, WIDTHS, "lut < 100k", cell="") == "fine"
    said = held(tmp_path, WIDTHS, "fps > 10M", cell="")
    assert said.startswith("the network breaks the budget of the search: it needs")
    assert "cycles of" in said


def test_channels_are_held_to_the_budget(tmp_path: Path) -> None:
    base = tmp_path / "base.nash"
    text = (SPECS / "quickstart_channels.nash").read_text(encoding="utf-8")
    base.write_text(text, encoding="utf-8")
    found = tmp_path / "found.nash"
    block = "network quickstart_channels { backbone = tiny(first = 8, second = %d) }\n"
    for second, code in ((24, None), (48, "NASH481")):
        found.write_text(f'nash 1\nextends "base.nash"\n{block % second}', encoding="utf-8")
        try:
            hardware_terms(load(found))
        except SpecError as error:
            [problem] = error.diagnostics
            assert problem.code == code
            assert problem.message == (
                "the network breaks the budget of the search: it needs 5,047 LUT of 4,699"
            )
        else:
            assert code is None


def test_a_network_that_no_search_chose_is_held_too(tmp_path: Path) -> None:
    for budget, is_kept in (("lut < 1k", False), ("lut < 100k", True)):
        path = write(tmp_path, cell="", bits="group* = w4a4", budget=f"; budget {{ {budget} }}")
        if is_kept:
            assert hardware_terms(load(path)) is None
            continue
        with pytest.raises(SpecError, match="the network breaks the budget of the search"):
            hardware_terms(load(path))


def test_a_folding_of_its_own_is_not_that_of_the_budget(tmp_path: Path) -> None:
    base = write(tmp_path, **SPACES["tiny"], budget="; budget { lut < 4k }")
    found = base.with_name("found.nash")
    text = f'nash 1\nextends "{base.name}"\n{WIDTHS}{CELLS}'
    found.write_text(text, encoding="utf-8")
    with pytest.raises(SpecError):
        hardware_terms(load(found))
    found.write_text(text + "target { folding = optimal }\n", encoding="utf-8")
    assert hardware_terms(load(found))
