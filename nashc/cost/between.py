"""The FIFOs and width converters that FINN puts between the nodes of a network, with their costs.

Source: finn-plus 1.6.1, transformation/fpgadataflow/insert_dwc.py and insert_fifo.py with shallow FIFOs, as
`step_set_fifo_depths` calls them: a converter where the widths differ, and a FIFO on each stream.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nashc.cost.depths import depths
from nashc.cost.fifo import LEAST_DEPTH, Fifo, fifo
from nashc.cost.flow import pixels_in, words_in
from nashc.cost.fold import Folding
from nashc.cost.lanes import lanes_in, lanes_out, stream_type
from nashc.cost.nodes import HwNode, width
from nashc.cost.parts import has_uram


def between(
    nodes: tuple[HwNode, ...],
    foldings: Mapping[str, Folding],
    interval: int,
    part: str,
    room: Mapping[str, int],
) -> list[tuple[HwNode, dict[str, int]]]:
    """Each FIFO and converter, named by its reader, with its cycles and resources.

    interval: cycles between frames. room: words in the buffer of each sliding window. Of two FIFOs around a converter, the one
    behind it holds what waits.
    """
    by_name = {node.name: node for node in nodes}
    is_ultra = has_uram(part)
    found = []
    for node, number, depth in depths(nodes, foldings, interval, room):
        name, reader = node.inputs[number], node.name
        before = by_name[name]
        bits = width(stream_type(before))
        given = lanes_out(before, foldings[name]) * bits
        taken = lanes_in(node, foldings[reader]) * bits
        port = number if len(node.inputs) > 1 else ""
        values = pixels_in(node) * words_in(node, foldings[reader]) * taken
        made = [(taken, depth, f"{reader}.fifo{port}")]
        if given != taken:
            made.insert(0, (given, LEAST_DEPTH, f"{reader}.fifo{port}a"))
            attrs: dict[str, Any] = {
                "inWidth": given,
                "outWidth": taken,
                "dataType": stream_type(before),
            }
            cost = Fifo(converter_lut(given, taken), 0, 0)
            kind = "StreamingDataWidthConverter"
            made_of = _node(f"{reader}.dwc{port}", node, kind, attrs, name)
            found.append((made_of, _counts(values // min(given, taken), cost)))
        for word, words, label in made:
            cost = fifo(words, word, is_ultra)
            attrs = {"depth": words, "width": word, "dataType": stream_type(before)}
            made_of = _node(label, node, "StreamingFIFO", attrs, name)
            found.append((made_of, _counts(values // word, cost)))
    return found


def _counts(cycles: int, cost: Fifo) -> dict[str, int]:
    return {"cycles": cycles, **cost._asdict(), "dsp": 0}


def _node(name: str, reader: HwNode, kind: str, attrs: Mapping[str, Any], before: str) -> HwNode:
    return HwNode(name, reader.layer, kind, "rtl", attrs, (before,))


def converter_lut(given: int, taken: int) -> int:
    """LUTs of vpc.sv between streams of these widths in bits.

    Fitted to yosys 0.70 on 15 pairs of widths (docs/experiments/silicon.md): within 15 %, and 21 LUTs where the widths do not divide. FINN's
    formula counts a shift register, which this is not.
    """
    if taken > given:
        return round(given + 2.2 * taken / given + 9)
    steps = (given / taken - 1).__ceil__().bit_length()
    return round(given * (1.6 * steps + 1.5))
