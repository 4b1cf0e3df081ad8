"""What the section `finn` of a spec asks for, set on FINN's layers before HLS or RTL is chosen for them."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

from support.finn.names import layer_of
from support.progress import StageError

# What a build does where settings/build.json is silent.
DEFAULTS: dict[str, Any] = {
    "prefer": "auto",
    "mem_mode": "auto",
    "ram_style": "auto",
    "fifo_sizing": "simulate",
    "fifo_ram_style": "auto",
    "driver": "pynq",
    "deployment": True,
    "vitis_strategy": "default",
    "vitis_platform": None,
    "floorplan": {},
}


def options_of(settings: dict[str, Any]) -> dict[str, Any]:
    """The options in force. Errors: StageError for one that does not exist."""
    given = settings.get("finn") or {}
    unknown = sorted(set(given) - set(DEFAULTS))
    if unknown:
        raise StageError(
            f"settings/build.json: there is no FINN option {unknown[0]}",
            f"there are {', '.join(DEFAULTS)}",
        )
    return {**DEFAULTS, **given}


def set_options(model: Any, options: dict[str, Any]) -> Any:
    """HLS or RTL, and the memory of the weights. `auto` leaves each layer as FINN made it.

    Weights embedded in the code exist in HLS only: those layers are HLS then, whatever is preferred.
    """
    from qonnx.custom_op.registry import getCustomOp

    for node in model.graph.node:
        instance = getCustomOp(node)
        known = instance.get_nodeattr_types()
        style = options["prefer"]
        is_matrix_unit = node.op_type in ("MVAU", "VVAU")
        if is_matrix_unit and options["mem_mode"] != "auto":
            instance.set_nodeattr("mem_mode", options["mem_mode"])
        if is_matrix_unit and options["ram_style"] != "auto":
            instance.set_nodeattr("ram_style", options["ram_style"])
        if is_matrix_unit and options["mem_mode"] == "internal_embedded":
            style = "hls"
        if style != "auto" and "preferred_impl_style" in known:
            instance.set_nodeattr("preferred_impl_style", style)
    return model


def floorplan_of(names: dict[str, str], plan: dict[str, int]) -> dict[str, Any]:
    """FINN's floorplan file: the region of each of its nodes. names: FINN's node name -> ours.

    plan: pattern of layer names -> region; the last that matches wins. Layers without one go to region 0.
    """
    found: dict[str, Any] = {"Defaults": {"slr": [0, ["all"]]}}
    for finn_name, name in names.items():
        matches = [slr for pattern, slr in plan.items() if fnmatchcase(layer_of(name), pattern)]
        if matches:
            found[finn_name] = {"slr": matches[-1]}
    return found
