"""No network passes check and fails later: specs drawn at random, and those that once did, carried to FINN's sources.

`fuzz.py` draws more of them, by hand.
"""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("brevitas")
pytest.importorskip("finn")

from support import finn_tool
from tests.patterns.carry import carry
from tests.patterns.draw import draw_spec

pytestmark = [pytest.mark.finn, pytest.mark.slow]
FINDS = sorted((Path(__file__).parent / "finds").glob("*.nash"))
# The first ones that check accepts, and enough refused ones to see that it is not that which it does to all.
SEEDS = range(1, 60)
LEAST_ACCEPTED, LEAST_REFUSED = 8, 20


@pytest.fixture(scope="module", autouse=True)
def _finn(tmp_path_factory: pytest.TempPathFactory) -> None:
    finn_tool.start(tmp_path_factory.mktemp("finn"))


@pytest.mark.parametrize("path", FINDS, ids=lambda path: path.stem)
def test_what_once_failed(path: Path, tmp_path: Path) -> None:
    assert carry(path, tmp_path / "net").values > 0


def test_what_check_accepts_is_built_and_computes_what_was_trained(tmp_path: Path) -> None:
    path = tmp_path / "net.nash"
    refused = {seed for seed in SEEDS if draw_spec(seed, path)}
    accepted = [seed for seed in SEEDS if seed not in refused]
    assert len(refused) >= LEAST_REFUSED
    assert len(accepted) >= LEAST_ACCEPTED
    for seed in accepted[:LEAST_ACCEPTED]:
        assert draw_spec(seed, path) is None
        assert carry(path, tmp_path / str(seed), seed).values > 0
