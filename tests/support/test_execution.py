"""Running graphs on whole batches: what qonnx gives image by image, and types that cannot hold their values."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

pytest.importorskip("qonnx")

from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx

from support.verification.execution import ELEMENTS_MAX, Runner

GENERAL = "qonnx.custom_op.general"


def small_graph(size: int = 5, output: str = "INT16") -> ModelWrapper:
    """A convolution of stride 2 with padding, flattened and multiplied."""
    draws = np.random.default_rng(0)
    constants = {
        "weight": draws.integers(-3, 4, (18, 4)).astype(np.float32),
        "shape": np.array([1, -1], np.int64),
        "last": draws.integers(-3, 4, (36, 2)).astype(np.float32),
    }
    columns = helper.make_node(
        "Im2Col",
        ["image"],
        ["columns"],
        name="columns",
        domain=GENERAL,
        stride=[2, 2],
        kernel_size=[3, 3],
        pad_amount=[1, 1, 1, 1],
        input_shape=f"(1,{size},{size},2)",
    )
    nodes = [
        columns,
        helper.make_node("MatMul", ["columns", "weight"], ["sums"], name="sums"),
        helper.make_node("Reshape", ["sums", "shape"], ["flat"], name="flat"),
        helper.make_node("MatMul", ["flat", "last"], ["result"], name="result"),
    ]
    shapes = {
        "image": (1, size, size, 2),
        "columns": (1, 3, 3, 18),
        "sums": (1, 3, 3, 4),
        "flat": (1, 36),
        "result": (1, 2),
    }
    info = {n: helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in shapes.items()}
    graph = helper.make_graph(
        nodes,
        "small",
        [info["image"]],
        [info["result"]],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
        value_info=[info["columns"], info["sums"], info["flat"]],
    )
    opsets = [helper.make_opsetid("", 13), helper.make_opsetid(GENERAL, 2)]
    model = ModelWrapper(helper.make_model(graph, opset_imports=opsets, ir_version=10))
    model.set_tensor_datatype("image", DataType["UINT2"])
    model.set_tensor_datatype("sums", DataType[output])
    return model


def images(count: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 4, (count, 5, 5, 2)).astype(np.float32)


@pytest.mark.parametrize("count", [1, 2, 7])
def test_a_batch_gives_what_each_image_gives(count: int):
    model = small_graph()
    before = model.model.SerializeToString()
    pixels = images(count)
    found = Runner(model, ["sums"]).run(pixels)
    assert set(found) == {"sums", "result"}
    for index in range(count):
        one = execute_onnx(model, {"image": pixels[index : index + 1]}, True)
        assert np.array_equal(found["sums"][index], one["sums"][0])
        assert np.array_equal(found["result"][index], one["result"][0])
    assert model.model.SerializeToString() == before


def test_values_outside_their_type_are_told_once():
    runner = Runner(small_graph(output="INT4"), checks_datatypes=True)
    runner.run(images(4))
    runner.run(images(4))
    (found,) = runner.out_of_range
    assert (found.node, found.tensor, found.datatype) == ("sums", "sums", "INT4")
    assert found.low < -8 or found.high > 7


def test_values_inside_their_type_are_not_told():
    runner = Runner(small_graph(), checks_datatypes=True)
    runner.run(images(4))
    assert runner.out_of_range == []


def test_large_graphs_run_fewer_images_at_once():
    assert Runner(small_graph()).images_at_once() == ELEMENTS_MAX // (3 * 3 * 18)


def test_the_qonnx_bug_that_we_work_around_is_still_there():
    """Im2Col of qonnx 1.0.0 mixes up the images of a batch. When this fails, drop _windows in support/verification/execution.py."""
    model = small_graph()
    pixels = images(2)
    node = model.graph.node[0]
    from qonnx.custom_op.registry import getCustomOp

    context = {"image": pixels, "columns": np.empty((2, 3, 3, 18), np.float32)}
    getCustomOp(node).execute_node(context, model.graph)
    one = execute_onnx(model, {"image": pixels[:1]}, True)["columns"]
    assert not np.array_equal(context["columns"][:1], one)
