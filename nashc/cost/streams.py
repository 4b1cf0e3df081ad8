"""Streams that HLS can hold: what templates/support/finn/streams.py makes of a folding with wider ones, step by step."""

from __future__ import annotations

from functools import reduce

import numpy as np

from nashc.cost.fold import MEM_MODES, Folding, Foldings, Ints, divisors, limit, one
from nashc.cost.nodes import HwNode

# Bits of an ap_uint in Vitis HLS; finn/util/basic.py, MAX_ALLOWED_AP_INT_W.
WIDEST_STREAM = 8191

_DECOUPLED = MEM_MODES.index("internal_decoupled")
_EMBEDDED = MEM_MODES.index("internal_embedded")


def widest(node: HwNode, f: Foldings) -> Ints:
    """Bits of the widest stream, and of the weights of one processing element, in each folding; 0 for RTL, which
    FINN generates at any width.

    Source: finn-plus 1.6.1, get_ap_int_max_w of hlsbackend.py and hls/*.py.
    """
    if node.backend != "hls":
        return np.zeros_like(f.pe)
    match node.kind:
        case "MVAU":
            streamed = np.where(f.mem_mode == _EMBEDDED, 1, f.pe)
            weights = node.width("weightDataType") * f.simd * streamed
            return _most(
                weights,
                node.width("inputDataType") * f.simd,
                node.width("outputDataType") * f.pe,
            )
        case "Thresholding":
            each = node.width("weightDataType") * node["numSteps"]
            return f.pe * _most(
                np.where(f.mem_mode == _DECOUPLED, each, 0),
                np.full_like(f.pe, node.width("inputDataType")),
                np.full_like(f.pe, node.width("outputDataType")),
            )
        case "Pool":
            return f.pe * max(node.width("InputDataType"), node.width("OutputDataType"))
        case "DuplicateStreams":
            return f.pe * node.width("inputDataType")
        case "LabelSelect":
            return np.maximum(f.pe * node.width("inputDataType"), node.width("outputDataType"))
        case "FMPadding" | "ConvolutionInputGenerator" | "DownSampler":  # HLS in FINN 0.9 alone
            return f.simd * node.width("inputDataType")
    is_read = (node.attrs["rhs_style"] == "input") | (f.mem_mode == _DECOUPLED)
    return f.pe * _most(
        np.where(is_read, node.width("rhs_dtype"), 0),
        np.full_like(f.pe, max(node.width("lhs_dtype"), node.width("out_dtype"))),
    )


def narrow(node: HwNode, folding: Folding, weight_width_max: int) -> Folding:
    """The folding itself if HLS can hold its streams, else one that it can.

    Of a matrix unit the smallest that is as quick, the quickest where none is, with as many lanes (SIMD) as can be; of
    other nodes the quickest. weight_width_max: FINN's mvau_wwidth_max.
    """
    if node.backend != "hls" or int(widest(node, one(folding))[0]) <= WIDEST_STREAM:
        return folding
    simds = divisors(limit(node, "simd")) if node.kind == "MVAU" else (folding.simd,)
    rows = _grid(folding, divisors(limit(node, "pe")), simds)
    if node.kind == "MVAU":
        bits = rows.simd * node.width("weightDataType")
        rows = rows.take(bits <= max(weight_width_max, node.width("weightDataType")))
    rows = rows.take(widest(node, rows) <= WIDEST_STREAM)
    work = rows.pe * rows.simd
    enough = rows.take(work >= folding.pe * folding.simd)
    if len(enough):
        rows = enough.take(enough.pe * enough.simd == (enough.pe * enough.simd).min())
    else:
        rows = rows.take(work == work.max())
    return rows[int(rows.simd.argmax())]


def _grid(folding: Folding, pes: tuple[int, ...], simds: tuple[int, ...]) -> Foldings:
    """The folding with each pe and each simd, pe after pe."""
    base, size = one(folding), len(pes) * len(simds)
    columns = {name: np.repeat(column, size) for name, column in vars(base).items()}
    columns["pe"], columns["simd"] = np.repeat(pes, len(simds)), np.tile(simds, len(pes))
    return Foldings(**columns)


def _most(*columns: Ints) -> Ints:
    return reduce(np.maximum, columns)
