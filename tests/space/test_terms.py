"""A cost of cycles is for searches whose networks take different ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from nashc.diagnostics import SpecError
from nashc.schema import load
from nashc.space import hardware_terms
from tests.paths import ROOT

SPEC = """nash 1
extends "{base}"
network n {{ {more} }}
search {{ precision = quantised; cost {{ cycles = 1 }} }}
target {{ board = U250; fps = {fps} }}
"""
WIDTHS = "bits { group*.block* = [w1a2, w4a4] }"


def cycles_weigh(folder: Path, base: str, more: str, fps: int) -> bool:
    """Whatever the budget of the base is: that is of a small board."""
    text = (ROOT / "specs" / f"{base}.nash").read_text().replace("lut < most_lut", "lut < 100M")
    (folder / f"{base}.nash").write_text(text)
    path = folder / "n.nash"
    path.write_text(SPEC.format(base=f"{base}.nash", more=more, fps=fps))
    try:
        terms = hardware_terms(load(path))
    except SpecError as error:
        [problem] = error.diagnostics
        assert problem.code == "NASH482" and "cycles tell no two networks" in problem.message
        return False
    assert terms is not None
    return terms.weights["cycles"] > 0


@pytest.mark.parametrize(
    ("base", "more", "fps", "differ"),
    [
        ("quickstart", "", 10_000, False),
        ("quickstart", "", 10_000_000, True),
        ("quickstart", WIDTHS, 10_000, False),
        ("quickstart", WIDTHS, 10_000_000, True),
        ("quickstart_bits", "", 10_000, False),
        # No matrix unit reads more than `mvau_wwidth_max` bits of weights at once.
        ("quickstart_bits", "", 10_000_000, True),
        ("quickstart_channels", "", 10_000, True),
        ("quickstart_channels", WIDTHS, 10_000, True),
    ],
)
def test_a_weight_of_cycles_is_taken_where_they_differ(
    base: str, more: str, fps: int, differ: bool, tmp_path: Path
) -> None:
    assert cycles_weigh(tmp_path, base, more, fps) is differ
