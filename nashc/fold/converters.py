"""Width converters that FINN will put between nodes whose streams do not match; finn-plus-1.6 estimates without them.

Source: finn-plus 1.6.1, transformation/fpgadataflow/insert_dwc.py; streamingdatawidthconverter.py, lut_estimation.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from nashc.cost.fold import Folding
from nashc.cost.nodes import HwNode, width


def converters(
    nodes: tuple[HwNode, ...], foldings: Mapping[str, Folding]
) -> list[tuple[str, str, int]]:
    """The pairs of nodes with a converter between them, and its LUTs by FINN's formula."""
    by_name = {node.name: node for node in nodes}
    found = []
    for node in nodes:
        for name in node.inputs:
            before = by_name[name]
            given, taken = lanes_out(before, foldings[name]), lanes_in(node, foldings[node.name])
            if given != taken:
                bits = width(stream_type(before))
                found.append((name, node.name, converter_lut(given * bits, taken * bits)))
    return found


def converter_lut(given: int, taken: int) -> int:
    """Of a converter between streams of these widths in bits; up to their common multiple and down again."""
    common = math.lcm(given, taken)
    lut = 0
    if given != common:
        lut += abs(math.ceil(math.log2(given / common))) + common  # rounded as FINN rounds
    if taken != common:
        lut += math.ceil(math.log2(common / taken)) + taken
    return lut


def lanes_in(node: HwNode, folding: Folding) -> int:
    """Values that a node takes at once from each of its streams."""
    return folding.simd if node.kind in _BY_SIMD else folding.pe


def lanes_out(node: HwNode, folding: Folding) -> int:
    """Values that a node gives at once on each of its streams."""
    match node.kind:
        case "ConvolutionInputGenerator":
            window = math.prod(node.sizes("ConvKernelDim")) if folding.parallel_window else 1
            return folding.simd * window
        case "FMPadding":
            return folding.simd
        case "LabelSelect":
            return 1
    return folding.pe


def stream_type(node: HwNode) -> str:
    """QONNX type of what a node gives."""
    for name in ("outputDataType", "OutputDataType", "out_dtype", "inputDataType"):
        if name in node.attrs:
            return str(node[name])
    raise AssertionError(node)


_BY_SIMD = ("FMPadding", "ConvolutionInputGenerator", "MVAU")
