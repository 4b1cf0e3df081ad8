"""No network passes check and fails later: specs drawn by hypothesis, and those that once did, carried to FINN's sources.

`fuzz.py` draws more of them, by hand.
"""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("brevitas")
pytest.importorskip("finn")

from support.finn import tool as finn_tool
from tests.patterns.carry import carry
from tests.patterns.property import Broken, search
from tests.patterns.streamlined import both_logits

pytestmark = [pytest.mark.finn, pytest.mark.slow]
FINDS = sorted((Path(__file__).parent / "finds").glob("*.nash"))
# Those that FINN+ 1.6.1 can streamline in a second or two; no 1-bit average (`Unsupported output datatype`).
STREAMLINED = ("one_weight_wide", "sum_between_parts", "three_branches", "wide_matrix", "wide_pool")
# Always the same; about a third of them is accepted.
EXAMPLES, LEAST_CARRIED, LEAST_REFUSED = 60, 8, 15


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """FINN's own folder."""
    folder = tmp_path_factory.mktemp("finn")
    finn_tool.start(folder)
    return folder


@pytest.mark.usefixtures("build")
@pytest.mark.parametrize("path", FINDS, ids=lambda path: path.stem)
def test_what_once_failed(path: Path, tmp_path: Path) -> None:
    assert carry(path, tmp_path / "net").values > 0


@pytest.mark.usefixtures("build")
@pytest.mark.parametrize("name", STREAMLINED)
def test_finns_own_streamlining_gives_the_same_logits(name: str, tmp_path: Path) -> None:
    direct, streamlined = both_logits(FINDS[0].parent / f"{name}.nash", tmp_path / "net")
    assert len({tuple(row) for row in direct}) > 1
    assert direct.tolist() == streamlined.tolist()


def test_what_check_accepts_is_built_and_computes_what_was_trained(build: Path) -> None:
    try:
        counts = search(EXAMPLES, build)
    except Broken as broken:
        pytest.fail(f"the smallest spec that fails:\n\n{broken.text}\n{broken.why}", pytrace=False)
    assert counts["carried"] >= LEAST_CARRIED
    assert counts.total() - counts["carried"] >= LEAST_REFUSED
