"""docs/experiments: the page of the paper's tables is made from the specs and from what FINN+ said."""

import pytest

from benchmarks import paper_page
from tests.paths import ROOT

PAGE = ROOT / "docs" / "experiments" / "paper-tables.md"


@pytest.mark.slow
def test_the_page_is_current(update: bool) -> None:
    runs = paper_page.measured()
    if paper_page.state(runs) not in PAGE.read_text() and not update:
        pytest.skip("paper-networks.json is newer than the page: python benchmarks/paper_page.py")
    text = paper_page.page(runs)
    if update:
        PAGE.write_text(text)
    assert PAGE.read_text() == text


def test_figures_of_finns_own_flow_go_before_the_model() -> None:
    network = {"cycles": 200704, "fps": 996.49, "latency_ms": 49.2, "bram18": 1839, "lut": 227730}
    runs = {"resnet18:w2a2": {"network": {**network, "uram": 6}, "bottleneck": "stem.conv"}}
    found = paper_page.finn_plus("resnet18", "w2a2", runs)
    assert (found.text("lut"), found.text("latency_ms")) == ("227,730", "49.2")
    modelled = paper_page.finn_plus("resnet18", "w2a2", {})
    assert modelled.text("cycles") == "~200,704"
