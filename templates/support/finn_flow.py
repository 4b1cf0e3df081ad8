"""From the integer graph to FINN's hardware layers, folding and estimates, by FINN's own transformations.

No Vivado is needed for anything here. Call `start` before anything else: FINN reads its settings when it is imported.
Layer names stay on the nodes all the way: a convolution `a` becomes `a.pad`, `a.window` and `a` (its thresholds
inside), a fork of the stream after layer `b` becomes `b.fork`.
"""

from __future__ import annotations

import contextlib
import difflib
import json
import logging
import os
import re
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from support.progress import StageError

Say = Callable[[str], None]


def _nothing(_text: str) -> None:
    """Say nothing of what is being done."""


# What a folding file may set, as FINN's step_target_fps_parallelization writes it.
FOLDING_ATTRIBUTES = (
    "PE",
    "SIMD",
    "parallel_window",
    "ram_style",
    "ram_style_thresholds",
    "depth",
    "impl_style",
    "resType",
    "mac_resource",
    "mem_mode",
    "runtime_writeable_weights",
    "depth_trigger_uram",
    "depth_trigger_bram",
)
# The nodes that one layer of ours becomes, by the ending of their names.
ROLES = (".pad", ".window", ".fork", ".turned")


def start(build_dir: Path) -> None:
    """Give FINN a folder for generated code (absolute, or code generation fails) and its log a file there."""
    build_dir = build_dir.resolve()
    build_dir.mkdir(parents=True, exist_ok=True)
    os.environ["FINN_BUILD_DIR"] = str(build_dir)
    if not (Path.home() / ".finn" / "settings.yaml").exists():
        # Else FINN makes a folder in the home of whoever asks for its settings.
        os.environ.setdefault("FINN_SETTINGS", str(build_dir / "settings.yaml"))
    log = logging.getLogger("finn_logger")
    log.handlers[:] = [logging.FileHandler(build_dir / "finn.log", encoding="utf-8")]
    log.setLevel(logging.INFO)
    log.propagate = False


def tool() -> str:
    return f"finn-plus {version('finn-plus')}"


def layer_of(node_name: str) -> str:
    """The layer of the specification that a hardware node came from."""
    for role in ROLES:
        node_name = node_name.removesuffix(role)
    return node_name


def fpga_part(board: str) -> str:
    from finn.util.basic import part_map

    if board not in part_map:
        near = difflib.get_close_matches(board, part_map, n=1)
        raise StageError(
            f"FINN does not know the board {board!r}",
            (f"did you mean {near[0]!r}? " if near else "") + f"known: {', '.join(part_map)}",
        )
    return part_map[board]


def to_hardware(model: Any, say: Say = _nothing) -> Any:
    """FINN's hardware layers, still without HLS or RTL chosen; Python execution gives the integers of the graph."""
    from finn.transformation.fpgadataflow.convert_to_hw.conv_inp_gen import InferConvInpGen
    from finn.transformation.fpgadataflow.convert_to_hw.duplicate_streams import (
        InferDuplicateStreamsLayer,
    )
    from finn.transformation.fpgadataflow.convert_to_hw.elementwise_binary_operation import (
        InferElementwiseBinaryOperation,
    )
    from finn.transformation.fpgadataflow.convert_to_hw.label_select import InferLabelSelectLayer
    from finn.transformation.fpgadataflow.convert_to_hw.pool import InferPool
    from finn.transformation.fpgadataflow.convert_to_hw.quantized_matrix_vector_activation import (
        InferQuantizedMatrixVectorActivation,
    )
    from finn.transformation.fpgadataflow.convert_to_hw.thresholding import InferThresholdingLayer
    from finn.transformation.move_reshape import RemoveCNVtoFCFlatten

    model = _apply(
        model,
        [
            InferPool(),
            InferElementwiseBinaryOperation(),
            InferQuantizedMatrixVectorActivation(),
            InferThresholdingLayer(),
            InferConvInpGen(),
            InferDuplicateStreamsLayer(),
            InferLabelSelectLayer(),
            RemoveCNVtoFCFlatten(),
        ],
        say,
    )
    left = [n.name for n in model.graph.node if not n.domain.startswith("finn.custom_op")]
    assert not left, f"FINN left these layers in software: {left}"
    _name_after_layers(model)
    return model


def minimise(model: Any, say: Say = _nothing) -> Any:
    """FINN's step_minimize_bit_width: weights, accumulators and thresholds as narrow as their values allow."""
    from finn.transformation.fpgadataflow.minimize_weight_bit_width import MinimizeWeightBitWidth
    from finn.transformation.streamline.round_thresholds import RoundAndClipThresholds
    from qonnx.transformation.infer_datatypes import InferDataTypes

    model = _apply(model, [MinimizeWeightBitWidth()], say)
    _minimise_accumulators(model)
    return _apply(
        model,
        [InferDataTypes(), RoundAndClipThresholds(), MinimizeWeightBitWidth(), InferDataTypes()],
        say,
    )


def partition(model: Any, folder: Path) -> Any:
    """FINN's step_create_dataflow_partition: the accelerator as a model of its own; the parent is kept beside it."""
    from finn.transformation.fpgadataflow.create_dataflow_partition import CreateDataflowPartition
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.custom_op.registry import getCustomOp

    folder.mkdir(parents=True, exist_ok=True)
    parent = model.transform(CreateDataflowPartition(partition_model_dir=str(folder.resolve())))
    nodes = parent.get_nodes_by_op_type("StreamingDataflowPartition")
    assert len(nodes) == 1, f"FINN made {len(nodes)} partitions of one accelerator"
    parent.save(str(folder / "dataflow_parent.onnx"))
    return ModelWrapper(getCustomOp(nodes[0]).get_nodeattr("model"))


def specialise(model: Any, part: str) -> Any:
    """HLS or RTL for each layer, by FINN's rules for this part."""
    from finn.transformation.fpgadataflow.specialize_layers import SpecializeLayers
    from qonnx.transformation.infer_datatypes import InferDataTypes

    with _layer_names_kept(model) as restore:
        model = _apply(model, [SpecializeLayers(part)])
        restore(model)
    return _apply(model, [InferDataTypes()])


def fold(model: Any, target_cycles: int | None, weight_width_max: int, say: Say = _nothing) -> Any:
    """FINN's SetFolding in its two passes, the second for what the slowest layer can do; that layer is named."""
    from finn.transformation.fpgadataflow.annotate_cycles import AnnotateCycles
    from finn.transformation.fpgadataflow.set_folding import SetFolding

    if target_cycles is not None:
        with _layer_names_kept(model) as restore:
            for goal in ("target", "bottleneck"):
                model = _apply(
                    model,
                    [SetFolding(target_cycles, weight_width_max, two_pass_relaxation=False)],
                )
                restore(model)
                performance = _performance(model)
                if performance["max_cycles"] <= target_cycles or goal == "bottleneck":
                    break
                say(
                    f"{performance['max_cycles_node_name']} needs {performance['max_cycles']} cycles, "
                    f"the target is {target_cycles}: folding the other layers to that"
                )
                target_cycles = performance["max_cycles"]
    return _apply(model, [AnnotateCycles()])


def apply_folding(model: Any, folding: dict[str, dict[str, Any]]) -> Any:
    """Set attributes by node name. Errors: StageError for unknown names or attributes, and factors that do not divide."""
    from qonnx.custom_op.registry import getCustomOp

    nodes = {node.name: node for node in model.graph.node}
    for name, attributes in folding.items():
        if name == "Defaults":
            continue
        if name not in nodes:
            near = difflib.get_close_matches(name, nodes, n=3)
            raise StageError(
                f"the folding names a layer that the hardware does not have: {name}",
                f"near: {', '.join(near)}" if near else f"layers: {', '.join(nodes)}",
            )
        instance = getCustomOp(nodes[name])
        known = instance.get_nodeattr_types()
        for attribute, value in attributes.items():
            if attribute not in known or attribute not in FOLDING_ATTRIBUTES:
                raise StageError(
                    f"{name}: {nodes[name].op_type} has no folding attribute {attribute}"
                )
            limit = _folding_limit(instance, nodes[name].op_type, attribute)
            if limit is not None and (value < 1 or limit % value):
                raise StageError(f"{name}: {attribute} = {value} does not divide {limit}")
            instance.set_nodeattr(attribute, value)
    return model


def folding_of(model: Any) -> dict[str, Any]:
    """What a folding file holds, by layer name; `apply_folding` takes it back."""
    from finn.util.config import extract_model_config

    return {
        name: values
        for name, values in extract_model_config(model, None, FOLDING_ATTRIBUTES).items()
        if name != "Defaults"
    }


def estimate(model: Any, part: str, board: str, clock_ns: float, reports: Path) -> dict[str, Any]:
    """FINN's own estimates, as one summary and as the report files that FINN's step_generate_estimate_reports writes."""
    from functools import partial

    from finn.analysis.fpgadataflow.exp_cycles_per_layer import exp_cycles_per_layer
    from finn.analysis.fpgadataflow.op_and_param_counts import (
        aggregate_dict_keys,
        op_and_param_counts,
    )
    from finn.analysis.fpgadataflow.res_estimation import (
        res_estimation,
        res_estimation_complete,
    )
    from finn.transformation.fpgadataflow.annotate_cycles import AnnotateCycles

    from support.files import write_json

    model = _apply(model, [AnnotateCycles()])
    cycles = model.analysis(exp_cycles_per_layer)
    resources = model.analysis(partial(res_estimation, fpgapart=part))
    performance = dict(_performance(model))
    performance["estimated_throughput_fps"] = 1e9 / clock_ns / performance["max_cycles"]
    performance["estimated_latency_ns"] = performance["critical_path_cycles"] * clock_ns
    total = aggregate_dict_keys(resources)
    for name, report in {
        "op_and_param_counts": model.analysis(op_and_param_counts),
        "estimate_layer_cycles": cycles,
        "estimate_layer_resources": {**resources, "total": total},
        "estimate_layer_config_alternatives": model.analysis(
            partial(res_estimation_complete, fpgapart=part)
        ),
        "estimate_network_performance": performance,
    }.items():
        write_json(reports / f"{name}.json", _plain(report))
    layers = [
        {
            "name": node.name,
            "layer": layer_of(node.name),
            "op": node.op_type,
            "cycles": int(cycles[node.name]),
            **_resources(resources[node.name]),
            **_parallelism(node),
        }
        for node in model.graph.node
    ]
    return {
        "network": {
            "cycles": performance["max_cycles"],
            "fps": performance["estimated_throughput_fps"],
            "latency_ms": performance["estimated_latency_ns"] / 1e6,
            "latency_means": "FINN's figure: the sum of the cycles of all layers on the longest path, "
            "without overlap; a pipeline is faster",
            **_resources(total),
        },
        "bottleneck": performance["max_cycles_node_name"],
        "layers": layers,
        "warnings": warnings(model),
        "board": board_resources(board),
        "clock_ns": clock_ns,
        "part": part,
        "tool": tool(),
    }


def warnings(model: Any) -> list[dict[str, str]]:
    """Layers that FINN builds wrong in this folding, as far as we know.

    MVAU_rtl of FINN+ 1.6.1 loses data under back pressure when SIMD = MW: its output queue takes fewer results than
    are in flight when one appears in every cycle (seen in RTL simulation, FINN's own assertion fires).
    """
    from qonnx.custom_op.registry import getCustomOp

    found = []
    for node in model.get_nodes_by_op_type("MVAU_rtl"):
        width = getCustomOp(node).get_nodeattr("MW")
        if getCustomOp(node).get_nodeattr("SIMD") == width:
            text = f"MVAU_rtl may lose data under back pressure at SIMD = {width}; fold it to half of that or less"
            found.append({"layer": node.name, "text": text})
    return found


def board_resources(board: str) -> dict[str, Any] | None:
    """All resources of the board's FPGA, where FINN knows them."""
    from finn.util.platforms import platforms

    if board not in platforms:
        return None
    regions = platforms[board]().compute_resources
    lut, _ff, bram18, uram, dsp = (int(sum(column)) for column in zip(*regions, strict=True))
    return {"name": board, "lut": lut, "bram18": bram18, "uram": uram, "dsp": dsp}


def finn_names(model: Any) -> tuple[Any, dict[str, str]]:
    """The model with FINN's own node names, which HLS, Vivado and FINN's later steps rely on, and the way back.

    Every later FINN step renames its nodes again, by kind and position; dots are no part of a C++ name.
    """
    from finn.transformation.qonnx.give_unique_node_names_recursive import (
        GiveUniqueNodeNamesRecursive,
    )

    layers = [node.name for node in model.graph.node]
    model = model.transform(GiveUniqueNodeNamesRecursive())
    return model, {node.name: name for node, name in zip(model.graph.node, layers, strict=True)}


def generate_code(model: Any, part: str, clock_ns: float) -> Any:
    """HLS and RTL sources of all nodes, into FINN_BUILD_DIR; the model tells each node's folder."""
    from finn.transformation.fpgadataflow.prepare_ip import PrepareIP

    return _apply(model, [PrepareIP(part, clock_ns)])


# ---- pieces ----------------------------------------------------------------------------------------


def _apply(model: Any, transformations: list[Any], say: Say = _nothing) -> Any:
    with _quick_qonnx():
        for transformation in transformations:
            say(type(transformation).__name__)
            model = model.transform(transformation, make_deepcopy=False)
    return model


@contextlib.contextmanager
def _quick_qonnx() -> Iterator[None]:
    """Two detours of qonnx 1.0.0 that are most of FINN's time on a large network, cut short.

    Shape inference does nothing when all shapes are known. Whether a type allows each of a million thresholds is asked
    of the array, not of a million Python numbers.
    """
    from qonnx.core.datatype import IntType
    from qonnx.transformation.infer_shapes import InferShapes

    infer_shapes, vectorize = InferShapes.apply, np.vectorize

    def infer_unknown_shapes(self: Any, model: Any) -> tuple[Any, bool]:
        if model.check_all_tensor_shapes_specified():
            return model, False
        return infer_shapes(self, model)

    def vectorize_allowed(function: Any, *args: Any, **kwargs: Any) -> Any:
        datatype = getattr(function, "__self__", None)
        if isinstance(datatype, IntType) and function.__name__ == "allowed":
            low, high = datatype.min(), datatype.max()
            return lambda values: (values >= low) & (values <= high) & (values == np.round(values))
        return vectorize(function, *args, **kwargs)

    InferShapes.apply, np.vectorize = infer_unknown_shapes, vectorize_allowed
    try:
        yield
    finally:
        InferShapes.apply, np.vectorize = infer_shapes, vectorize


@contextlib.contextmanager
def _layer_names_kept(model: Any) -> Iterator[Callable[[Any], None]]:
    """FINN renames all nodes at the end of some transformations: `restore` gives the names back, by output tensor."""
    names = {node.output[0]: node.name for node in model.graph.node}

    def restore(changed: Any) -> None:
        for node in changed.graph.node:
            node.name = names[node.output[0]]

    yield restore


def _name_after_layers(model: Any) -> None:
    """Nodes and the tensors that FINN named by chance get the names of the layers they came from."""
    new_names: dict[str, str] = {}
    for node in model.graph.node:
        node.name = _layer_name(node)
    names = [node.name for node in model.graph.node]
    assert len(set(names)) == len(names), f"two nodes share a name in {names}"
    for node in model.graph.node:
        # Only FINN's own tensors: six characters by chance (ModelWrapper.make_new_valueinfo_name).
        for index, tensor in enumerate(node.output):
            if node.op_type == "DuplicateStreams":
                new_names[tensor] = f"{node.name}.{index}"
            elif node.op_type == "FMPadding" or re.fullmatch(r"\w{6}", tensor):
                new_names[tensor] = node.name
    graph = model.graph
    outputs = {tensor.name for tensor in graph.output}
    for old, new in new_names.items():
        if old not in outputs:
            model.rename_tensor(old, new)


def _layer_name(node: Any) -> str:
    if node.op_type.startswith("Elementwise"):
        return node.output[0].removesuffix(".magnitude")
    if node.op_type == "DuplicateStreams":
        return f"{node.input[0].removesuffix('.magnitude')}.fork"
    kinds = "FMPadding_Batch|ConvolutionInputGenerator|MVAU|Thresholding|Pool|LabelSelect"
    layer = re.sub(rf"^({kinds})_(Im2Col_)?", "", node.name)
    if node.op_type == "FMPadding":
        return f"{layer.removesuffix('.window')}.pad"
    if node.op_type == "ConvolutionInputGenerator":
        return f"{layer.removesuffix('.window')}.window"
    return layer


def _minimise_accumulators(model: Any) -> None:
    """FINN's MinimizeAccumulatorWidth, front to back: each node learns its input types before its own are chosen.

    FINN 1.6.1 infers the types of the whole model after every node instead: minutes on a large network.
    """
    from qonnx.custom_op.registry import getCustomOp

    for node in model.graph.node:
        instance = getCustomOp(node)
        instance.infer_node_datatype(model)
        if hasattr(instance, "minimize_accumulator_width"):
            instance.minimize_accumulator_width(model)
            if not _narrow_with_constant(model, node, instance):
                instance.infer_node_datatype(model)


def _narrow_with_constant(model: Any, node: Any, instance: Any) -> bool:
    """Give a product or difference with a constant the type of the values it can have.

    FINN 1.6.1 reckons with the types alone: +-1 times UINT8 became INT10, |UINT2 - 3| became UINT4.
    """
    from qonnx.core.datatype import DataType

    kind = node.op_type.removesuffix("_hls").removesuffix("_rtl")
    if kind not in ("ElementwiseMul", "ElementwiseAbsDiff"):
        return False
    constant = model.get_initializer(node.input[1])
    if constant is None:
        return False
    inputs = DataType[instance.get_nodeattr("lhs_dtype")]
    # Both operations take their extremes at the ends of the input's range, 0 is in every type.
    pairs = [
        (float(end), float(value))
        for end in (inputs.min(), inputs.max())
        for value in (constant.min(), constant.max())
    ]
    values = [a * b if kind == "ElementwiseMul" else abs(a - b) for a, b in pairs]
    low, high = int(min(values)), int(max(values))
    width = max(high.bit_length(), (-low - 1).bit_length() if low < 0 else 0)
    datatype = f"INT{width + 1}" if low < 0 else f"UINT{max(2, width)}"
    instance.set_nodeattr("out_dtype", datatype)
    model.set_tensor_datatype(node.output[0], DataType[datatype])
    return True


def _performance(model: Any) -> dict[str, Any]:
    from finn.analysis.fpgadataflow.dataflow_performance import dataflow_performance
    from finn.transformation.fpgadataflow.annotate_cycles import AnnotateCycles

    return _apply(model, [AnnotateCycles()]).analysis(dataflow_performance)


def _folding_limit(instance: Any, op_type: str, attribute: str) -> int | None:
    """What PE or SIMD must divide, None where it is not PE or SIMD."""
    if attribute not in ("PE", "SIMD"):
        return None
    if op_type.startswith("MVAU"):
        return int(instance.get_nodeattr("MH" if attribute == "PE" else "MW"))
    for channels in ("NumChannels", "Channels", "IFMChannels", "Labels"):
        if channels in instance.get_nodeattr_types():
            return int(instance.get_nodeattr(channels))
    return int(instance.get_normal_output_shape()[-1])


def _resources(report: dict[str, Any]) -> dict[str, int]:
    return {
        "lut": round(report.get("LUT", 0)),
        "bram18": round(report.get("BRAM_18K", 0)),
        "uram": round(report.get("URAM", 0)),
        "dsp": round(report.get("DSP", 0)),
    }


def _parallelism(node: Any) -> dict[str, int | None]:
    from qonnx.custom_op.registry import getCustomOp

    instance = getCustomOp(node)
    known = instance.get_nodeattr_types()
    return {
        name.lower(): int(instance.get_nodeattr(name)) if name in known else None
        for name in ("PE", "SIMD")
    }


def _plain(value: Any) -> Any:
    """numpy numbers as plain ones, for JSON."""
    return json.loads(json.dumps(value, default=lambda number: number.item()))
