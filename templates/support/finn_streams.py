"""Streams that HLS can hold: an ap_uint has at most 8191 bits.

SetFolding of FINN+ 1.6.1 watches the weights alone. 12800 lanes of 8-bit activations, from a 5x5 window over 512
channels, then pass the estimates and fail in code generation.
"""

from __future__ import annotations

from typing import Any

from support.finn_limits import folding_limit
from support.finn_quick import Say, nothing
from support.progress import StageError

# Of an ap_uint in Vitis HLS; finn/util/basic.py, MAX_ALLOWED_AP_INT_W.
WIDEST_STREAM = 8191


def narrow(model: Any, say: Say = nothing) -> None:
    """Give matrix units with too wide a stream fewer lanes (SIMD), and rows (PE) until they are as quick as before."""
    from qonnx.custom_op.registry import getCustomOp

    for node in model.get_nodes_by_op_type("MVAU_hls"):
        if widest(node) <= WIDEST_STREAM:
            continue
        instance = getCustomOp(node)
        before, cycles = widest(node), instance.get_exp_cycles()
        for simd in _divisors(node, "SIMD", instance.get_nodeattr("SIMD")):
            instance.set_nodeattr("SIMD", simd)
            if widest(node) <= WIDEST_STREAM:
                break
        for pe in reversed(_divisors(node, "PE")):
            previous = instance.get_nodeattr("PE")
            if instance.get_exp_cycles() <= cycles:
                break
            instance.set_nodeattr("PE", max(pe, previous))
            if widest(node) > WIDEST_STREAM:
                instance.set_nodeattr("PE", previous)
                break
        say(
            f"{node.name}: a stream of {before} bits is too wide for HLS, folded to "
            f"PE {instance.get_nodeattr('PE')}, SIMD {instance.get_nodeattr('SIMD')}"
        )


def check(model: Any) -> None:
    """Errors: StageError for the first HLS layer with a stream that no ap_uint holds."""
    for node in model.graph.node:
        if node.op_type.endswith("_hls") and widest(node) > WIDEST_STREAM:
            raise StageError(
                f"{node.name}: a stream of {widest(node)} bits, HLS takes {WIDEST_STREAM}",
                "fold this layer less: a smaller SIMD or PE in the folding file, fewer frames per second",
            )


def widest(node: Any) -> int:
    """Bits of the widest stream of a layer."""
    from qonnx.custom_op.registry import getCustomOp

    instance = getCustomOp(node)
    widths = [instance.get_instream_width(), instance.get_outstream_width()]
    if node.op_type == "MVAU_hls":
        bits = instance.get_input_datatype(1).bitwidth()
        widths.append(bits * instance.get_nodeattr("SIMD") * instance.get_nodeattr("PE"))
    return int(max(widths))


def _divisors(node: Any, attribute: str, most: int | None = None) -> list[int]:
    """Legal values of PE or SIMD, largest first."""
    whole = folding_limit(node, attribute)
    assert whole is not None
    return [n for n in range(most or whole, 0, -1) if whole % n == 0]
