"""When the pixels of one frame pass each stream: the latency of a pipeline whose nodes work at the same time.

Each node gives its next pixel when it has what that needs and is done with the one before: done[p] =
max(done[p - 1] + cycles of a pixel, all inputs of p) + registers. That is exact for nodes that nobody holds up; here FIFOs
are deep enough, the frame meets an empty pipeline, and the image arrives at a word in each cycle. What
a node needs is read from finn-rtllib of finn-plus 1.6.1 (swg_template_default.sv, swg_template_parallel.sv, fmpadding.sv,
mvu_vvu_axi.sv, thresholding.sv) and, for HLS, from the loop nests of finn-hlslib.
Error: docs/experiments/silicon.md has the RTL of each kind in Verilator beside this. The registers inside HLS units are
not known before synthesis and count nothing: some tens of cycles for each on the path, where a frame takes 10^4 to 10^6.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from nashc.cost.channelwise import fetched
from nashc.cost.fold import Folding, Ints
from nashc.cost.lanes import lanes_in, lanes_out
from nashc.cost.nodes import HwNode
from nashc.cost.windows import pixels_kept


@dataclass(frozen=True)
class Stream:
    """done: clock cycle in which the last word of each pixel passes, int64 [pixels], rising.

    spread: cycles from the first word of a pixel to its last, at least.
    """

    done: Ints
    spread: int

    def read(self, pixels: int, words: int) -> Ints:
        """When a reader that takes `pixels` of `words` each has the last word of each of them."""
        done, spread = self.done, self.spread
        if len(done) != pixels:  # the whole image becomes one vector
            groups = done.reshape(pixels, -1)
            spread += int((groups[:, -1] - groups[:, 0]).min())
            done = groups[:, -1]
        return done + max(0, words - 1 - spread)


@dataclass(frozen=True)
class Pass:
    """How one frame passes a node. ready: when each pixel that it reads is there, by input; taken: when it is read; given:
    what leaves."""

    ready: tuple[Ints, ...]
    taken: Ints
    given: Stream


def latency(nodes: tuple[HwNode, ...], foldings: Mapping[str, Folding]) -> int:
    """Clock cycles from the first word of a frame to the result."""
    return max(int(passed.given.done[-1]) for passed in flow(nodes, foldings).values()) + 1


def flow(
    nodes: tuple[HwNode, ...], foldings: Mapping[str, Folding], interval: int = 0
) -> dict[str, Pass]:
    """How a frame passes each node, by its name. interval: cycles in which the image arrives evenly, 0 for at once."""
    by_name = {node.name: node for node in nodes}
    found: dict[str, Pass] = {}
    for node in nodes:
        folding = foldings[node.name]
        pixels, words = pixels_in(node), words_in(node, folding)
        ready = tuple(
            found[name].given.read(pixels, words) + _between(by_name[name], node, foldings)
            for name in node.inputs
        )
        if not ready:
            cycles = np.maximum(words, interval // pixels)
            ready = (cycles * np.arange(pixels) + words - 1,)
        found[node.name] = through(node, folding, ready)
    return found


def _between(before: HwNode, node: HwNode, foldings: Mapping[str, Folding]) -> int:
    """Registers of a FIFO and, where the widths differ, of a converter and its FIFO."""
    given = lanes_out(before, foldings[before.name])
    return FIFO if given == lanes_in(node, foldings[node.name]) else 2 * FIFO + CONVERTER


def through(node: HwNode, folding: Folding, ready: tuple[Ints, ...]) -> Pass:
    """What a node makes of streams whose pixels it has at `ready`."""
    words = words_in(node, folding)
    whole = ready[0] if len(ready) == 1 else np.maximum(*ready)
    match node.kind:
        case "MVAU":
            rows = node["MH"] // folding.pe
            ahead = (rows - 1) * words
            done = _paced(whole + ahead, rows * words)
            given = Stream(done + _unit_registers(node, folding), ahead)
            return Pass(ready, done - ahead, given)
        case "FMPadding":
            taken = _paced(whole, words)
            given = Stream(_paced(_padded(node, taken, words), words) + PADDING, words - 1)
            return Pass(ready, taken, given)
        case "ConvolutionInputGenerator":
            if node["depthwise"] and words > 1 and node.sizes("Stride") != (1, 1):
                return _held_up(node, ready, words)
            taken = _paced(whole, words)
            return Pass(ready, taken, _window(node, folding, taken))
    taken = _paced(whole, words)
    if node.kind == "Pool":
        outputs = node["Channels"] // folding.pe
        return Pass(ready, taken, Stream(taken, (outputs - 1) * (words // outputs)))
    registers = 0
    if node.op_type == "Thresholding_rtl":
        registers = 2 * node.width("outputDataType") + THRESHOLDING
    return Pass(ready, taken, Stream(taken + registers, words - 1))


def pixels_in(node: HwNode) -> int:
    """Pixels of a frame that a node reads; of a window those it is put together from."""
    match node.kind:
        case "FMPadding":
            return math.prod(node.sizes("ImgDim"))
        case "ConvolutionInputGenerator":
            return math.prod(node.sizes("IFMDim"))
        case "Pool":
            return math.prod(node.sizes("OutImgDims"))
        case "LabelSelect":
            return 1
        case _ if node.kind.startswith("Elementwise"):
            return math.prod(node.sizes("out_shape")[:-1])
    return math.prod(node.sizes("numInputVectors"))


def words_in(node: HwNode, folding: Folding) -> int:
    """Words of one of its pixels that a node reads: the values of a pixel by those it takes at once."""
    match node.kind:
        case "MVAU":
            return node["MW"] // folding.simd
        case "ConvolutionInputGenerator":
            return node["IFMChannels"] // folding.simd
        case "FMPadding":
            return node["NumChannels"] // folding.simd
        case "Pool":
            return math.prod(node.sizes("KernelSize")) * node["Channels"] // folding.pe
        case "LabelSelect":
            return node["Labels"] // folding.pe
        case _ if node.kind.startswith("Elementwise"):
            return node.sizes("out_shape")[-1] // folding.pe
    return node["NumChannels"] // folding.pe


# Registers on the way of a word, in clock cycles. Each is held to the RTL by benchmarks/measure_rtl.py.
FIFO = 1  # fifo.sv: the output register
CONVERTER = 1  # vpc.sv
PADDING = 1  # fmpadding.sv: the output register
WINDOW = 2  # swg_template_default.sv: write to the buffer, read from it
PARALLEL_WINDOW = 1  # swg_template_parallel.sv: write to the shift registers
THRESHOLDING = (
    2  # thresholding.sv: the output queue, behind two registers for each bit (deep_pipeline)
)


def _unit_registers(node: HwNode, folding: Folding) -> int:
    """mvu_vvu_axi.sv: replay buffer, DSPs (3), their adder tree (log2 of SIMD), output queue; of HLS not known."""
    if node.backend != "rtl":
        return 0
    return 8 + (folding.simd - 1).bit_length() + (folding.simd == 1)


def _paced(ready: Ints, cycles: int) -> Ints:
    """done[p] = max(done[p - 1] + cycles, ready[p])."""
    steps = cycles * np.arange(len(ready))
    paced: Ints = np.maximum.accumulate(ready - steps) + steps
    return paced


def _padded(node: HwNode, ready: Ints, words: int) -> Ints:
    """Of a padded image, what each pixel waits for: itself, or for padding the pixel before, if there is one."""
    last = _last_before(node.sizes("ImgDim"), node.sizes("Padding"))
    return np.where(last < 0, words - 1, ready[last])


@cache
def _last_before(image: tuple[int, ...], padding: tuple[int, ...]) -> Ints:
    (height, width), (top, left, bottom, right) = image, padding
    is_inside = np.zeros((height + top + bottom, width + left + right), bool)
    is_inside[top : top + height, left : left + width] = True
    return np.cumsum(is_inside.ravel()) - 1


def _window(node: HwNode, folding: Folding, taken: Ints) -> Stream:
    """Windows leave word by word while their last pixels arrive; a parallel one leaves whole."""
    kernel, fold = node.sizes("ConvKernelDim"), words_in(node, folding)
    last = _last_of_windows(node)
    if folding.parallel_window or kernel == (1, 1):
        return Stream(_paced(taken[last], fold) + PARALLEL_WINDOW, fold - 1)
    pixels = math.prod(kernel)
    # Channel after channel: the first is ready with its last value, the others follow.
    after = (fold - 1) * (pixels - 1) if node["depthwise"] else 0
    return Stream(_paced(taken[last] + after, pixels * fold) + WINDOW, pixels * fold - 1)


def _held_up(node: HwNode, ready: tuple[Ints, ...], words: int) -> Pass:
    """Windows with a stride, channel after channel: the buffer lets the next pixels in late (channelwise.py)."""
    arrival = (ready[0][:, None] - words + 1 + np.arange(words)).ravel()
    start = corners(node.sizes("IFMDim"), node.sizes("OFMDim"), node.sizes("Stride"))
    pixels = math.prod(node.sizes("ConvKernelDim"))
    reach = int(_last_of_windows(node)[0])
    room = pixels_kept(node) * words
    done, read = fetched(arrival, start, reach, pixels, words, room)
    given = Stream(done + WINDOW - 1, pixels * words - 1)
    return Pass(ready, read[words - 1 :: words], given)


def _last_of_windows(node: HwNode) -> Ints:
    """The number of the last pixel of each window."""
    corner = corners(node.sizes("IFMDim"), node.sizes("OFMDim"), node.sizes("Stride"))
    (k_h, k_w), (_, width) = node.sizes("ConvKernelDim"), node.sizes("IFMDim")
    return corner + (k_h - 1) * width + k_w - 1


@cache
def corners(image: tuple[int, ...], out: tuple[int, ...], stride: tuple[int, ...]) -> Ints:
    """The number of the first pixel of each window."""
    rows, columns = np.arange(out[0]) * stride[0], np.arange(out[1]) * stride[1]
    return (rows[:, None] * image[1] + columns[None, :]).ravel()
