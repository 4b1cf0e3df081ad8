"""Budgets that leave nothing, asked of the whole space before anything is trained."""

from pathlib import Path

import pytest

from nashc.diagnostics import SpecError
from nashc.schema import load
from nashc.space import hardware_terms
from tests.space.spaces import Space

SPACE = Space(
    "  cell in group1 { ops = [identity, conv 1x1] }"
)  # no `fps` in target: nothing is folded


def refusal(folder: Path, budget: str, genotype: str = "") -> tuple[str, str]:
    path = SPACE.write(folder)
    text = path.read_text().replace("search {", f"search {{ budget {{ {budget} }};")
    path.write_text(text + genotype)
    with pytest.raises(SpecError) as caught:
        hardware_terms(load(path))
    [problem] = caught.value.diagnostics
    assert problem.code == "NASH481"
    return problem.message, problem.help


def test_a_rate_that_nothing_reaches_without_folding(tmp_path: Path) -> None:
    message, hint = refusal(tmp_path, "fps > 1M")
    assert message.endswith("the fastest needs 36,864 cycles, 5,425.3 frames a second")
    assert hint == "fps >= 5425 can be met; `fps` in `target` lets FINN fold for more"


def test_a_genotype_that_is_slower_than_its_budget(tmp_path: Path) -> None:
    genotype = "genotype { group1 = conv 1x1 from 0, conv 1x1 from 0 }\n"
    message, _ = refusal(tmp_path, "fps > 6000", genotype)
    assert message.endswith("it needs 36,864 cycles of 33,333")
