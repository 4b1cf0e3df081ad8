"""FINN's estimates of cycles and resources, by layer and in all."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

from support.files import write_json
from support.finn.limits import folding_limit
from support.finn.names import layer_of
from support.finn.quick import apply
from support.finn.tool import board_resources, tool

# What FINN+ 1.6.1 counts wrong or not at all; each layer carries the names of those that it has.
HOLES = {
    "thresholds": "the thresholds inside MVAU_hls count 0 LUT unless ram_style_thresholds is distributed",
    "rtl_lut": "the LUT of MVAU_rtl are estimated as the constant 0",
    "rtl_dsp": "the DSP of MVAU_rtl are estimated without regard to bit widths; small widths share a DSP in truth",
    "zero": "FINN has no estimate for one of its nodes, such as a pad, and counts 0",
    "latency": "latency is the sum of the cycles of the longest path, as if no two layers worked at once",
    "between": "FIFOs and width converters between the layers are not counted before they are sized",
}


def estimate(model: Any, part: str, board: str, clock_ns: float, reports: Path) -> dict[str, Any]:
    """FINN's own estimates, as one summary and as the report files that FINN's step_generate_estimate_reports writes."""
    from finn.transformation.fpgadataflow.annotate_cycles import AnnotateCycles

    model = apply(model, [AnnotateCycles()])
    speed = dict(performance(model))
    speed["estimated_throughput_fps"] = 1e9 / clock_ns / speed["max_cycles"]
    speed["estimated_latency_ns"] = speed["critical_path_cycles"] * clock_ns
    by_layer = _reports(model, part)
    for name, report in {**by_layer, "estimate_network_performance": speed}.items():
        write_json(reports / f"{name}.json", _plain(report))
    cycles, resources = by_layer["estimate_layer_cycles"], by_layer["estimate_layer_resources"]
    layers = [
        _layer(node, int(cycles[node.name]), _counts(resources[node.name]))
        for node in model.graph.node
    ]
    return {
        "network": {
            "cycles": speed["max_cycles"],
            "fps": speed["estimated_throughput_fps"],
            "latency_ms": speed["estimated_latency_ns"] / 1e6,
            "latency_means": "FINN's figure: the sum of the cycles of all layers on the longest path, "
            "without overlap; a pipeline is faster",
            **_counts(resources["total"]),
        },
        "bottleneck": speed["max_cycles_node_name"],
        "layers": layers,
        "warnings": warnings(model),
        "holes": HOLES,
        "board": board_resources(board),
        "clock_ns": clock_ns,
        "part": part,
        "tool": tool(),
    }


def _reports(model: Any, part: str) -> dict[str, dict[str, Any]]:
    """FINN's reports by the names of their files."""
    from finn.analysis.fpgadataflow import op_and_param_counts as operations
    from finn.analysis.fpgadataflow import res_estimation as resources
    from finn.analysis.fpgadataflow.exp_cycles_per_layer import exp_cycles_per_layer

    by_layer = model.analysis(partial(resources.res_estimation, fpgapart=part))
    return {
        "op_and_param_counts": model.analysis(operations.op_and_param_counts),
        "estimate_layer_cycles": model.analysis(exp_cycles_per_layer),
        "estimate_layer_resources": {
            **by_layer,
            "total": operations.aggregate_dict_keys(by_layer),
        },
        "estimate_layer_config_alternatives": model.analysis(
            partial(resources.res_estimation_complete, fpgapart=part)
        ),
    }


def performance(model: Any) -> dict[str, Any]:
    from finn.analysis.fpgadataflow.dataflow_performance import dataflow_performance
    from finn.transformation.fpgadataflow.annotate_cycles import AnnotateCycles

    return apply(model, [AnnotateCycles()]).analysis(dataflow_performance)


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


def _layer(node: Any, cycles: int, counts: dict[str, int]) -> dict[str, Any]:
    return {
        "name": node.name,
        "layer": layer_of(node.name),
        "op": node.op_type,
        "cycles": cycles,
        **counts,
        **_parallelism(node),
        "marks": _marks(node, counts),
    }


def _counts(report: dict[str, Any]) -> dict[str, int]:
    return {
        "lut": round(report.get("LUT", 0)),
        "bram18": round(report.get("BRAM_18K", 0)),
        "uram": round(report.get("URAM", 0)),
        "dsp": round(report.get("DSP", 0)),
    }


def _marks(node: Any, counts: dict[str, int]) -> list[str]:
    """Which of `HOLES` the layer's figures have."""
    from qonnx.custom_op.registry import getCustomOp

    instance = getCustomOp(node)
    marks = []
    if node.op_type == "MVAU_hls" and not instance.get_nodeattr("noActivation"):
        is_counted = instance.get_nodeattr("ram_style_thresholds") == "distributed"
        marks += [] if is_counted else ["thresholds"]
    if node.op_type == "MVAU_rtl":
        marks += ["rtl_lut", "rtl_dsp"]
    if not any(counts.values()):
        marks.append("zero")
    return marks


def _parallelism(node: Any) -> dict[str, int | None]:
    """PE and SIMD, and the most there can be of each; None where the layer has none."""
    from qonnx.custom_op.registry import getCustomOp

    instance = getCustomOp(node)
    known = instance.get_nodeattr_types()
    found: dict[str, int | None] = {}
    for name in ("PE", "SIMD"):
        has = name in known
        found[name.lower()] = int(instance.get_nodeattr(name)) if has else None
        found[f"{name.lower()}_max"] = folding_limit(node, name) if has else None
    return found


def _plain(value: Any) -> Any:
    """numpy numbers as plain ones, for JSON."""
    return json.loads(json.dumps(value, default=lambda number: number.item()))
