"""FINN's own streamlining as the judge of the direct lowering: the same hardware from both, on the specs of specs/."""

from __future__ import annotations

import copy
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("brevitas")
pytest.importorskip("finn")

import torch
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp
from qonnx.util.basic import calculate_matvec_accumulator_range

from support.export import trained
from support.export.qonnx import export
from support.finn import estimates as finn_estimates
from support.finn import folding as finn_folding
from support.finn import hardware as finn_hardware
from support.finn import streamline as finn_streamline
from support.finn import tool as finn_tool
from support.finn import widths as finn_widths
from support.progress import StageError
from tests.paths import ALL_SPECS
from tests.support.reduced import import_from, reduced

pytestmark = [pytest.mark.finn, pytest.mark.slow]
BOARD, CLOCK_NS, TARGET_CYCLES, WEIGHT_WIDTH_MAX = "ZCU104", 5.0, 2000, 1000
ALWAYS = ("own_backbone", "quickstart", "resnet18", "resnet18_v3")
# Of all thresholds of a network, the share in which FINN's float32 constants may land one accumulator step off.
OFF_BY_ONE_MAX = 1e-3
POOLED = """\
nash 1
backbone pooled(width = 8) {
  stem: conv 3x3(width) -> maxpool 3x3(stride = 2) -> bn -> act
  head: avgpool -> fc: linear(classes)
}
network pooled {
  input    = UINT8 1x8x8
  classes  = 10
  backbone = pooled()
}
train {
  data = digits
}
target {
  board = Pynq-Z1
}
"""


@dataclass(frozen=True)
class Ways:
    """One network carried to hardware on both ways."""

    direct: Any
    streamlined: Any
    estimates: tuple[dict[str, Any], dict[str, Any]]

    def attributes(self, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
        direct, streamlined = (
            next(node for node in model.graph.node if node.name == name)
            for model in (self.direct, self.streamlined)
        )
        assert direct.op_type == streamlined.op_type, name
        return _attributes(direct), _attributes(streamlined)


@pytest.fixture(scope="module", params=[path.stem for path in ALL_SPECS])
def ways(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Ways:
    name = request.param
    if name not in ALWAYS and "NASHC_ALL_SPECS" not in os.environ:
        pytest.skip("half a minute each: set NASHC_ALL_SPECS=1 to streamline every spec")
    folder = reduced(name, tmp_path_factory.mktemp(name) / "project", has_rising_stem=True)
    direct, qonnx, pixels = exported(folder)
    streamlined = finn_streamline.streamline(qonnx, pixels)
    built = [built_from(model, folder) for model in (ModelWrapper(direct), streamlined)]
    return Ways(built[0][0], built[1][0], (built[0][1], built[1][1]))


def exported(folder: Path) -> tuple[Any, Any, str]:
    """The direct integer graph, QONNX, and the type of the pixels."""
    finn_tool.start(folder / "finn")
    import_from(folder, "lowering")
    network = trained.load(folder, folder / "results" / "train" / "weights.safetensors")
    with torch.no_grad():
        qonnx = export(network.network, network.model.INPUT_SHAPE, network.layers_by_path())
    return network.graph.write(), qonnx, network.model.INPUT_DTYPE


def built_from(model: Any, folder: Path) -> tuple[Any, dict[str, Any]]:
    part = finn_tool.fpga_part(BOARD)
    model = finn_widths.minimise(finn_hardware.to_hardware(model))
    hardware = copy.deepcopy(model)
    model = finn_hardware.specialise(finn_hardware.partition(model, folder / "partition"), part)
    model = finn_widths.minimise(finn_folding.fold(model, TARGET_CYCLES, WEIGHT_WIDTH_MAX))
    estimates = finn_estimates.estimate(model, part, BOARD, CLOCK_NS, folder / "report")
    return hardware, estimates


def test_both_ways_give_the_same_hardware(ways: Ways):
    """Layers with all their attributes and what they read; the weights; the estimates."""
    assert _connections(ways.direct) == _connections(ways.streamlined)
    for node in ways.direct.graph.node:
        direct, streamlined = ways.attributes(node.name)
        assert direct == streamlined, node.name
    for node in ways.direct.get_nodes_by_op_type("MVAU"):
        weights = [_constant(model, node.name, 1) for model in (ways.direct, ways.streamlined)]
        assert np.array_equal(*weights), node.name
    direct, streamlined = ways.estimates
    assert {row["name"]: row for row in direct["layers"]} == {
        row["name"]: row for row in streamlined["layers"]
    }
    assert direct["network"] == streamlined["network"]


def test_thresholds_differ_by_one_where_float32_rounds(ways: Ways):
    """FINN reckons thresholds in float32 from float32 scales; the direct ones are exact (test_thresholds.py).

    Both are taken at the accumulator values that can occur: behind those FINN and we cut off at different ends.
    """
    different = total = 0
    for node in ways.direct.graph.node:
        if node.op_type not in ("MVAU", "Thresholding"):
            continue
        place = 2 if node.op_type == "MVAU" else 1
        tables = [_constant(model, node.name, place) for model in (ways.direct, ways.streamlined)]
        if tables[0] is None:
            assert tables[1] is None
            continue
        low, high = _range(ways.direct, node)
        direct, streamlined = (
            np.clip(table, low, high + 1) for table in np.broadcast_arrays(*tables)
        )
        off = np.abs(direct - streamlined)
        assert off.max() <= 1, f"{node.name}: thresholds differ by {off.max():.0f}"
        different += int(off.sum())
        total += off.size
    print(f"{different} of {total} thresholds differ by 1")
    assert different <= OFF_BY_ONE_MAX * total


def test_what_finn_cannot_pool_is_refused(tmp_path: Path):
    """Negative gains behind the stem's max-pool: FINN would pad signed sums with 0."""
    folder = reduced("pooled", tmp_path / "project", text=POOLED)
    _, qonnx, pixels = exported(folder)
    with pytest.raises(StageError, match=r"stem.maxpool: FINN cannot pad a max-pool of signed"):
        finn_streamline.streamline(qonnx, pixels)


def test_the_shared_relu_of_finn_is_still_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """FINN+ 1.6.1, ConvertQONNXtoFINN. When this fails, drop _clone_shared_relus."""
    folder = reduced("quickstart", tmp_path / "project")
    _, qonnx, pixels = exported(folder)
    monkeypatch.setattr(finn_streamline, "_clone_shared_relus", lambda model: None)
    with pytest.raises(StageError, match="which nothing gives"):
        finn_streamline.streamline(qonnx, pixels)


def _connections(model: Any) -> dict[str, tuple[str, list[str]]]:
    """Each node -> its kind and the nodes it reads from; the outputs of a fork have no order of their own."""
    producers = {tensor: node.name for node in model.graph.node for tensor in node.output}
    return {
        node.name: (node.op_type, [producers.get(tensor, "") for tensor in node.input])
        for node in model.graph.node
    }


def _attributes(node: Any) -> dict[str, Any]:
    instance = getCustomOp(node)
    found = {key: instance.get_nodeattr(key) for key in instance.get_nodeattr_types()}
    if node.op_type == "ElementwiseMul":
        # Signs by channel, with or without leading ones.
        found["rhs_shape"] = [size for size in found["rhs_shape"] if size > 1]
    return {key: str(value) for key, value in found.items()}


def _constant(model: Any, name: str, place: int) -> np.ndarray | None:
    node = next(node for node in model.graph.node if node.name == name)
    return model.get_initializer(node.input[place]) if len(node.input) > place else None


def _range(model: Any, node: Any) -> tuple[float, float]:
    """Smallest and largest value that the node compares with its thresholds."""
    if node.op_type == "MVAU":
        inputs = DataType[getCustomOp(node).get_nodeattr("inputDataType")]
        return calculate_matvec_accumulator_range(model.get_initializer(node.input[1]), inputs)
    before = model.find_producer(node.input[0])
    if before is not None and before.op_type == "ElementwiseMul":
        highest = model.get_tensor_datatype(before.input[0]).max()
        return -highest, highest
    datatype = model.get_tensor_datatype(node.input[0])
    return datatype.min(), datatype.max()
