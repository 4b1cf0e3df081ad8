"""docs/experiments: the page of the paper's tables is made from the specs and from what FINN+ said."""

import pytest

from benchmarks import paper_networks, paper_page
from nashc.driver.estimate import Question, answer
from tests.paths import ROOT, SPECS

PAGE = ROOT / "docs" / "experiments" / "paper-tables.md"


@pytest.mark.slow
def test_the_page_is_current(update: bool) -> None:
    runs = paper_page.measured()
    if paper_page.state(runs) not in PAGE.read_text() and not update:
        pytest.skip("paper-networks.json is newer than the page: python -m benchmarks.paper_page")
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


def test_any_difference_from_finn_is_told() -> None:
    question = Question(SPECS / "resnet18.nash", {}, "finn-plus-1.6")
    found = answer(question).found
    totals = {name: found.total(name) for name in paper_networks.RESOURCES}
    network = {"cycles": found.cycles, "fps": found.fps, "latency_ms": found.latency_ms, **totals}
    layers = []
    for row in found.nodes:
        folding = row.folding.attributes(row.node)
        counts = {name: row.resource(name) for name in paper_networks.RESOURCES}
        lanes = {"pe": folding.get("PE"), "simd": folding.get("SIMD")}
        layers.append({"name": row.node.name, "op": row.node.op_type, "cycles": row.cycles})
        layers[-1] |= {**counts, **lanes}
    finn = {"layers": layers, "network": network}
    assert paper_networks.differences(finn, question) == []
    stem = next(layer for layer in layers if layer["name"] == "stem.conv")
    told = f"stem.conv: lut {stem['lut']}, FINN {stem['lut'] + 1}"
    stem["lut"] += 1
    assert paper_networks.differences(finn, question) == [told]
    del layers[-1]
    assert "classify: op LabelSelect_hls, FINN None" in paper_networks.differences(finn, question)
