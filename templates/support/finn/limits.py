"""What the folding of a layer must divide."""

from __future__ import annotations

from typing import Any


def folding_limit(node: Any, attribute: str) -> int | None:
    """What PE or SIMD of a node must divide, None for another attribute."""
    from qonnx.custom_op.registry import getCustomOp

    if attribute not in ("PE", "SIMD"):
        return None
    instance = getCustomOp(node)
    if node.op_type.startswith("MVAU"):
        return int(instance.get_nodeattr("MH" if attribute == "PE" else "MW"))
    for channels in ("NumChannels", "Channels", "IFMChannels", "Labels"):
        if channels in instance.get_nodeattr_types():
            return int(instance.get_nodeattr(channels))
    return int(instance.get_normal_output_shape()[-1])
