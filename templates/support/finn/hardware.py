"""From the integer graph to FINN's hardware layers: conversion, one partition, HLS or RTL for each, their sources.

No Vivado is needed for any of it. Call `finn_tool.start` first: FINN reads its settings when it is imported.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from support.finn import single_bits as finn_single_bits
from support.finn.names import name_after_layers, names_by_tensor, restore_names
from support.finn.packing import packed_at_once
from support.finn.quick import Say, apply, nothing
from support.finn.tool import conversion, found
from support.progress import StageError

# In this order: a conversion may take nodes that a later one would take otherwise.
CONVERSIONS = (
    "InferBinaryMatrixVectorActivation",  # it insists on types that others infer anew
    "InferPool",
    "InferElementwiseBinaryOperation",
    "InferQuantizedMatrixVectorActivation",
    "InferThresholdingLayer",
    "InferConvInpGen",
    "InferDuplicateStreamsLayer",
    "InferLabelSelectLayer",
)


def to_hardware(model: Any, say: Say = nothing) -> Any:
    """FINN's hardware layers, still without HLS or RTL chosen; Python execution gives the integers of the graph."""
    from finn.transformation.move_reshape import RemoveCNVtoFCFlatten

    lowest = finn_single_bits.lowest_activations(model)
    steps = [step for name in CONVERSIONS for step in conversion(name)]
    model = apply(model, [*steps, RemoveCNVtoFCFlatten()], say)
    left = [n for n in model.graph.node if not n.domain.startswith("finn.custom_op")]
    if left:
        tool = found()
        raise StageError(
            f"{tool} has no hardware layer for {left[0].op_type}, which {left[0].name} is"
            + (f" (and {len(left) - 1} more like it)" if len(left) > 1 else ""),
            "is this the model.integer.onnx of export.py?"
            if tool.is_plus
            else "finn-plus has all that nashc needs: pip install finn-plus",
        )
    finn_single_bits.correct_activations(model, lowest)
    name_after_layers(model)
    return model


def partition(model: Any, folder: Path) -> Any:
    """FINN's step_create_dataflow_partition: the accelerator as a model of its own, kept in the folder."""
    from finn.transformation.fpgadataflow.create_dataflow_partition import CreateDataflowPartition
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.custom_op.registry import getCustomOp

    folder.mkdir(parents=True, exist_ok=True)
    parent = model.transform(CreateDataflowPartition(partition_model_dir=str(folder.resolve())))
    nodes = parent.get_nodes_by_op_type("StreamingDataflowPartition")
    assert len(nodes) == 1, f"FINN made {len(nodes)} partitions of one accelerator"
    return ModelWrapper(getCustomOp(nodes[0]).get_nodeattr("model"))


def specialise(model: Any, part: str) -> Any:
    """HLS or RTL for each layer, by FINN's rules for this part."""
    from finn.transformation.fpgadataflow.specialize_layers import SpecializeLayers
    from qonnx.transformation.infer_datatypes import InferDataTypes

    names = names_by_tensor(model)
    model = apply(model, [SpecializeLayers(part)])
    restore_names(model, names)
    return apply(model, [InferDataTypes()])


def without_code(model: Any) -> list[str]:
    """The nodes whose folder of generated sources is missing or empty."""
    from qonnx.custom_op.registry import getCustomOp

    folders = {n.name: getCustomOp(n).get_nodeattr("code_gen_dir_ipgen") for n in model.graph.node}
    return [
        n for n, f in folders.items() if not f or not Path(f).is_dir() or not any(Path(f).iterdir())
    ]


def generate_code(model: Any, part: str, clock_ns: float) -> Any:
    """HLS and RTL sources of all nodes, into FINN_BUILD_DIR; the model tells each node's folder."""
    from finn.transformation.fpgadataflow.prepare_ip import PrepareIP

    with packed_at_once():
        return apply(model, [PrepareIP(part, clock_ns)])
