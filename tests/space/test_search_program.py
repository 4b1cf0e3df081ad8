"""A search with hardware terms as nashc compiles it: what it logs, and what it finds."""

import json
from pathlib import Path

import pytest

from support.budget.costs import FIGURES
from tests.space.programs import compiled, run
from tests.space.spaces import estimated

pytest.importorskip("torch")
pytest.importorskip("sklearn")
pytestmark = [pytest.mark.torch, pytest.mark.slow]

SPEC = """nash 1
extends "{base}"
search {{
  epochs = 2
  batch  = 128
  cost {{ lut = {weight}; bram18 = {weight} }}
  budget {{ lut < {most}; fps >= 5000 }}
}}
"""


def searched(folder: Path, weight: float, most: int) -> Path:
    """The results of a search and its derivation, in a folder of its own."""
    base = Path(__file__).parents[2] / "specs" / "quickstart.nash"
    compiled(folder, SPEC.format(base=base, weight=weight, most=most))
    for program in ("search.py", "derive.py"):
        run(program, folder)
    return folder / "results"


def expected(results: Path) -> list[float]:
    """LUTs, after each epoch."""
    lines = (results / "search" / "search.jsonl").read_text().splitlines()
    return [json.loads(line)["expected_cost"]["lut"] for line in lines]


def test_the_found_network_keeps_the_budget_and_a_cost_moves_the_search(tmp_path: Path) -> None:
    free = searched(tmp_path / "free", 1e-9, 100_000)
    tight = searched(tmp_path / "tight", 100, 11_300)
    cost = json.loads((tight / "derive" / "genotype.json").read_text())["provenance"]["cost"]
    text = (tight / "derive" / "found.nash").read_text()
    assert cost["lut"] < 11_300
    assert cost == estimated(tmp_path / "tight" / "space.nash", text[text.index("genotype {") :])
    assert set(cost) == set(FIGURES)
    assert f"{cost['lut']:,} lut (of 11,299)" in text
    picture = (tight / "search" / "stability.svg").read_text()
    assert "expected cost of what would be kept" in picture
    assert expected(tight)[1] < expected(tight)[0] < expected(free)[1]
