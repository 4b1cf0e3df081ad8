"""FINN in a hurry gives what FINN gives: our quick transformations and widths against its own, unmodified, on one network."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("brevitas")
pytest.importorskip("finn")

from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp

from support.export import trained
from support.finn import estimates as finn_estimates
from support.finn import folding as finn_folding
from support.finn import hardware as finn_hardware
from support.finn import tool as finn_tool
from support.finn import widths as finn_widths
from support.finn.quick import QuickModel, apply
from tests.support.reduced import import_from, reduced

pytestmark = [pytest.mark.finn, pytest.mark.slow]
BOARD, CLOCK_NS, TARGET_CYCLES, WEIGHT_WIDTH_MAX = "ZCU104", 5.0, 500, 1000
FLOW = (finn_hardware, finn_folding, finn_estimates, finn_widths)


@pytest.fixture(scope="module")
def integer_graph(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Residual blocks, cells with pools and convolutions: 54 hardware nodes."""
    folder = reduced("quickstart", tmp_path_factory.mktemp("quickstart") / "project")
    finn_tool.start(folder / "finn")
    import_from(folder, "lowering")
    network = trained.load(folder, folder / "results" / "train" / "weights.safetensors")
    return network.graph.write()


@pytest.fixture(scope="module")
def quick(integer_graph: Any, tmp_path_factory: pytest.TempPathFactory) -> Built:
    return build(integer_graph, finn_widths.minimise, tmp_path_factory.mktemp("quick"))


@pytest.fixture(scope="module")
def plain(integer_graph: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    with pytest.MonkeyPatch.context() as patch:
        for module in FLOW:
            patch.setattr(module, "apply", applied_by_finn)
        yield build(integer_graph, minimised_by_finn, tmp_path_factory.mktemp("plain"))


class Built:
    def __init__(self, model: Any, reports: Path, estimates: dict[str, Any]) -> None:
        self.model = model
        self.nodes = {node.name: node for node in model.graph.node}
        self.reports = reports
        self.estimates = estimates

    def attributes(self, name: str) -> dict[str, Any]:
        instance = getCustomOp(self.nodes[name])
        return {key: instance.get_nodeattr(key) for key in instance.get_nodeattr_types()}


def build(graph: Any, minimise: Any, folder: Path) -> Built:
    """The steps of build.py up to the estimates."""
    part = finn_tool.fpga_part(BOARD)
    model = minimise(finn_hardware.to_hardware(ModelWrapper(copy.deepcopy(graph))))
    model = finn_hardware.specialise(finn_hardware.partition(model, folder), part)
    model = minimise(finn_folding.fold(model, TARGET_CYCLES, WEIGHT_WIDTH_MAX))
    estimates = finn_estimates.estimate(model, part, BOARD, CLOCK_NS, folder / "report")
    return Built(model, folder / "report", estimates)


def applied_by_finn(model: Any, transformations: list[Any], say: Any = None) -> Any:
    del say
    model = ModelWrapper(model.model)
    for transformation in transformations:
        model = model.transform(transformation)
    return model


def minimised_by_finn(model: Any) -> Any:
    """FINN's step_minimize_bit_width (finn.builder.build_dataflow_steps._minimize_bit_width)."""
    from finn.transformation.fpgadataflow.minimize_accumulator_width import MinimizeAccumulatorWidth
    from finn.transformation.fpgadataflow.minimize_weight_bit_width import MinimizeWeightBitWidth
    from finn.transformation.streamline.round_thresholds import RoundAndClipThresholds
    from qonnx.transformation.infer_datatypes import InferDataTypes

    return applied_by_finn(
        model,
        [
            MinimizeWeightBitWidth(),
            MinimizeAccumulatorWidth(),
            InferDataTypes(),
            RoundAndClipThresholds(),
            MinimizeWeightBitWidth(),
            InferDataTypes(),
        ],
    )


def test_the_same_nodes_and_connections(quick: Built, plain: Built):
    def connections(built: Built) -> list[Any]:
        return [(n.name, n.op_type, [*n.input], [*n.output]) for n in built.model.graph.node]

    assert connections(quick) == connections(plain)


def test_the_same_shapes_layouts_and_constants(quick: Built, plain: Built):
    for node in plain.model.graph.node:
        for tensor in (*node.input, *node.output):
            for get in ("get_tensor_shape", "get_tensor_layout"):
                assert getattr(quick.model, get)(tensor) == getattr(plain.model, get)(tensor), (
                    tensor
                )
            found, expected = (b.model.get_initializer(tensor) for b in (quick, plain))
            assert (found is None) == (expected is None)
            assert found is None or (found == expected).all(), tensor


def test_the_same_folding_and_types_but_for_products_with_signs(quick: Built, plain: Built):
    """FINN 1.6.1 reckons +-1 times an INT9 to INT10; when it no longer does, drop finn_widths._narrow_with_constant."""
    wider = {}
    for name in plain.nodes:
        found, expected = quick.attributes(name), plain.attributes(name)
        differing = {key for key in expected if found[key] != expected[key]}
        if differing:
            wider[name] = differing
    products = [n.name for n in plain.model.graph.node if n.op_type.startswith("ElementwiseMul")]
    assert products
    readers = {plain.model.find_consumer(plain.nodes[name].output[0]).name for name in products}
    named = {name: {"out_dtype"} for name in products}
    named |= {name: {"inputDataType"} for name in readers}
    assert wider == named
    for name in products:
        found, expected = (
            DataType[built.attributes(name)["out_dtype"]].bitwidth() for built in (quick, plain)
        )
        assert found < expected


def test_the_same_estimates(quick: Built, plain: Built):
    assert quick.estimates == plain.estimates
    for report in sorted(plain.reports.glob("*.json")):
        assert (quick.reports / report.name).read_text() == report.read_text(), report.name


def test_a_quick_model_finds_what_has_moved(integer_graph: Any):
    """Nodes, types and constants are remembered by place: a graph that changes under the memory must not mislead it."""
    quick, slow = QuickModel(copy.deepcopy(integer_graph)), ModelWrapper(integer_graph)
    tensors = {t for n in slow.graph.node for t in (*n.input, *n.output)}

    def agree() -> None:
        for tensor in (*tensors, "nowhere"):
            found = quick.find_producer(tensor)
            expected = slow.find_producer(tensor)
            assert (found and found.name) == (expected and expected.name)
            assert quick.get_tensor_shape(tensor) == slow.get_tensor_shape(tensor)
            assert (quick.get_initializer(tensor) is None) == (slow.get_initializer(tensor) is None)
            if slow.get_tensor_shape(tensor) is not None:
                assert quick.get_tensor_datatype(tensor) == slow.get_tensor_datatype(tensor)

    agree()
    slow = ModelWrapper(quick.model)
    for items in (quick.graph.node, quick.graph.initializer, quick.graph.quantization_annotation):
        backwards = [copy.deepcopy(item) for item in reversed(items)]
        del items[:]
        items.extend(backwards)
    agree()
    quick.set_tensor_datatype("stem.conv", DataType["INT31"])
    assert slow.get_tensor_datatype("stem.conv") == DataType["INT31"]


def test_transformations_change_the_model_in_place(integer_graph: Any):
    from qonnx.transformation.infer_datatypes import InferDataTypes

    model = ModelWrapper(copy.deepcopy(integer_graph))
    assert apply(model, [InferDataTypes()]).model is model.model
