"""What FINN could not build is refused here, before anything is trained.

One function for each kind of layer. "Source" of a value is what made it, whatever max-pools it went through.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from nashc.diagnostics import Diagnostic, Label, Problems
from nashc.ir import Graph, Node
from nashc.schema import Spec
from nashc.vocab.datatypes import is_integer, signed
from nashc.vocab.windows import has_loop

SUMS = ("conv", "linear", "batchnorm")
"""What gives sums of products and values made of them: nothing that a matrix unit takes in."""


def check_finn(graph: Graph, spec: Spec, problems: Problems) -> Graph:
    """The same graph; a diagnostic at each layer that FINN+ has no hardware for.

    Also before a search, when quantisers and the operations of cells are still missing.
    """
    _check_joins(graph, spec, problems)
    for node in graph.nodes:
        for diagnostic in RULES.get(node.op, _nothing)(node, graph):
            problems.add(diagnostic)
    return graph


def _check_joins(graph: Graph, spec: Spec, problems: Problems) -> None:
    adds = [node for node in graph.nodes if node.op == "add"]
    if not adds or spec.network.bits.shortcut.act != 1:
        return
    text = "what enters an add is signed, and 1 bit holds nothing but 0"
    span = spec.spans.value(("network", "bits", "shortcut")) or adds[0].span
    others = tuple(Label(add.span, "the first add") for add in adds[:1] if add.span)
    hint = "give the activations of `shortcut` 2 bits or more: shortcut = w8a8"
    problems.add(Diagnostic("NASH209", text, span, others=others, help=hint))


def _nothing(_node: Node, _graph: Graph) -> Iterator[Diagnostic]:
    return iter(())


def _act(node: Node, graph: Graph) -> Iterator[Diagnostic]:
    if node.params["kind"] == "relu" and graph.node(node.inputs[0]).op == "act":
        text = f"`{node.name}` repeats an activation"
        yield Diagnostic("NASH208", text, node.span, help="keep one `act`")


def _add(node: Node, graph: Graph) -> Iterator[Diagnostic]:
    for name in node.inputs:
        before = graph.node(name)
        while before.op in ("act", "batchnorm") and before.params.get("kind") != "relu":
            before = graph.node(before.inputs[0])
        if before.op == "maxpool" and _source(before, graph).op in SUMS:
            text = f"FINN pools only activations, and `{before.name}` goes into an add without one"
            hint = "put the activation before the pool: conv 3x3(...) -> bn -> act -> maxpool 3x3"
            yield Diagnostic("NASH208", text, before.span, help=hint)


def _batchnorm(node: Node, graph: Graph) -> Iterator[Diagnostic]:
    if graph.node(node.inputs[0]).op in ("act", "input", "add", "avgpool"):
        text = f"`{node.name}` normalises a value that no convolution made"
        yield Diagnostic("NASH208", text, node.span, help="conv 3x3(...) -> bn -> act")
    if any(reader.op == "maxpool" for reader in graph.consumers[node.name]):
        text = f"FINN pools integers, and `{node.name}` gives none"
        hint = "pool first (`conv -> maxpool -> bn -> act`), or after `act`"
        yield Diagnostic("NASH208", text, node.span, help=hint)


def _maxpool(node: Node, graph: Graph) -> Iterator[Diagnostic]:
    yield from _window(node, graph)
    source = _source(node, graph)
    is_signed = is_integer(source.dtype) and signed(source.dtype) and source.op not in SUMS
    if is_signed and node.params["pad"]:
        text = f"FINN has no padded max-pool on signed data (`{node.name}` of `{source.name}`)"
        hint = "pool after an `act`, or without padding: maxpool 3x3(pad = 0)"
        yield Diagnostic("NASH208", text, node.span, help=hint)
    window, stride = node.params["window"], node.params["stride"]
    before = graph.node(node.inputs[0]).shape[1:3]
    if stride > window and not before == node.shape[1:3] == (1, 1):
        text = f"FINN has no max-pool that leaves pixels out (`{node.name}`)"
        label = f"its {window}x{window} window steps {stride} pixels"
        hint = f"a stride of {window} at most, or a larger window"
        yield Diagnostic("NASH208", text, node.span, label, help=hint)


def _avgpool(node: Node, graph: Graph) -> Iterator[Diagnostic]:
    before = graph.node(node.inputs[0])
    height, width = before.shape[1:3]
    if height != width:
        text = f"FINN averages over squares, and the image is {height}x{width} at `{node.name}`"
        hint = "begin with a square image"
        yield Diagnostic("NASH210", text, node.span, help=hint)
    if _source(node, graph).op != "act":
        text = f"an average pool needs the result of an activation (`{node.name}`)"
        yield Diagnostic("NASH202", text, node.span, help="put `act` before it")


def _conv(node: Node, graph: Graph) -> Iterator[Diagnostic]:
    yield from _window(node, graph)
    yield from _stride(node, graph)
    yield from _product(node, graph)


def _window(node: Node, graph: Graph) -> Iterator[Diagnostic]:
    """FINN takes an image that is one pixel high or wide for a 1-D signal; one whole pixel is a product without window."""
    before, after = graph.node(node.inputs[0]).shape[1:3], node.shape[1:3]
    window = node.params["window" if node.op == "maxpool" else "kernel"]
    if min(before) == 1 and window > 1 and not before == after == (1, 1):
        image = f"{before[0]}x{before[1]}"
        text = f"FINN slides no {window}x{window} window over a {image} image (`{node.name}`)"
        hint = "fewer strides before it, or a 1x1 window"
        yield Diagnostic("NASH211", text, node.span, help=hint)
    has_window = before != after or (node.op == "maxpool" and before != (1, 1))
    channels = node.shape[-1] if node.op == "maxpool" else graph.node(node.inputs[0]).shape[-1]
    steps = (n for n in range(1, channels + 1) if channels % n == 0)
    if window == 1 and has_window and not any(has_loop(after[0], after[1], n) for n in steps):
        pixels = f"{channels} channel{'s' if channels > 1 else ''}"
        text = f"FINN has no 1x1 window that gives one pixel of {pixels} (`{node.name}`)"
        hint = "3 channels or more, fewer strides before it, or a larger window"
        yield Diagnostic("NASH208", text, node.span, help=hint)


def _stride(node: Node, graph: Graph) -> Iterator[Diagnostic]:
    """ConvolutionInputGenerator_rtl asserts that a step is no longer than the padded image; of pools `_maxpool` sees to it."""
    before, stride = graph.node(node.inputs[0]).shape[1:3], node.params["stride"]
    side = min(before) + 2 * node.params["pad"]
    if stride > side and not before == node.shape[1:3] == (1, 1):
        text = f"FINN steps no further than the image is wide (`{node.name}`)"
        label = f"steps {stride} pixels, and {before[0]}x{before[1]} is what it reads"
        hint = f"stride = {side}, or fewer strides before it"
        yield Diagnostic("NASH208", text, node.span, label, help=hint)


def _product(node: Node, graph: Graph) -> Iterator[Diagnostic]:
    if _source(node, graph).op in SUMS:
        what = "a convolution" if node.op == "conv" else "a fully connected layer"
        text = f"{what} needs quantised input (`{node.name}`)"
        label = "its input is a sum of products"
        hint = "put `act` before it"
        yield Diagnostic("NASH202", text, node.span, label, help=hint)


def _source(node: Node, graph: Graph) -> Node:
    source = graph.node(node.inputs[0])
    while source.op == "maxpool":
        source = graph.node(source.inputs[0])
    return source


RULES: dict[str, Callable[[Node, Graph], Iterator[Diagnostic]]] = {
    "act": _act,
    "add": _add,
    "batchnorm": _batchnorm,
    "maxpool": _maxpool,
    "avgpool": _avgpool,
    "conv": _conv,
    "linear": _product,
}
