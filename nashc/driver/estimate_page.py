"""The page of an estimate before anything is built: the same as that of a finished run, from the cost model's figures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nashc.cost.cost import RESOURCES
from nashc.cost.estimate import NodeCost
from nashc.cost.fold import limit, settings_of
from nashc.cost.models import finn_0_9, finn_plus_1_6
from nashc.driver.estimate import Answer
from nashc.lower import lower
from nashc.report.figures import Figures, figures_of
from nashc.report.page import page

# What FINN's estimators count wrong or not at all, in the words of the generated build program; a test holds the two
# together.
HOLES = {
    "thresholds": "the thresholds inside MVAU_hls count 0 LUT unless ram_style_thresholds is distributed",
    "rtl_lut": "the LUT of MVAU_rtl are estimated as the constant 0",
    "rtl_dsp": "the DSP of MVAU_rtl are estimated without regard to bit widths; small widths share a DSP in truth",
    "zero": "FINN has no estimate for one of its nodes, such as a pad, and counts 0",
    "between": "FIFOs and width converters between the layers are not counted before they are sized",
}
UNKNOWN = (
    "some nodes of this layer are C++ for Vitis HLS or were never measured: their LUT are not known"
)


def estimate_page(answer: Answer) -> str:
    """The HTML of an answer; of its variants, which have figures of their own, nothing is shown."""
    spec = answer.spec
    params = ", ".join(f"{key} = {value}" for key, value in spec.params.items())
    about = f"{spec.path.name}, {params}" if params else spec.path.name
    subtitle = f"{about}; as {answer.found.model} estimates it, {answer.types}"
    return page(estimate_figures(answer), lower(spec), spec.name, subtitle)


def estimate_figures(answer: Answer) -> Figures:
    """The figures in the form that a finished estimate has, with the holes of the model marked."""
    found, target = answer.found, answer.target
    counts = vars(target.board.resources) if target.board.resources else {}
    return figures_of(
        {
            "network": {
                "cycles": found.cycles,
                "fps": found.fps,
                "latency_ms": found.latency_ms,
                **{name: found.total(name) for name in RESOURCES},
            },
            "bottleneck": found.slowest.node.name,
            "layers": [_node(row, found.model) for row in found.nodes],
            "warnings": [
                {"layer": f"finn.{name}", "text": f"{found.model} has no regard to it"}
                for name in answer.left_out
            ],
            "holes": {
                **(HOLES if found.model != "nashc" else {}),
                "latency": found.latency_means,
                "unknown": UNKNOWN,
            },
            "board": {"name": target.board.name, **counts},
            "target_cycles": None if target.fps is None else int(1e9 / target.clock / target.fps),
            "clock_ns": target.clock,
            "tool": found.model,
        },
        answer.given,
    )


def _node(row: NodeCost, model: str) -> dict[str, Any]:
    settings = settings_of(row.node)
    folding = {
        key: value
        for name in ("pe", "simd")
        for key, value in (
            (name, getattr(row.folding, name) if name in settings else None),
            (f"{name}_max", limit(row.node, name) if name in settings else None),
        )
    }
    return {
        "name": row.node.name,
        "layer": row.node.layer,
        "op": row.node.op_type,
        "cycles": row.cycles,
        **{name: row.resource(name) for name in RESOURCES},
        **folding,
        "marks": list(_marks(row, model)),
    }


def _marks(row: NodeCost, model: str) -> Iterator[str]:
    """Which holes the figures of a node have."""
    if row.unknown:
        yield "unknown"
    if model == finn_plus_1_6.NAME:
        if row.node.op_type == "MVAU_hls" and not row.node["noActivation"]:
            if row.folding.ram_style_thresholds != "distributed":
                yield "thresholds"
        elif row.node.op_type == "MVAU_rtl":
            yield from ("rtl_lut", "rtl_dsp")
    is_finns = model in (finn_plus_1_6.NAME, finn_0_9.NAME)
    if is_finns and not any(getattr(row, name) for name in RESOURCES):
        yield "zero"
