"""search.py and derive.py as they are compiled for searched bit widths."""

import json
from pathlib import Path

import pytest

from support.derivation.findings import Found
from support.derivation.found import provenance_of, write_found
from support.derivation.places import Place, most_probable
from tests.paths import SPECS
from tests.space.programs import compiled, run
from tests.space.spaces import estimated

WIDTHS = ("w1a2", "w2a2", "w4a4")
PLACES = [
    Place("group0.block0", WIDTHS, (0.1, 0.3, 0.6), (1, 2, 3)),
    Place("group1.block0", WIDTHS, (0.05, 0.15, 0.8), (1, 2, 0)),
]
SEARCHED = """nash 1
extends "{base}"
search {{
  epochs = 2
  batch  = 128
  cost {{ lut = {weight} }}
}}
"""


def test_the_widths_within_the_budget_and_what_is_said_of_them(tmp_path: Path) -> None:
    base = SPECS / "quickstart_bits.nash"
    path = compiled(tmp_path, f'nash 1\nextends "{base}"\n')
    settings = json.loads((tmp_path / "settings" / "search.json").read_text())
    assert "cost" not in settings  # the search feels no budget
    assert not (tmp_path / "settings" / "search_costs.json").exists()
    scores = {"validation_top1": 0.9, "validation_loss": 0.1}
    found = Found(7, {}, {}, scores, PLACES, most_probable(PLACES))
    about = {
        "network": "quickstart_bits",
        "policy": None,
        "estimator": {"name": "binary_gate"},
        "data": "digits",
        "epochs": 2,
        "batch": 64,
        "bit_lists": settings["bits"],
    }
    write_found(tmp_path / "results" / "search", found, provenance_of(found, about))
    run("derive.py", tmp_path)
    out = tmp_path / "results" / "derive"
    genotype = json.loads((out / "genotype.json").read_text())
    text = (out / "found.nash").read_text()
    assert genotype["bits"] == {"group0.block0": "w2a2", "group1.block0": "w4a4"}
    budget = genotype["provenance"]["budget"]
    assert budget["displaced"] == [{"place": "group0.block0", "without": "w4a4", "within": "w2a2"}]
    assert budget["is_proven"] and budget["limits"] == {"lut": 6199}
    assert (
        text
        == """\
# Found by nashc for quickstart_bits: estimator binary_gate,
# 2 epochs on digits, batch 64, seed 7.
# Costs 9,584 cycles, 5,841 lut (of 6,199), 11 bram18, 0 uram, 1 dsp.
# Without the budget it would keep: group0.block0 w4a4.
# Of all networks within the budget the most probable one, proven.
# warning: no weight update ever ran 1 alternatives: group1.block0 w4a4
network quickstart_bits {
  bits {
    # probabilities: group0.block0 w2a2 0.3000, group1.block0 w4a4 0.8000
    group*.block* = w2a2
    group1.block0.* = w4a4
  }
}
"""
    )
    block = text[text.index("network ") :]
    assert genotype["provenance"]["cost"] == estimated(path, block)


@pytest.mark.torch
@pytest.mark.slow
def test_a_cost_moves_the_search(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("sklearn")
    base, expected = SPECS / "quickstart_bits.nash", {}
    for name, weight in (("free", 1e-9), ("tight", 1000)):
        compiled(tmp_path / name, SEARCHED.format(base=base, weight=weight))
        run("search.py", tmp_path / name)
        results = tmp_path / name / "results" / "search"
        lines = (results / "search.jsonl").read_text().splitlines()
        expected[name] = [json.loads(line)["expected_cost"]["lut"] for line in lines]
        assert (results / "bits.png").stat().st_size > 1000
    assert expected["tight"][1] < expected["tight"][0] < expected["free"][1]
