"""Width converters that FINN will put between nodes whose streams do not match; finn-plus-1.6 estimates without them.

Source: finn-plus 1.6.1, transformation/fpgadataflow/insert_dwc.py; streamingdatawidthconverter.py, lut_estimation.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from nashc.cost.cost import RESOURCES
from nashc.cost.fold import Folding, Foldings
from nashc.cost.lanes import lanes_in, lanes_out, stream_type
from nashc.cost.nodes import HwNode, width
from nashc.fold.tables import Ints, Link


@dataclass(frozen=True)
class Converter:
    """Between two nodes. given, taken: bits at once on its two sides. lut: by FINN's formula."""

    first: str
    second: str
    given: int
    taken: int
    lut: int


def converters(nodes: tuple[HwNode, ...], foldings: Mapping[str, Folding]) -> tuple[Converter, ...]:
    """Those of a folding, in the order of the nodes that read from them."""
    by_name = {node.name: node for node in nodes}
    found = []
    for node in nodes:
        for name in node.inputs:
            before = by_name[name]
            bits = width(stream_type(before))
            given = lanes_out(before, foldings[name]) * bits
            taken = lanes_in(node, foldings[node.name]) * bits
            if given != taken:
                lut = converter_lut(given, taken)
                found.append(Converter(name, node.name, given, taken, lut))
    return tuple(found)


def links(
    nodes: tuple[HwNode, ...], rows: Mapping[str, Foldings], table_of: Mapping[str, int]
) -> tuple[Link, ...]:
    """What each stream costs by the widths at its ends. rows: of each node; table_of: the number of its table."""
    by_name = {node.name: node for node in nodes}
    found = []
    for node in nodes:
        for name in node.inputs:
            first, second = table_of[name], table_of[node.name]
            if first == second:
                continue  # a window and its pool are of one width
            before = by_name[name]
            bits = width(stream_type(before))
            given, first_port = _ports(lanes_out(before, rows[name]))
            taken, second_port = _ports(lanes_in(node, rows[node.name]))
            cost = np.zeros((len(given), len(taken), len(RESOURCES)))
            cost[:, :, RESOURCES.index("lut")] = [
                [converter_lut(out * bits, into * bits) for into in taken] for out in given
            ]
            found.append(Link(first, second, first_port, second_port, cost))
    return tuple(found)


def _ports(lanes: Ints) -> tuple[list[int], Ints]:
    """The widths that a node's foldings have, and which of them each row has."""
    found, port = np.unique(lanes, return_inverse=True)
    return [int(width) for width in found], port.astype(np.int64)


@cache
def converter_lut(given: int, taken: int) -> int:
    """Of a converter between streams of these widths in bits; up to their common multiple and down again."""
    if given == taken:
        return 0
    common = math.lcm(given, taken)
    lut = 0
    if given != common:
        lut += abs(math.ceil(math.log2(given / common))) + common  # rounded as FINN rounds
    if taken != common:
        lut += math.ceil(math.log2(common / taken)) + taken
    return lut
