"""Networks folded: every rule of FINN kept, never worse than FINN's own folding under the same model."""

from __future__ import annotations

from pathlib import Path

import pytest

from nashc.cost.fold import Folding, limit
from nashc.cost.folding_file import content_of
from nashc.cost.nodes import HwNode
from nashc.fold.answer import Answer
from nashc.fold.ask import ask
from nashc.fold.converters import converter_lut, converters
from nashc.fold.wish import wish
from tests.fold.networks import Network, small, used

CASES = [("resnet18_v1", 1), ("resnet18_v3", 5), ("resnet18_v2", 8)]


@pytest.fixture(params=CASES, ids=lambda case: f"{case[0]}-{case[1]}")
def net(request: pytest.FixtureRequest, tmp_path: Path) -> Network:
    return small(tmp_path, *request.param)


def is_legal(node: HwNode, folding: Folding, weight_width_max: int, producer: Folding) -> bool:
    """FINN's rules written down a second time, one node at a time."""
    attributes = folding.attributes(node)
    for name, value in (("pe", attributes.get("PE")), ("simd", attributes.get("SIMD"))):
        if value is not None and limit(node, name) % value:
            return False
    match node.kind:
        case "MVAU":
            bits = node.width("weightDataType")
            if folding.simd * bits > weight_width_max:
                return False
            if node.backend == "rtl":
                return bool(folding.simd < node["MW"])
            return folding.pe * folding.simd * bits <= 8191
        case "ConvolutionInputGenerator":
            is_full = folding.simd == node["IFMChannels"] and not node["depthwise"]
            return folding.parallel_window == 0 or is_full
        case "Pool":
            return folding.pe == producer.simd
    return True


@pytest.mark.parametrize("goal", ["max-fps", "min-latency"])
def test_foldings_are_legal(net: Network, goal: str) -> None:
    question = net.hardware.question({}, {"lut": 1.0})
    found = question.max_throughput() if goal == "max-fps" else question.min_latency()
    assert isinstance(found, Answer)
    foldings = net.hardware.foldings(found.choice)
    assert list(foldings) == [node.name for node in net.hardware.nodes]
    for node in net.hardware.nodes:
        producer = foldings[node.inputs[0]] if node.inputs else Folding()
        folding = foldings[node.name]
        assert is_legal(node, folding, net.target.mvau_wwidth_max, producer), (node, folding)
    figures = net.figures(foldings)
    assert figures.cycles == found.interval and figures.critical_path == found.latency
    file = content_of(net.hardware.nodes, foldings)
    assert file.pop("Defaults") == {}
    assert file == {n.name: foldings[n.name].attributes(n) for n in net.hardware.nodes}


@pytest.mark.parametrize("fps", [200, 3000, 50000])
def test_never_worse_than_finns_own_folding(net: Network, fps: int) -> None:
    """With FINN's resources at least its throughput, and at its throughput no more of anything."""
    foldings = net.finns_folding(fps)
    breaks_rules = [
        node.name
        for node in net.hardware.nodes
        if node.kind == "MVAU"
        and not is_legal(node, foldings[node.name], net.target.mvau_wwidth_max, Folding())
    ]
    finn = net.figures(foldings)
    question = net.hardware.question(used(finn), {"lut": 1.0})
    if breaks_rules:
        # SetFolding exceeds mvau_wwidth_max when it meets the target there, and takes SIMD = MW in RTL.
        return
    found = question.min_use(finn.cycles)
    assert isinstance(found, Answer)
    fastest = question.max_throughput()
    assert isinstance(fastest, Answer) and fastest.interval <= finn.cycles


def test_what_seems_free_is_not_offered(net: Network) -> None:
    """finn-plus-1.6 counts no LUT for an MVAU_rtl: its weights stay in blocks of memory."""
    found = net.hardware.question({}, {"bram18": 1.0}).max_throughput()
    assert isinstance(found, Answer)
    foldings = net.hardware.foldings(found.choice)
    for node in net.hardware.nodes:
        if node.kind == "MVAU" and node.backend == "rtl":
            assert foldings[node.name].ram_style != "distributed"


def test_the_answer_is_what_the_cost_model_says(net: Network) -> None:
    found = ask(net.hardware, wish(net.target.board, "max-fps", budget="lut=80%"), net.target.clock)
    assert found.estimate.total("lut") <= 0.8 * net.target.board.resources.lut
    assert used(net.figures(found.foldings)) == used(found.estimate)


@pytest.mark.parametrize(
    ("given", "taken", "lut"),
    # What StreamingDataWidthConverter.lut_estimation of FINN+ 1.6.1 gives for these widths.
    [(8, 8, 0), (8, 24, 25), (24, 8, 10), (16, 24, 74), (4, 64, 68), (64, 4, 8)],
)
def test_luts_of_a_width_converter(given: int, taken: int, lut: int) -> None:
    assert converter_lut(given, taken) == lut


def test_converters_stand_where_widths_differ(net: Network) -> None:
    foldings = net.finns_folding(3000)
    found = {(one.first, one.second): one.lut for one in converters(net.hardware.nodes, foldings)}
    by_name = {node.name: node for node in net.hardware.nodes}
    assert all(lut > 0 for lut in found.values())
    for node in net.hardware.nodes:
        if node.kind == "Pool":
            assert (node.inputs[0], node.name) not in found, "a pool and its window work alike"
        if node.kind == "MVAU" and by_name[node.inputs[0]].kind == "ConvolutionInputGenerator":
            window = foldings[node.inputs[0]]
            k = by_name[node.inputs[0]]["ConvKernelDim"][0]
            lanes = window.simd * (k * k if window.parallel_window else 1)
            assert ((node.inputs[0], node.name) in found) == (lanes != foldings[node.name].simd)
