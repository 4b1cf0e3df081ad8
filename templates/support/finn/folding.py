"""How many processing elements and lanes each layer gets: FINN's choice for a target, or a folding file by layer name."""

from __future__ import annotations

import difflib
import re
from typing import Any

from support.finn import streams as finn_streams
from support.finn import windows as finn_windows
from support.finn.estimates import performance
from support.finn.limits import folding_limit
from support.finn.names import names_by_tensor, restore_names
from support.finn.quick import Say, apply, nothing
from support.progress import StageError

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
# Parts of a layer that a foretold hardware may have and this one not.
NOT_ALWAYS = re.compile(r"(\.(fork|turned|magnitude|uint2|partial\d+))+(\.(pad|window))?$")
_FOLDING_EXAMPLE = (
    'such as {"stem.conv": {"PE": 4, "SIMD": 9}}; folding.json in the results has all layers'
)


def fold(model: Any, target_cycles: int | None, weight_width_max: int, say: Say = nothing) -> Any:
    """FINN's SetFolding in its two passes, the second for what the slowest layer can do; that layer is named."""
    from finn.transformation.fpgadataflow.annotate_cycles import AnnotateCycles
    from finn.transformation.fpgadataflow.set_folding import SetFolding

    if target_cycles is None:
        finn_streams.narrow(model, weight_width_max, say)
        finn_windows.mend(model, say)
        return apply(model, [AnnotateCycles()])
    names = names_by_tensor(model)
    for goal in ("target", "bottleneck"):
        folding = SetFolding(target_cycles, weight_width_max, two_pass_relaxation=False)
        model = apply(model, [folding])
        restore_names(model, names)
        finn_streams.narrow(model, weight_width_max, say)
        finn_windows.mend(model, say)
        reached = performance(model)
        if reached["max_cycles"] <= target_cycles or goal == "bottleneck":
            break
        say(
            f"{reached['max_cycles_node_name']} needs {reached['max_cycles']} cycles, "
            f"the target is {target_cycles}: folding the other layers to that"
        )
        target_cycles = reached["max_cycles"]
    return apply(model, [AnnotateCycles()])


def apply_folding(model: Any, folding: dict[str, dict[str, Any]], say: Say = nothing) -> Any:
    """Set attributes by node name. Errors: StageError for unknown names or attributes, factors that do
    not divide, a pool folded other than its window.

    What only some hardware of the network has is told and passed by. A sum that was to be read twice is multiplied by signs
    first where a batch norm learnt negative gains, and the product is what is read twice. Streamlining widens no single bits
    and leaves large averages whole.
    """
    from qonnx.custom_op.registry import getCustomOp

    nodes = {node.name: node for node in model.graph.node}
    if not isinstance(folding, dict):
        raise StageError("the folding is no object of layers", _FOLDING_EXAMPLE)
    for name, attributes in folding.items():
        if name == "Defaults":
            continue
        if not isinstance(attributes, dict):
            raise StageError(f"the folding of {name} is no object of attributes", _FOLDING_EXAMPLE)
        layer = NOT_ALWAYS.sub("", name)
        merged_into = layer.removesuffix(".act")  # a matrix unit thresholds its own sums
        if name not in nodes and layer != name and {layer, merged_into} & nodes.keys():
            say(f"{name}: this hardware has no such part, its folding is not used")
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
            limit = folding_limit(nodes[name], attribute)
            if limit is not None and type(value) is not int:
                raise StageError(f"{name}: {attribute} = {value!r} is no whole number")
            if limit is not None and (value < 1 or limit % value):
                raise StageError(f"{name}: {attribute} = {value} does not divide {limit}")
            instance.set_nodeattr(attribute, value)
    _check_pools(model)
    return model


def _check_pools(model: Any) -> None:
    """FINN puts no width converter between a pool and its window that keeps the order of the channels."""
    from qonnx.custom_op.registry import getCustomOp

    for pool in model.get_nodes_by_op_type("Pool_hls"):
        window = model.find_producer(pool.input[0])
        pe, simd = getCustomOp(pool).get_nodeattr("PE"), getCustomOp(window).get_nodeattr("SIMD")
        if pe != simd:
            raise StageError(
                f"{pool.name} and the window before it must work alike: PE = {pe}, SIMD = {simd}",
                f'in the folding file: "{window.name}": {{"SIMD": {pe}}}',
            )


def folding_of(model: Any) -> dict[str, Any]:
    """What a folding file holds, by layer name; `apply_folding` takes it back."""
    from qonnx.custom_op.registry import getCustomOp

    found = {}
    for node in model.graph.node:
        instance = getCustomOp(node)
        known = instance.get_nodeattr_types()
        values = {key: instance.get_nodeattr(key) for key in FOLDING_ATTRIBUTES if key in known}
        if values:
            found[node.name] = values
    return found
