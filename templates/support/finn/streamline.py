"""The second way to FINN: its own streamlining of the QONNX export, for graphs that the direct lowering does not write.

What FINN+ 1.6.1 ships as step_streamline leaves a residual network with cells unconverted (`Im2Col_15 : Input is not
int`). The order here takes it to the form of the direct lowering: integers only, NHWC, one MultiThreshold per activation.
"""

from __future__ import annotations

from typing import Any

from support.finn.quick import Say, apply, apply_inferring, nothing
from support.finn.streamlined_names import DIRECT, batchnorms_of_pools, layer_of, name_after_layers
from support.progress import StageError

# Rounds of linear moves; a scale passes one join of streams in each.
ROUNDS = 4
# About as many are told to `say`; how often transposes must be moved depends on the network.
TRANSFORMATIONS = 165


def streamline(model: Any, pixels: str, say: Say = nothing) -> Any:
    """QONNX with input `image` [1, C, H, W] -> the integer graph that `to_hardware` takes. pixels: their data type."""
    signs = batchnorms_of_pools(model)
    model = _finn_onnx(model, pixels, say)
    model = _scales_moved(model, say)
    model = _lowered(model, say)
    _check_pools(model)
    name_after_layers(model, signs)
    return model


def _finn_onnx(model: Any, pixels: str, say: Say) -> Any:
    from finn.transformation.qonnx.convert_qonnx_to_finn import ConvertQONNXtoFINN
    from qonnx.core.datatype import DataType
    from qonnx.transformation.fold_constants import FoldConstants
    from qonnx.transformation.general import GiveUniqueParameterTensors
    from qonnx.transformation.infer_datatypes import InferDataTypes
    from qonnx.transformation.infer_shapes import InferShapes
    from qonnx.transformation.insert_topk import InsertTopK

    model.set_tensor_datatype(model.graph.input[0].name, DataType[pixels])
    activations = [
        node.output[0]
        for node in model.graph.node
        if node.op_type in ("Quant", "BipolarQuant")
        and model.get_initializer(node.input[0]) is None
    ]
    averages = [node.output[0] for node in model.graph.node if node.op_type == "Trunc"]
    _clone_shared_relus(model)
    model = apply_inferring(model, [InferShapes(), ConvertQONNXtoFINN()], say)
    check_connections(model, "ConvertQONNXtoFINN")
    for layer in activations:
        thresholds = _made_by(model, layer, "MultiThreshold").input[1]
        model.rename_tensor(thresholds, f"{layer}.thresholds")
    for layer in averages:
        _made_by(model, layer, "QuantAvgPool2d").name = layer
    return apply_inferring(
        model,
        [
            GiveUniqueParameterTensors(),
            InferShapes(),
            FoldConstants(),
            InsertTopK(k=1),
            InferShapes(),
            InferDataTypes(),
        ],
        say,
    )


def _made_by(model: Any, tensor: str, op: str) -> Any:
    """The node of kind `op` that `tensor` comes from, straight or through scales and offsets."""
    nodes = model.find_upstream(tensor, lambda node: node.op_type == op)
    assert nodes and nodes[-1].op_type == op, f"FINN made no {op} for {tensor}"
    return nodes[-1]


def check_connections(model: Any, step: str) -> None:
    """Errors: StageError if a node reads a tensor that nothing gives; FINN says nothing when it cuts a graph apart."""
    given = {tensor.name for tensor in (*model.graph.input, *model.graph.initializer)}
    given.update(tensor for node in model.graph.node for tensor in node.output)
    for node in model.graph.node:
        for tensor in node.input:
            if tensor and tensor not in given:
                raise StageError(
                    f"after {step} of FINN {node.name or node.op_type} reads {tensor}, which nothing gives"
                )


def _clone_shared_relus(model: Any) -> None:
    """One Relu for each quantiser that reads it.

    ConvertQONNXtoFINN of FINN+ 1.6.1 removes a Relu with the first of two Quants behind it and leaves the second
    MultiThreshold reading nothing; no error is raised.
    """
    from onnx import helper

    graph = model.graph
    for relu in [node for node in graph.node if node.op_type == "Relu"]:
        readers = model.find_consumers(relu.output[0])
        for count, reader in enumerate(readers[1:], start=1):
            tensor = f"{relu.output[0]}.{count}"
            info = helper.make_tensor_value_info(tensor, 1, model.get_tensor_shape(relu.output[0]))
            graph.value_info.append(info)
            clone = helper.make_node("Relu", [relu.input[0]], [tensor], name=f"{relu.name}.{count}")
            graph.node.insert(list(graph.node).index(relu), clone)
            for index, name in enumerate(reader.input):
                if name == relu.output[0]:
                    reader.input[index] = tensor


def _scales_moved(model: Any, say: Say) -> Any:
    """Scales and offsets of floats moved along until thresholds and the choice of a class have taken them all."""
    from finn.transformation.streamline import absorb, reorder, round_thresholds
    from qonnx.transformation.infer_datatypes import InferDataTypes

    # These two look at one node after the other and need no types but that node's.
    model = apply(model, [absorb.AbsorbSignBiasIntoMultiThreshold()], say)
    for _ in range(ROUNDS):
        model = apply_inferring(model, _linear_moves(), say)
        model = apply(model, [round_thresholds.RoundAndClipThresholds()], say)
        model = apply_inferring(
            model,
            [reorder.MoveLinearPastEltwiseAdd(), reorder.MoveLinearPastFork(), InferDataTypes()],
            say,
        )
    return model


def _linear_moves() -> list[Any]:
    from finn.transformation.streamline import absorb, collapse_repeated, reorder
    from finn.transformation.streamline.sign_to_thres import ConvertSignToThres
    from qonnx.transformation.batchnorm_to_affine import BatchNormToAffine
    from qonnx.transformation.general import ConvertDivToMul, ConvertSubToAdd
    from qonnx.transformation.infer_datatypes import InferDataTypes
    from qonnx.transformation.remove import RemoveIdentityOps

    return [
        absorb.AbsorbScalarMulAddIntoTopK(),
        ConvertSubToAdd(),
        ConvertDivToMul(),
        RemoveIdentityOps(),
        collapse_repeated.CollapseRepeatedMul(),
        collapse_repeated.CollapseRepeatedAdd(),
        BatchNormToAffine(),
        ConvertSignToThres(),
        reorder.MoveAddPastMul(),
        reorder.MoveScalarAddPastMatMul(),
        reorder.MoveAddPastConv(),
        reorder.MoveScalarMulPastMatMul(),
        reorder.MoveScalarMulPastConv(),
        reorder.MoveScalarLinearPastInvariants(),
        reorder.MoveAddPastMul(),
        collapse_repeated.CollapseRepeatedAdd(),
        collapse_repeated.CollapseRepeatedMul(),
        absorb.FactorOutMulSignMagnitude(),
        reorder.MoveMaxPoolPastMultiThreshold(),
        reorder.MoveMulPastMaxPool(),
        absorb.AbsorbAddIntoMultiThreshold(),
        absorb.AbsorbMulIntoMultiThreshold(),
        absorb.Absorb1BitMulIntoMatMul(),
        absorb.Absorb1BitMulIntoConv(),
        InferDataTypes(),
    ]


def _lowered(model: Any, say: Say) -> Any:
    """Convolutions as products of matrices, all tensors NHWC."""
    from finn.transformation.fpgadataflow.convert_to_hw.pool import InferPool
    from finn.transformation.streamline import absorb, reorder
    from qonnx.transformation.infer_data_layouts import InferDataLayouts
    from qonnx.transformation.infer_datatypes import InferDataTypes
    from qonnx.transformation.infer_shapes import InferShapes
    from qonnx.transformation.lower_convs_to_matmul import LowerConvsToMatMul
    from qonnx.transformation.remove import RemoveIdentityOps

    # InferPool before any transpose has moved: MakeMaxPoolNHWC of FINN+ 1.6.1 puts a Transpose between 112x112 and
    # 56x56 when the output of a pool forks, and says nothing.
    model = apply_inferring(model, [LowerConvsToMatMul(), InferPool(), InferDataLayouts()], say)
    while _inner_transposes(model):
        before = len(model.graph.node), _inner_transposes(model)
        model = apply_inferring(
            model,
            [
                absorb.AbsorbTransposeIntoMultiThreshold(),
                reorder.MoveTransposePastFork(),
                reorder.MoveTransposePastJoinAdd(),
                reorder.MoveTransposePastEltwise(),
                absorb.AbsorbConsecutiveTransposes(),
                absorb.AbsorbTransposeIntoFlatten(),
                RemoveIdentityOps(),
                InferShapes(),
                InferDataLayouts(),
            ],
            say,
        )
        if (len(model.graph.node), _inner_transposes(model)) == before:
            break
    left = _inner_transposes(model)
    if left:
        raise StageError(f"FINN could not move the transpose in front of {left[0]}", DIRECT)
    _take_nhwc(model)
    return apply_inferring(model, [InferDataTypes(), InferDataLayouts()], say)


def _inner_transposes(model: Any) -> list[str]:
    entry = model.graph.input[0].name
    return [
        node.output[0]
        for node in model.graph.node
        if node.op_type == "Transpose" and node.input[0] != entry
    ]


def _take_nhwc(model: Any) -> None:
    """The image comes with its channels last, as FINN's streams do."""
    entry = model.graph.input[0]
    readers = model.find_consumers(entry.name)
    assert [reader.op_type for reader in readers] == ["Transpose"], readers
    transposed = readers[0].output[0]
    n, c, h, w = model.get_tensor_shape(entry.name)
    for reader in model.find_consumers(transposed):
        reader.input[:] = [entry.name if name == transposed else name for name in reader.input]
    model.graph.node.remove(readers[0])
    model.set_tensor_shape(entry.name, [n, h, w, c])
    model.set_tensor_layout(entry.name, ["N", "H", "W", "C"])


def _check_pools(model: Any) -> None:
    """A negative batch-norm gain keeps FINN from thresholding before it pools, and it pads with 0, which may win."""
    from qonnx.custom_op.registry import getCustomOp

    for pool in model.get_nodes_by_op_type("Pool"):
        window = model.find_producer(pool.input[0])
        padding = getCustomOp(window).get_nodeattr("pad_amount")
        if model.get_tensor_datatype(window.input[0]).signed() and any(padding):
            raise StageError(
                f"{layer_of(pool)}: FINN cannot pad a max-pool of signed values, and the gains of the "
                "batch norm behind it are not all positive",
                DIRECT,
            )
