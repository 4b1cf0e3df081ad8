"""How deep the FIFOs must be so that nobody waits for room: counted from the flow of a frame.

FINN finds depths by simulating the whole accelerator with the image arriving at the rate of its slowest node, and keeping
the most words that each FIFO held (simulation of `step_set_fifo_depths`; it needs Vivado). Here the same is asked of
`flow`: words that have come and are not taken yet. A sliding window takes a pixel when its buffer has room, and the
next frame only after its last window.
Error: a pixel, as `flow` knows no time within one, and what a FIFO holds while a later one is full. Not held to FINN's.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from nashc.cost.fifo import LEAST_DEPTH
from nashc.cost.flow import Pass, corners, flow, pixels_in, words_in
from nashc.cost.fold import Folding, Ints
from nashc.cost.nodes import HwNode


def depths(
    nodes: tuple[HwNode, ...],
    foldings: Mapping[str, Folding],
    interval: int,
    room: Mapping[str, int],
) -> list[tuple[HwNode, int, int]]:
    """Of each stream the node that reads it, by which of its inputs, and the words that the FIFO before it must hold.

    interval: cycles between frames. room: words in the buffer of each sliding window.
    """
    passes = flow(nodes, foldings, interval)
    found = []
    for node in nodes:
        folding = foldings[node.name]
        # What holds the image before the first node is not ours.
        for port, ready in enumerate(passes[node.name].ready[: len(node.inputs)]):
            if node.kind == "ConvolutionInputGenerator":
                pixels = _before_window(node, folding, passes[node.name], interval, room[node.name])
            else:
                # What has come by then but for what has been taken.
                taken = np.searchsorted(passes[node.name].taken, ready, side="right")
                pixels = int((np.arange(1, len(ready) + 1) - taken).max())
            words = max(0, pixels) * words_in(node, folding)
            found.append((node, port, max(LEAST_DEPTH, words)))
    return found


def _before_window(node: HwNode, folding: Folding, passed: Pass, interval: int, room: int) -> int:
    """Pixels that wait before a sliding window.

    swg_template_default.sv: what a window that has begun leaves behind may be overwritten.
    """
    (ready,), words = passed.ready, words_in(node, folding)
    first = corners(node.sizes("IFMDim"), node.sizes("OFMDim"), node.sizes("Stride"))
    kept: Ints = np.concatenate([first, [pixels_in(node)]])
    begun = np.searchsorted(passed.given.done - passed.given.spread, ready, side="right")
    taken = np.minimum(np.arange(1, len(ready) + 1), kept[begun] + room // words)
    within = int((np.arange(1, len(ready) + 1) - taken).max())
    last = int(passed.given.done[-1])
    return max(within, int(np.count_nonzero(ready + interval <= last)))
