"""What is checked after each step of FINN: a sound graph passes, and each kind of damage is named with its spec line."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("brevitas")
pytest.importorskip("finn")

from onnx import TensorProto, helper
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp

from support.export import trained
from support.finn import checks as finn_checks
from support.finn import folding as finn_folding
from support.finn import hardware as finn_hardware
from support.finn import tool as finn_tool
from support.finn import widths as finn_widths
from support.progress import StageError
from support.verification.execution import Runner
from tests.support.reduced import import_from, reduced

pytestmark = [pytest.mark.finn, pytest.mark.slow]
CONV = "group0.block0.conv1"


@dataclass(frozen=True)
class Case:
    integer: Any
    hardware: Any
    golden: Path
    origins: dict[str, str]

    def damaged(self, damage: Callable[[Any], None]) -> Any:
        model = copy.deepcopy(self.hardware)
        damage(model)
        return model


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    folder = reduced("quickstart", tmp_path_factory.mktemp("checks") / "project")
    finn_tool.start(folder / "finn")
    import_from(folder, "lowering")
    network = trained.load(folder, folder / "results" / "train" / "weights.safetensors")
    integer = ModelWrapper(network.graph.write())
    images = np.random.default_rng(0).integers(0, 256, (3, 1, 8, 8)).astype(np.uint8)
    logits = integer.get_metadata_prop("logits_tensor")
    found = Runner(integer, [logits]).run(images.transpose(0, 2, 3, 1))
    golden = folder / "golden.npz"
    np.savez(golden, images=images, integer_logits=found[logits].astype(np.int64))
    hardware = finn_widths.minimise(finn_hardware.to_hardware(copy.deepcopy(integer)))
    origins = json.loads((folder / "layers.json").read_text())
    return Case(integer, hardware, golden, origins)


def test_another_graph_than_the_integers_of_export_is_asked_about(case: Case):
    shape = [1, 4]
    info = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in "xy"]
    node = helper.make_node("Sin", ["x"], ["y"], name="wave")
    model = helper.make_model(helper.make_graph([node], "other", info[:1], info[1:]))
    with pytest.raises(StageError, match="no hardware layer for Sin, which wave is") as caught:
        finn_hardware.to_hardware(ModelWrapper(model))
    assert caught.value.help == "is this the model.integer.onnx of export.py?"


def test_every_step_passes(case: Case, tmp_path: Path):
    golden = finn_checks.Golden.load(case.golden, case.integer)
    finn_checks.check_graph(case.integer, "export", case.origins)
    model = copy.deepcopy(case.hardware)
    part = finn_tool.fpga_part("Pynq-Z1")
    for step, run in {
        "hw": lambda it: it,
        "specialised": lambda it: finn_hardware.specialise(
            finn_hardware.partition(it, tmp_path), part
        ),
        "folded": lambda it: finn_folding.fold(it, 500, 1000),
        "minimised": finn_widths.minimise,
    }.items():
        model = run(model)
        finn_checks.check_graph(model, step, case.origins)
        golden.check(model, step, case.origins)
    assert model.get_nodes_by_op_type("MVAU_hls")  # what ran in Python was made for hardware
    [partition] = tmp_path.glob("*.onnx")  # a parent would name its folder by an absolute path
    assert str(tmp_path).encode() not in partition.read_bytes()


def _node(model: Any) -> Any:
    return next(node for node in model.graph.node if node.name == CONV)


def _cut(model: Any) -> None:
    _node(model).input[0] = "nowhere"


def _forget_shape(model: Any) -> None:
    model.set_tensor_shape(_node(model).output[0], [])


def _make_real(model: Any) -> None:
    model.set_tensor_datatype(_node(model).output[0], DataType["FLOAT32"])


def _turn(model: Any) -> None:
    model.set_tensor_layout(_node(model).output[0], ["N", "C", "H", "W"])


def _shrink(model: Any) -> None:
    getCustomOp(_node(model)).set_nodeattr("MH", 8)


def _widen(model: Any) -> None:
    getCustomOp(_node(model)).set_nodeattr("outputDataType", "INT9")


def _leave_unread(model: Any) -> None:
    extra = copy.deepcopy(_node(model))
    extra.name = extra.output[0] = f"{CONV}.lost"
    info = copy.deepcopy(model.get_tensor_valueinfo(_node(model).output[0]))
    info.name = extra.output[0]
    model.graph.value_info.append(info)
    model.graph.node.append(extra)
    model.set_tensor_datatype(info.name, model.get_tensor_datatype(_node(model).output[0]))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_cut, "reads nowhere, which nothing before it gives"),
        (_forget_shape, "gives group0.nas.node1.add.join0 without a shape"),
        (_make_real, "gives group0.nas.node1.add.join0 as real numbers"),
        (_turn, "gives group0.nas.node1.add.join0 in the layout ['N', 'C', 'H', 'W']"),
        (_shrink, "expects outputs of shape [1, 8, 8, 8], the tensor has [1, 8, 8, 16]"),
        (_widen, "expects outputs of type INT9, the tensor has INT8"),
    ],
)
def test_damage_is_named_with_the_line_of_the_layer(
    case: Case, damage: Callable[[Any], None], message: str
):
    with pytest.raises(StageError) as caught:
        finn_checks.check_graph(case.damaged(damage), "folded", case.origins)
    assert caught.value.message == f"after folded, {CONV} ({case.origins[CONV]}) {message}"


def test_a_stream_that_nothing_reads_is_named(case: Case):
    with pytest.raises(StageError, match=rf"{CONV}\.lost gives a stream that nothing empties"):
        finn_checks.check_graph(case.damaged(_leave_unread), "hw", {})


def test_one_wrong_threshold_is_found_at_its_node(case: Case):
    def shift(model: Any) -> None:
        table = _node(model).input[2]
        model.set_initializer(table, model.get_initializer(table) + 1)

    golden = finn_checks.Golden.load(case.golden, case.integer)
    with pytest.raises(StageError) as caught:
        golden.check(case.damaged(shift), "minimised", case.origins)
    assert caught.value.message.startswith(f"after minimised, {CONV} ({case.origins[CONV]}) gives ")


def test_golden_vectors_of_another_network_are_refused(case: Case, tmp_path: Path):
    with np.load(case.golden) as golden:
        np.savez(
            tmp_path / "golden.npz",
            images=golden["images"],
            integer_logits=golden["integer_logits"] + 1,
        )
    with pytest.raises(StageError, match="other logits than the trained network for image 0"):
        finn_checks.Golden.load(tmp_path / "golden.npz", case.integer)
    with pytest.raises(StageError, match="no golden vectors at"):
        finn_checks.Golden.load(tmp_path / "none.npz", case.integer)
