"""Runs inside a compiled folder: FINN's own figures for the network in it, untrained, as it is asked for them.

    python finn_side.py ASKED.json OUT.json worst|values [streamline]

ASKED: a list of {"finn": settings of the section `finn`, "foldings": a list of foldings}; OUT holds as many answers.
worst: batch-norm gains are positive, sums and thresholds take the types that the inputs' types allow (`datatype_only`).
values: some gains are negative, all types are minimised to the values; OUT holds those values' ranges.
streamline: the integer graph is made by FINN from the exported QONNX, not written from the layers.
"""

from __future__ import annotations

import copy
import json
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import model as network_code
import torch
from lowering import integer_graph

from support.export.qonnx import export
from support.export.ranges import ranges
from support.files import read_json
from support.finn import estimates as finn_estimates
from support.finn import folding as finn_folding
from support.finn import hardware as finn_hardware
from support.finn import options as finn_options
from support.finn import single_bits as finn_single_bits
from support.finn import streamline as finn_streamline
from support.finn import tool as finn_tool
from support.finn import widths as finn_widths
from support.finn.quick import apply

HERE = Path(__file__).resolve().parent


def main() -> None:
    asked, out, mode = json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2]), sys.argv[3]
    settings = read_json(HERE / "settings" / "build.json")
    started = time.perf_counter()
    finn_tool.start(HERE / "finn")
    from qonnx.core.modelwrapper import ModelWrapper

    minimise = finn_widths.minimise if mode == "values" else minimise_by_types
    network = untrained(mode).double().eval()
    graph = integer_graph(network)
    integers = streamlined(network, graph) if "streamline" in sys.argv else graph.write()
    result: dict[str, Any] = {"ranges": ranges(integers)}
    model = minimise(finn_hardware.to_hardware(ModelWrapper(integers)))
    model = finn_hardware.partition(model, HERE / "partition")
    result["answers"] = [
        answer(copy.deepcopy(model), settings | {"finn": each["finn"]}, each["foldings"], minimise)
        for each in asked
    ]
    result["seconds"] = time.perf_counter() - started
    out.write_text(json.dumps(result, default=lambda number: number.item()))


def streamlined(network: Any, graph: Any) -> Any:
    """FINN's own way, as export.py goes it for `lowering = streamline`."""
    modules = network.named_modules()
    layers = {path: graph.layers_of[id(m)] for path, m in modules if id(m) in graph.layers_of}
    exported = export(network.float(), network_code.INPUT_SHAPE, layers)
    return finn_streamline.streamline(exported, network_code.INPUT_DTYPE).model


def answer(
    model: Any, settings: dict[str, Any], foldings: list[dict[str, Any]], minimise: Any
) -> dict[str, Any]:
    """FINN's own folding with its figures, and the figures of each folding laid over it; as build.py goes."""
    part = finn_tool.fpga_part(settings["board"])
    model = finn_options.set_options(model, finn_options.options_of(settings))
    model = finn_hardware.specialise(model, part)
    fps = settings["target_fps"]
    target = None if fps is None else max(1, int(1e9 / settings["clock_ns"] / fps))
    folded = finn_folding.fold(model, target, settings["mvau_wwidth_max"])
    model = minimise(copy.deepcopy(folded))
    found = {"default": figures(model, part), "folding": finn_folding.folding_of(model)}
    names = {node.name for node in model.graph.node}
    found["foldings"] = []
    for folding in foldings:
        there = {name: attributes for name, attributes in folding.items() if name in names}
        laid = finn_folding.apply_folding(copy.deepcopy(folded), there)
        found["foldings"].append(figures(minimise(laid), part))
    return found


def untrained(mode: str) -> Any:
    torch.manual_seed(0)
    network = network_code.Network()
    for module in network.modules():
        if mode == "values" and isinstance(module, torch.nn.BatchNorm2d):
            module.weight.data.uniform_(-1.5, 1.5)
            module.bias.data.uniform_(-0.5, 0.5)
    return network


def minimise_by_types(model: Any) -> Any:
    """finn_widths.minimise with FINN's `datatype_only` wherever values of a trained network would count."""
    from finn.transformation.fpgadataflow.minimize_weight_bit_width import MinimizeWeightBitWidth
    from finn.transformation.streamline.round_thresholds import RoundAndClipThresholds
    from qonnx.custom_op.registry import getCustomOp
    from qonnx.transformation.infer_datatypes import InferDataTypes

    model = apply(model, [MinimizeWeightBitWidth()])
    for node in model.graph.node:
        instance = getCustomOp(node)
        instance.infer_node_datatype(model)
        if hasattr(instance, "minimize_accumulator_width"):
            instance.minimize_accumulator_width(model, datatype_only=True)
            finn_single_bits.correct_accumulator(node, instance)
            instance.infer_node_datatype(model)
    model = apply(model, [InferDataTypes(), RoundAndClipThresholds(), InferDataTypes()])
    finn_single_bits.widen_weights(model)
    return model


def figures(model: Any, part: str) -> dict[str, Any]:
    from finn.analysis.fpgadataflow.exp_cycles_per_layer import exp_cycles_per_layer
    from finn.analysis.fpgadataflow.res_estimation import res_estimation

    performance = finn_estimates.performance(model)
    cycles = model.analysis(exp_cycles_per_layer)
    resources = model.analysis(partial(res_estimation, fpgapart=part))
    return {
        "cycles": performance["max_cycles"],
        "critical_path": performance["critical_path_cycles"],
        "nodes": {
            node.name: {
                "op": node.op_type,
                "cycles": int(cycles[node.name]),
                "lut": resources[node.name]["LUT"],
                "bram18": resources[node.name]["BRAM_18K"],
                "uram": resources[node.name]["URAM"],
                "dsp": resources[node.name]["DSP"],
            }
            for node in model.graph.node
        },
    }


main()
