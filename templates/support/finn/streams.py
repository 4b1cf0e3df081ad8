"""Streams that HLS can hold: an ap_uint has at most 8191 bits.

SetFolding of FINN+ 1.6.1 watches the weights alone. 12800 lanes of 8-bit activations, from a 5x5 window over 512
channels, then pass the estimates and fail in code generation. nashc/cost/streams.py narrows by the same rule, so that
`nashc estimate` tells what is built.
"""

from __future__ import annotations

from typing import Any

from support.finn.limits import folding_limit
from support.finn.quick import Say, nothing
from support.progress import StageError

# Of an ap_uint in Vitis HLS; finn/util/basic.py, MAX_ALLOWED_AP_INT_W.
WIDEST_STREAM = 8191


def narrow(model: Any, weight_width_max: int, say: Say = nothing) -> None:
    """Give HLS nodes with too wide a stream a folding that HLS can hold.

    A matrix unit gets the smallest that is as quick, the quickest where none is, with as many lanes (SIMD) as can be;
    another node gets fewer rows (PE), and the sliding window before a pool works alike. weight_width_max: as in
    SetFolding, bits of weights that one processing element reads in a cycle.
    """
    from qonnx.custom_op.registry import getCustomOp

    for node in model.graph.node:
        before = widest(node)
        if before <= WIDEST_STREAM:
            continue
        instance = getCustomOp(node)
        names = ("PE", "SIMD") if node.op_type == "MVAU_hls" else ("PE",)
        values = _narrowed(node, instance, weight_width_max)
        for name, value in zip(names, values, strict=False):
            instance.set_nodeattr(name, value)
        if node.op_type == "Pool_hls":
            window = model.find_producer(node.input[0])
            getCustomOp(window).set_nodeattr("SIMD", values[0])
        words = ", ".join(f"{name} {value}" for name, value in zip(names, values, strict=False))
        say(f"{node.name}: a stream of {before} bits is too wide for HLS, folded to {words}")


def _narrowed(node: Any, instance: Any, weight_width_max: int) -> tuple[int, int]:
    """The PE and SIMD to take; of nodes without SIMD that is 1."""
    wanted = instance.get_nodeattr("PE")
    simds = [1]
    if node.op_type == "MVAU_hls":
        wanted *= instance.get_nodeattr("SIMD")
        bits = instance.get_input_datatype(1).bitwidth()
        most = max(weight_width_max, bits)
        simds = [simd for simd in _divisors(node, "SIMD") if bits * simd <= most]
    fitting = [
        (pe, simd)
        for pe in _divisors(node, "PE")
        for simd in simds
        if _width(node, instance, pe, simd) <= WIDEST_STREAM
    ]
    enough = [pair for pair in fitting if pair[0] * pair[1] >= wanted]
    if enough:
        return min(enough, key=lambda pair: (pair[0] * pair[1], -pair[1]))
    return max(fitting, key=lambda pair: (pair[0] * pair[1], pair[1]))


def check(model: Any) -> None:
    """Errors: StageError for the first HLS layer with a stream that no ap_uint holds."""
    for node in model.graph.node:
        if widest(node) > WIDEST_STREAM:
            raise StageError(
                f"{node.name}: a stream of {widest(node)} bits, HLS takes {WIDEST_STREAM}",
                "fold this layer less: a smaller SIMD or PE in the folding file, fewer frames per second",
            )


def widest(node: Any) -> int:
    """Bits of the widest stream of an HLS node, or of the weights of one of its processing elements; 0 for RTL."""
    from qonnx.custom_op.registry import getCustomOp

    instance = getCustomOp(node)
    known = instance.get_nodeattr_types()
    pe, simd = (instance.get_nodeattr(name) if name in known else 1 for name in ("PE", "SIMD"))
    return _width(node, instance, pe, simd)


def _width(node: Any, instance: Any, pe: int, simd: int) -> int:
    """As `widest`, in another folding. Source: finn-plus 1.6.1, get_ap_int_max_w of hlsbackend.py and hls/*.py."""
    if not node.op_type.endswith("_hls"):
        return 0
    outputs = instance.get_output_datatype().bitwidth()
    inputs = [instance.get_input_datatype(0).bitwidth()]
    if node.op_type == "MVAU_hls":
        is_embedded = instance.get_nodeattr("mem_mode") == "internal_embedded"
        weights = instance.get_input_datatype(1).bitwidth() * simd * (1 if is_embedded else pe)
        return max(inputs[0] * simd, weights, outputs * pe)
    if (
        node.op_type == "Thresholding_hls"
        and instance.get_nodeattr("mem_mode") == "internal_decoupled"
    ):
        inputs.append(instance.get_input_datatype(1).bitwidth() * instance.get_nodeattr("numSteps"))
    if node.op_type == "LabelSelect_hls":
        return max(inputs[0] * pe, outputs)
    if node.op_type.startswith("Elementwise"):
        is_embedded = instance.get_nodeattr("rhs_style") == "const"
        is_embedded &= instance.get_nodeattr("mem_mode") == "internal_embedded"
        inputs += [] if is_embedded else [instance.get_input_datatype(1).bitwidth()]
    return max(*inputs, outputs) * pe


def _divisors(node: Any, attribute: str) -> list[int]:
    """Legal values of PE or SIMD."""
    whole = folding_limit(node, attribute)
    assert whole is not None
    return [n for n in range(1, whole + 1) if whole % n == 0]
